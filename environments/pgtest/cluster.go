package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/environments"
)

const (
	// linger is how long the shared server waits for the next test process: go test compiles between two of them.
	linger = 15 * time.Second
	// keepTime is how long a kept database stays.
	keepTime = 15 * time.Minute
)

// cluster is this process's use of the shared server of one major version.
type cluster struct {
	shared *environments.Shared
	tag    string // part of the name of all that this process makes
	next   atomic.Int64

	mu   sync.Mutex
	conn *pgx.Conn // creates and drops; while it is there others know that the tag's process lives

	templatesMu sync.Mutex
	templates   map[string]*template
}

type template struct {
	once sync.Once
	name string
	err  error
}

// clusters are the servers of this process, by major version. A test process has no other place that outlives a test.
var clusters = struct {
	sync.Mutex
	byMajor map[int]*cluster
}{byMajor: map[int]*cluster{}}

func clusterFor(ctx context.Context, t testing.TB, major int) *cluster {
	t.Helper()
	c, err := openCluster(ctx, major)
	if errors.Is(err, environments.ErrNoBinaries) {
		skip(t, err.Error())
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return c
}

func openCluster(ctx context.Context, major int) (*cluster, error) {
	clusters.Lock()
	defer clusters.Unlock()
	if c, ok := clusters.byMajor[major]; ok {
		return c, nil
	}
	b, err := findBinaries(ctx, major)
	if err != nil {
		return nil, err
	}
	c, ok := clusters.byMajor[b.Major]
	if !ok {
		if c, err = joinCluster(ctx, b); err != nil {
			return nil, err
		}
		clusters.byMajor[b.Major] = c
	}
	clusters.byMajor[major] = c
	return c, nil
}

// sharedSettings are those of the server that all tests share.
func sharedSettings() map[string]string {
	return map[string]string{
		"max_connections":           "400",
		"shared_buffers":            "64MB",
		"max_locks_per_transaction": "256",
		"wal_level":                 "logical",
		"max_wal_size":              "4GB",
		"max_prepared_transactions": "50",
	}
}

func joinCluster(ctx context.Context, b environments.Binaries) (*cluster, error) {
	settings := sharedSettings()
	shared, err := environments.ShareServer(ctx, environments.SharedOptions{
		Name:   fmt.Sprintf("pgtest-%d-%s", b.Major, shortHash(fmt.Sprint(b, settings))),
		Server: environments.ServerOptions{Binaries: b, Settings: settings},
		Linger: linger,
		Keep:   keepTime,
	})
	if err != nil {
		return nil, err
	}
	c := &cluster{shared: shared, tag: strings.ToLower(rand.Text()[:8]), templates: map[string]*template{}}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, shared.Leave())
	}
	return c, nil
}

const applicationPrefix = "pgtest "

func (c *cluster) open(ctx context.Context) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	c.conn = conn
	return c.do(ctx, func(conn *pgx.Conn) error { return c.sweep(ctx, conn) })
}

func (c *cluster) connect(ctx context.Context) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(c.shared.URL("postgres"))
	if err != nil {
		return nil, fmt.Errorf("connecting to the shared server: %w", err)
	}
	cfg.RuntimeParams["application_name"] = applicationPrefix + c.tag
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to the shared server: %w", err)
	}
	return conn, nil
}

// databaseName makes a unique name: the test's, this process's tag, a number.
func (c *cluster) databaseName(test string) string {
	return databaseName(test, c.tag, c.next.Add(1))
}

const longestSlug = 40 // of PostgreSQL's 63 bytes

func databaseName(test, tag string, n int64) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		}
		return '_'
	}, test)
	return slug[:min(len(slug), longestSlug)] + "_" + tag + "_" + strconv.FormatInt(n, 10)
}

// do runs work on the connection that creates and drops, a new one when somebody has ended the one before.
func (c *cluster) do(ctx context.Context, work func(*pgx.Conn) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := work(c.conn)
	if err != nil && c.conn.IsClosed() && ctx.Err() == nil {
		if c.conn, err = c.connect(ctx); err != nil {
			return err
		}
		err = work(c.conn)
	}
	return err
}

func (c *cluster) exec(ctx context.Context, sql string) error {
	return c.do(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		return nil
	})
}

// template returns the name of the database that build has filled, the first time that the name is asked for.
func (c *cluster) template(ctx context.Context, name string, build func(context.Context, *pgx.Conn) error) (string, error) {
	c.templatesMu.Lock()
	tpl, ok := c.templates[name]
	if !ok {
		tpl = &template{}
		c.templates[name] = tpl
	}
	c.templatesMu.Unlock()
	tpl.once.Do(func() { tpl.name, tpl.err = c.buildTemplate(ctx, name, build) })
	return tpl.name, tpl.err
}

