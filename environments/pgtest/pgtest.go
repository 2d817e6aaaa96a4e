// Package pgtest gives every test a database of its own on a real PostgreSQL server. It knows nothing of what the tests
// put there, and it is not for anything but tests.
//
// All test processes of a user share one server for each major version. The first test starts it and it goes away by
// itself a few seconds after the last process has ended, so that `go test ./...` pays for one start, and several runs at
// once do not collide. Its data is on no account safe (fsync is off).
//
//	func TestTransfer(t *testing.T) {
//		db := pgtest.New(t)
//		conn := db.Connect(t.Context())
//		…
//	}
//
// A schema that many tests need is built once and cloned:
//
//	db := pgtest.New(t, pgtest.Template("orders", func(ctx context.Context, conn *pgx.Conn) error {
//		_, err := conn.Exec(ctx, ordersSQL)
//		return err
//	}))
//
// The environment decides which server: KEDGE_TEST_POSTGRES is a major version (the one that
// environments.FindBinaries prefers when unset), KEDGE_TEST_POSTGRES_BIN a folder of binaries. KEDGE_KEEP=1 keeps every database; one whose test failed is kept in any
// case, for some minutes, and its URL is in the test's output.
//
// Use Server instead for tests that stop, kill or configure a server, or that need roles of fixed names for themselves.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/environments"
)

// DB is a database that belongs to one test. It is dropped when the test ends.
type DB struct {
	t       testing.TB
	cluster *cluster
	name    string

	mu    sync.Mutex
	conns []*pgx.Conn
	roles []string
}

// Option changes what New gives.
type Option func(*settings)

type settings struct {
	major    int
	template string
	build    func(context.Context, *pgx.Conn) error
}

// Template clones the database from one that build fills, once in a test process for each name.
func Template(name string, build func(ctx context.Context, conn *pgx.Conn) error) Option {
	return func(s *settings) { s.template, s.build = name, build }
}

// Major asks for a server of that major version; the test is skipped where it is not installed.
func Major(major int) Option {
	return func(s *settings) { s.major = major }
}

// timeout bounds the work that belongs to no test's context.
const timeout = 2 * time.Minute

// New returns a database for this test, empty or cloned from a template. The test is skipped, with the reason, where
// there is no PostgreSQL server; with CI set in the environment it fails instead.
func New(t testing.TB, opts ...Option) *DB {
	t.Helper()
	var s settings
	for _, opt := range opts {
		opt(&s)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout)
	defer cancel()
	c := clusterFor(ctx, t, s.major)
	from := "template0"
	if s.build != nil {
		var err error
		if from, err = c.template(ctx, s.template, s.build); err != nil {
			t.Fatalf("pgtest: building template %q: %v", s.template, err)
		}
	}
	db := &DB{t: t, cluster: c, name: c.databaseName(t.Name())}
	if err := c.exec(ctx, "CREATE DATABASE "+ident(db.name)+" TEMPLATE "+ident(from)); err != nil {
		t.Fatalf("pgtest: creating a database: %v", err)
	}
	t.Cleanup(db.cleanup)
	return db
}

// Name returns the database's name.
func (db *DB) Name() string { return db.name }

// URL returns the superuser's URL of the database.
func (db *DB) URL() string { return db.cluster.shared.URL(db.name) }

// Major returns the server's major version.
func (db *DB) Major() int { return db.cluster.shared.Binaries().Major }

// Connect returns a superuser's connection that is closed when the test ends.
func (db *DB) Connect(ctx context.Context) *pgx.Conn {
	db.t.Helper()
	return db.ConnectURL(ctx, db.URL())
}

// ConnectURL is Connect with another URL, such as one with a role of the test's own.
func (db *DB) ConnectURL(ctx context.Context, url string) *pgx.Conn {
	db.t.Helper()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		db.t.Fatalf("pgtest: connecting: %v", err)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.conns = append(db.conns, conn)
	return conn
}

// Exec runs statements as the superuser, on a connection of their own; the test fails when they do.
func (db *DB) Exec(sql string) {
	db.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(db.t.Context()), timeout)
	defer cancel()
	if err := execURL(ctx, db.URL(), sql); err != nil {
		db.t.Fatalf("pgtest: %v", err)
	}
}

// Role makes a role and returns its name, which is unique since roles belong to the whole server: the prefix and
// something more. The options are those of CREATE ROLE, such as "LOGIN". The role and all that it owns are dropped
// when the test ends.
func (db *DB) Role(prefix string, options ...string) string {
	db.t.Helper()
	name := db.cluster.databaseName(prefix)
	db.Exec("CREATE ROLE " + ident(name) + " " + strings.Join(options, " "))
	db.mu.Lock()
	defer db.mu.Unlock()
	db.roles = append(db.roles, name)
	return name
}

// EnsureRoles makes roles of these names, for scripts that name theirs, unless they are there. They are shared by all
// tests that use the server and are not dropped, so no test may change them.
func (db *DB) EnsureRoles(names ...string) {
	db.t.Helper()
	for _, name := range names {
		db.Exec(ensureRole(name))
	}
}

