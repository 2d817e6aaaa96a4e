//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

// full tells whether everything is tried that fits into a quarter of an hour, rather than a sample that takes seconds;
// exhaustive, whether time does not matter.
func full() bool       { return os.Getenv("KEDGE_CHAOS") == "full" || exhaustive() }
func exhaustive() bool { return os.Getenv("KEDGE_CHAOS") == "exhaustive" }

// count is how often something is tried.
func count(sample, all int) int {
	if full() {
		return all
	}
	return sample
}

// arena is a server of its own on which databases are cloned by the hundred.
type arena struct {
	t      testing.TB
	server *pgtest.PrivateServer
	set    []*migrate.Migration
	dir    string // of the set's files
	next   atomic.Int64
	socket string // of the server, or of a pooler before it
	user   string

	sharesSessions bool // a pooler keeps sessions that nobody uses

	mu    sync.Mutex
	admin *pgx.Conn
	spare []string       // emptied databases
	used  map[string]int // how often each was emptied
}

func newArena(t testing.TB) *arena {
	t.Helper()
	s := pgtest.Server(t, pgtest.ServerOptions{Settings: map[string]string{
		"max_connections": "200", "max_wal_size": "4GB", "checkpoint_timeout": "1h", "shared_buffers": "64MB",
	}})
	config, err := s.Config("postgres")
	require.NoError(t, err)
	a := &arena{t: t, server: s, socket: SocketFile(config.Host), user: config.User, used: map[string]int{}, admin: s.Connect(context.Background(), "postgres")}
	require.NotEmpty(t, a.socket)
	a.dir = writeMixed(t, s.Binaries().Major)
	a.set = load(t, a.dir)
	return a
}

func (a *arena) sql(format string, names ...any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err := a.admin.Exec(context.Background(), fmt.Sprintf(format, names...))
	return err
}

// clone copies a database, the empty one when no other is named.
func (a *arena) clone(template string) string {
	if template == "" {
		if name, ok := a.emptied(); ok {
			return name
		}
		template = "template0"
	}
	name := fmt.Sprintf("arena%d", a.next.Add(1))
	if err := a.sql("CREATE DATABASE %s TEMPLATE %s", name, template); err != nil {
		a.t.Errorf("cloning %s: %v", template, err)
	}
	return name
}

func (a *arena) drop(database string) {
	if err := a.sql("DROP DATABASE %s WITH (FORCE)", database); err != nil {
		a.t.Errorf("dropping %s: %v", database, err)
	}
}

// empties takes out what the mixed set makes.
const empties = `DROP VIEW open_orders; DROP TABLE orders, users, log; DROP TABLE IF EXISTS log_old; DROP TYPE state; DROP PROCEDURE refill(); DROP SCHEMA kedge CASCADE;
DO $$ BEGIN IF EXISTS (SELECT FROM pg_depend WHERE refobjid = 'public'::regnamespace) THEN RAISE 'not empty'; END IF; END $$`

// recycle empties a database for clone, which is faster than to make one; until its catalog is bloated.
func (a *arena) recycle(database string) {
	a.mu.Lock()
	used := a.used[database]
	a.used[database]++
	a.mu.Unlock()
	ctx := context.Background()
	if used < 20 {
		if conn, err := pgx.Connect(ctx, a.url(database)); err == nil {
			_, err = conn.Exec(ctx, empties, pgx.QueryExecModeSimpleProtocol)
			_ = conn.Close(ctx) // it has done its work
			if err == nil {
				a.mu.Lock()
				defer a.mu.Unlock()
				a.spare = append(a.spare, database)
				return
			}
		}
	}
	a.drop(database)
}

func (a *arena) emptied() (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.spare) == 0 {
		return "", false
	}
	name := a.spare[len(a.spare)-1]
	a.spare = a.spare[:len(a.spare)-1]
	return name, true
}

func (a *arena) url(database string) string { return a.server.URL(database) }

// through is a URL of the database by way of a proxy.
func (a *arena) through(folder, database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&port=5432&user=%s", database, url.QueryEscape(folder), url.QueryEscape(a.user))
}

func (a *arena) up(database string) (*apply.Report, error) {
	return a.run(a.url(database), migrate.Request{Direction: migrate.Up}, apply.Options{})
}

func (a *arena) run(url string, request migrate.Request, o apply.Options) (*apply.Report, error) {
	ctx, done := context.WithTimeout(context.Background(), 2*time.Minute)
	defer done()
	return apply.Run(ctx, apply.URL(url), a.set, request, o)
}

// outcome is what a database has become.
type outcome struct {
	model   *schema.Model
	data    string
	history migrate.History
}

// look reads what a database has become, and finds what must never be there.
func (a *arena) look(database string) (o outcome, err error) {
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	conn, err := pgx.Connect(ctx, a.url(database))
	if err != nil {
		return o, err
	}
	defer conn.Close(context.Background())
	entries, err := apply.History(ctx, apply.URL(a.url(database)), apply.Options{})
	if err != nil {
		return o, err
	}
	if o.history = migrate.Fold(entries); len(o.history.Interrupted()) > 0 {
		return o, fmt.Errorf("history says that %+v is interrupted", o.history.Interrupted())
	}
	if err := sequence(entries); err != nil {
		return o, err
	}
	for _, d := range digests {
		var there bool
		var rows string
		if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", d.table).Scan(&there); err != nil {
			return o, err
		}
		if there {
			if err := conn.QueryRow(ctx, d.query).Scan(&rows); err != nil {
				return o, err
			}
			o.data += d.table + " " + rows + " "
		}
	}
	var stray string
	if err := conn.QueryRow(ctx, `SELECT coalesce(string_agg(c.relname, ' '), '') FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
WHERE NOT indisvalid OR NOT indisready OR NOT indislive OR relname ~ '_cc(new|old)'`).Scan(&stray); err != nil || stray != "" {
		return o, errors.Join(err, fmt.Errorf("stray indexes: %q", stray))
	}
	if err := a.quiet(ctx, conn); err != nil {
		return o, err
	}
	o.model, err = catalog.Read(ctx, conn, catalog.Options{ExcludeSchemas: []string{"kedge"}})
	return o, err
}