func (c *cluster) buildTemplate(ctx context.Context, name string, build func(context.Context, *pgx.Conn) error) (string, error) {
	database := c.databaseName("template_" + name)
	if err := c.exec(ctx, "CREATE DATABASE "+ident(database)+" TEMPLATE template0"); err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, c.shared.URL(database))
	if err != nil {
		return "", fmt.Errorf("connecting: %w", err)
	}
	err = build(ctx, conn)
	// The server closes the session after this returns; CREATE DATABASE waits some seconds for it.
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return "", errors.Join(err, c.drop(ctx, database))
	}
	return database, nil
}

// drop drops a database, with what would keep it.
func (c *cluster) drop(ctx context.Context, database string) error {
	return c.do(ctx, func(conn *pgx.Conn) error { return c.dropDatabase(ctx, conn, database) })
}

func (c *cluster) dropDatabase(ctx context.Context, conn *pgx.Conn, database string) error {
	sql := "DROP DATABASE IF EXISTS " + ident(database) + " WITH (FORCE)"
	_, err := conn.Exec(ctx, sql)
	if sqlState(err) == objectInUse {
		if err := c.release(ctx, conn, database); err != nil {
			return fmt.Errorf("dropping database %s: %w", database, err)
		}
		_, err = conn.Exec(ctx, sql)
	}
	if err != nil {
		return fmt.Errorf("dropping database %s: %w", database, err)
	}
	return nil
}

// release takes from a database what DROP DATABASE refuses to end: replication that is under way, and subscriptions.
func (c *cluster) release(ctx context.Context, conn *pgx.Conn, database string) error {
	if _, err := conn.Exec(ctx, "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE database = $1 AND active", database); err != nil &&
		sqlState(err) != undefinedFunction { // before PostgreSQL 14 there is nothing to wait with
		return fmt.Errorf("ending its replication: %w", err)
	}
	return execURL(ctx, c.shared.URL(database), `DO $pgtest$ DECLARE name text; BEGIN
		FOR name IN SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database() LOOP
			EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', name);
			EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', name);
			EXECUTE format('DROP SUBSCRIPTION %I', name);
		END LOOP;
	END $pgtest$`)
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	objectInUse           = "55006"
	undefinedFunction     = "42883"
	dependentObjectsExist = "2BP01"
)

const keptComment = "kept until "

// keep marks a database as one to be looked into.
func (c *cluster) keep(ctx context.Context, database string) error {
	until := time.Now().Add(keepTime).UTC().Format(time.RFC3339)
	if err := c.exec(ctx, "COMMENT ON DATABASE "+ident(database)+" IS '"+keptComment+until+"'"); err != nil {
		return err
	}
	return c.shared.Keep()
}

// sweep drops the databases and roles that processes left that are gone, but for what is kept.
func (c *cluster) sweep(ctx context.Context, conn *pgx.Conn) error {
	abandoned, err := names(ctx, conn, `
		SELECT datname FROM pg_database
		WHERE datname ~ '_[a-z0-9]{8}_[0-9]+$'
		AND coalesce(shobj_description(oid, 'pg_database'), '') < $1
		AND $2 || substring(datname from '_([a-z0-9]{8})_[0-9]+$') NOT IN (SELECT application_name FROM pg_stat_activity)`,
		keptComment+time.Now().UTC().Format(time.RFC3339), applicationPrefix)
	if err != nil {
		return fmt.Errorf("looking for abandoned databases: %w", err)
	}
	for _, database := range abandoned {
		if err := c.dropDatabase(ctx, conn, database); err != nil {
			return err
		}
	}
	abandoned, err = names(ctx, conn, `
		SELECT rolname FROM pg_roles
		WHERE rolname ~ '_[a-z0-9]{8}_[0-9]+$'
		AND $1 || substring(rolname from '_([a-z0-9]{8})_[0-9]+$') NOT IN (SELECT application_name FROM pg_stat_activity)`, applicationPrefix)
	if err != nil {
		return fmt.Errorf("looking for abandoned roles: %w", err)
	}
	for _, role := range abandoned {
		// A role may own what is in a database that is kept.
		if _, err := conn.Exec(ctx, "DROP ROLE IF EXISTS "+ident(role)); err != nil && sqlState(err) != dependentObjectsExist {
			return fmt.Errorf("dropping role %s: %w", role, err)
		}
	}
	return nil
}

func names(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([]string, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