// ensureRole makes a role unless it is there, also when somebody else makes it at the same moment.
func ensureRole(name string) string {
	return fmt.Sprintf("DO $pgtest$ BEGIN CREATE ROLE %s; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $pgtest$", ident(name))
}

// Psql runs psql on the database and returns what it printed; the test fails when psql does, and is skipped, with the
// reason, where there is no psql. It reads no .psqlrc and stops at the first error.
func (db *DB) Psql(args ...string) string {
	db.t.Helper()
	return run(db.t, db.cluster.shared.Binaries(), "psql", append([]string{"-X", "-v", "ON_ERROR_STOP=1", "-d", db.URL()}, args...))
}

// PgDump runs pg_dump on the database, like Psql. The lines that differ from one call to the next (\restrict) are
// taken out.
func (db *DB) PgDump(args ...string) string {
	db.t.Helper()
	return withoutRestrict(run(db.t, db.cluster.shared.Binaries(), "pg_dump", append([]string{"-d", db.URL()}, args...)))
}

// withoutRestrict takes out the lines with a random key that pg_dump writes since August 2025.
func withoutRestrict(dump string) string {
	var kept strings.Builder
	for line := range strings.Lines(dump) {
		if !strings.HasPrefix(line, `\restrict `) && !strings.HasPrefix(line, `\unrestrict `) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func run(t testing.TB, b environments.Binaries, program string, args []string) string {
	t.Helper()
	path := RequireProgram(t, b, program)
	var out, errs strings.Builder
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("pgtest: %s: %v: %s", program, err, errs.String())
	}
	return out.String()
}

// RequireProgram returns the path of a client program of PostgreSQL, of the server's installation if it is there. The
// test is skipped, with the reason, where there is none that is new enough for the server.
func RequireProgram(t testing.TB, b environments.Binaries, program string) string {
	t.Helper()
	path, ok := b.Program(program)
	if !ok {
		skip(t, fmt.Sprintf("%s is not installed", program))
	}
	if program == "pg_dump" {
		out, err := exec.Command(path, "--version").Output()
		if major := programMajor(string(out)); err == nil && major < b.Major {
			t.Skipf("pgtest: pg_dump %d cannot read a server of version %d", major, b.Major)
		}
	}
	return path
}

// programMajor reads "pg_dump (PostgreSQL) 15.18 (Debian …)".
func programMajor(version string) int {
	_, after, _ := strings.Cut(version, "(PostgreSQL) ")
	digits, _, _ := strings.Cut(after, ".")
	major, _ := strconv.Atoi(digits) // 0 when it is no version
	return major
}

func (db *DB) cleanup() {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, conn := range db.conns {
		_ = conn.Close(ctx) // the test may have closed or broken it
	}
	if db.t.Failed() || os.Getenv("KEDGE_KEEP") == "1" {
		if err := db.cluster.keep(ctx, db.name); err != nil {
			db.t.Logf("pgtest: keeping the database: %v", err)
			return
		}
		db.t.Logf("pgtest: the database is kept for %s: %s", keepTime, db.URL())
		return
	}
	if err := db.cluster.drop(ctx, db.name); err != nil {
		db.t.Errorf("pgtest: %v", err)
		return
	}
	for _, role := range db.roles {
		if err := db.cluster.exec(ctx, "DROP ROLE IF EXISTS "+ident(role)); err != nil {
			db.t.Errorf("pgtest: %v", err)
		}
	}
}

// skip skips the test where a person runs it, and fails it in CI, where a test that never runs would go unnoticed.
func skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("pgtest: %s (tests are not skipped when CI is set)", reason)
	}
	t.Skipf("pgtest: %s", reason)
}

// Majors returns the major versions of the servers that tests can have, the newest first: the one that
// KEDGE_TEST_POSTGRES names, else all that are installed.
func Majors() []int {
	if major, err := wantedMajor(); err == nil && major != 0 {
		return []int{major}
	}
	var majors []int
	for _, b := range environments.AllBinaries(context.Background(), environments.FindOptions{Dir: os.Getenv("KEDGE_TEST_POSTGRES_BIN")}) {
		majors = append(majors, b.Major)
	}
	return majors
}

func wantedMajor() (int, error) {
	value := os.Getenv("KEDGE_TEST_POSTGRES")
	if value == "" {
		return 0, nil
	}
	major, err := strconv.Atoi(value)
	if err != nil {
		return 0, fmt.Errorf("KEDGE_TEST_POSTGRES=%q is not a major version", value)
	}
	return major, nil
}

// findBinaries returns the server for a major, 0 being KEDGE_TEST_POSTGRES or else the preferred one.
func findBinaries(ctx context.Context, major int) (environments.Binaries, error) {
	dir := os.Getenv("KEDGE_TEST_POSTGRES_BIN")
	if major == 0 {
		wanted, err := wantedMajor()
		if err != nil {
			return environments.Binaries{}, err
		}
		major = wanted
	}
	return environments.FindBinaries(ctx, environments.FindOptions{Dir: dir, Major: major})
}

// ident quotes a name.
func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

func execURL(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	// The simple protocol takes several statements.
	_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}