// quiet waits until no other session is in the database, which closing one does a moment later, and says what is left of locks.
func (a *arena) quiet(ctx context.Context, conn *pgx.Conn) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		var locks, sessions int
		if err := conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid())`).Scan(&locks, &sessions); err != nil {
			return err
		}
		if locks == 0 && (sessions == 0 || a.sharesSessions) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d advisory locks and %d sessions are left", locks, sessions)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sequence finds duplicates: applied twice without a revert between, or reverted without having been applied.
func sequence(entries []migrate.Entry) error {
	applied := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		is := applied[e.Key()]
		switch {
		case e.Event == migrate.Applied && is && e.Kind != migrate.Repeatable:
			return fmt.Errorf("row %d: %s is applied twice", e.ID, e.Key())
		case e.Event == migrate.Reverted && !is:
			return fmt.Errorf("row %d: %s is reverted twice", e.ID, e.Key())
		case e.Event == migrate.Applied, e.Event == migrate.Resolved && strings.HasPrefix(e.Note, string(apply.Done)):
			applied[e.Key()] = e.Direction != migrate.Down
		case e.Event == migrate.Reverted:
			applied[e.Key()] = false
		}
	}
	return nil
}

// same says what differs from an undisturbed run.
func (o outcome) same(want outcome) error {
	if o.data != want.data {
		return fmt.Errorf("the rows differ: %s, undisturbed %s", o.data, want.data)
	}
	if d := schema.Differences(want.model, o.model, schema.Options{}); len(d) > 0 {
		return fmt.Errorf("the schema differs: %+v", d)
	}
	if o.history.Digest() != want.history.Digest() {
		return fmt.Errorf("the history differs: %+v, undisturbed %+v", o.history.InOrder(), want.history.InOrder())
	}
	return nil
}

// tally counts what became of the faults.
type tally struct {
	mu                                            sync.Mutex
	tried, survived, went, decided, lost, unfired int
}

func (c *tally) add(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// totals are the counts of all tests of this process, for TestMain to print.
var totals tally

// done adds the counts to the process's.
func (c *tally) done() {
	totals.mu.Lock()
	defer totals.mu.Unlock()
	totals.tried += c.tried
	totals.unfired += c.unfired
	totals.survived += c.survived
	totals.went += c.went
	totals.decided += c.decided
	totals.lost += c.lost
}

// fired is how many faults happened before the run had ended.
func (c *tally) fired() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tried - c.unfired
}

func (c *tally) String() string {
	return fmt.Sprintf("faults tried %d (of which %d came after the run's end), survived by the run itself %d, mended by a plain second run %d, interrupted and resolved %d, lost rows %d",
		c.tried, c.unfired, c.survived, c.went, c.decided, c.lost)
}

// mend runs again, plainly, as often as it takes: once, or, where the outcome of the one statement that leaves no trace
// is in doubt, once more after a person's decision.
func (a *arena) mend(database string, request migrate.Request, c *tally) error {
	url := a.url(database)
	_, err := a.run(url, request, apply.Options{})
	if err == nil {
		c.add(&c.went)
		return nil
	}
	if !errors.Is(err, migrate.ErrInterrupted) {
		return fmt.Errorf("the second run: %w", err)
	}
	if !strings.Contains(err.Error(), "kedge resolve "+callVersion) {
		return fmt.Errorf("the refusal does not say what to do, or is of another migration: %w", err)
	}
	ctx := context.Background()
	status, err := apply.Status(ctx, apply.URL(url), a.set, "", apply.Options{})
	if err != nil {
		return err
	}
	explained := false
	for _, s := range status.Migrations {
		if s.State == migrate.StateInterrupted {
			explained = s.Version == callVersion && strings.Contains(s.Note, "statement 2")
		}
	}
	if !explained {
		return errors.New("status does not explain what is interrupted")
	}
	rows, err := a.scalar(database, "SELECT count(*) FROM users WHERE id > 1000")
	if err != nil {
		return err
	}
	decision := apply.Resume
	if rows == "3" {
		decision = apply.Done
	}
	if _, err := apply.Resolve(ctx, apply.URL(url), a.set, callVersion, decision, apply.Options{Reason: "rows " + rows}); err != nil {
		return err
	}
	if _, err = a.run(url, request, apply.Options{}); err != nil {
		return fmt.Errorf("the run after resolve --%s: %w", decision, err)
	}
	c.add(&c.decided)
	return nil
}

func (a *arena) scalar(database, query string) (string, error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, a.url(database))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var v string
	err = conn.QueryRow(ctx, "SELECT ("+query+")::text").Scan(&v)
	return v, err
}

// check compares a database with an undisturbed one and gives it back.
func (a *arena) check(database string, want outcome, c *tally) error {
	got, err := a.look(database)
	if err == nil {
		err = got.same(want)
	}
	if got.data != want.data {
		c.add(&c.lost)
	}
	if err == nil {
		a.recycle(database)
	}
	return err
}

// dice are random numbers whose seed is said, so that a failure can be looked for again with KEDGE_CHAOS_SEED.
func dice(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("KEDGE_CHAOS_SEED"); given != "" {
		n, err := strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
		seed = n
	}
	t.Logf("KEDGE_CHAOS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // moments, no secrets
}
