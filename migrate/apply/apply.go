// Package apply takes a plan to a database: it knows the lock, the
// transactions, the retries, the checkpoints and the history table.
// It does not read migration files, decide what is pending (package migrate
// does) or print; it opens connections only through the Connector it is given.
package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Connector opens a connection to the database. It is called for the
// connection that does the work and, when something has to be looked at
// meanwhile, for a second one; behind a pooler for a third, which holds the lock.
type Connector func(ctx context.Context) (*pgx.Conn, error)

// URL connects to a PostgreSQL URL or key=value string, completed by the
// environment variables, service file and password file of libpq.
func URL(url string) Connector {
	return func(ctx context.Context) (*pgx.Conn, error) {
		config, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, err
		}
		return connect(ctx, config)
	}
}

// Config connects with a configuration made by pgx.ParseConfig.
func Config(config *pgx.ConnConfig) Connector {
	return func(ctx context.Context) (*pgx.Conn, error) { return connect(ctx, config.Copy()) }
}

// Pool connects like a pool does, its BeforeConnect included, without taking
// connections away from it: a migration holds several for as long as it runs.
func Pool(pool *pgxpool.Pool) Connector {
	return func(ctx context.Context) (*pgx.Conn, error) {
		c := pool.Config()
		config := c.ConnConfig.Copy()
		if c.BeforeConnect != nil {
			if err := c.BeforeConnect(ctx, config); err != nil {
				return nil, err
			}
		}
		return connect(ctx, config)
	}
}

// connect uses nothing that a transaction pooler takes away: no statement is prepared by name.
func connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.StatementCacheCapacity, config.DescriptionCacheCapacity = 0, 0
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "kedge"
	}
	return pgx.ConnectConfig(ctx, config)
}

// Table names the history table. Empty parts mean kedge and history.
type Table struct {
	Schema, Name string
}

func (t Table) schema() string { return orElse(t.Schema, "kedge") }
func (t Table) name() string   { return orElse(t.Name, "history") }

// String is the qualified name, quoted where needed.
func (t Table) String() string {
	return ddl.QuoteIdent(t.schema()) + "." + ddl.QuoteIdent(t.name())
}

// Mode says how far a run goes.
type Mode int

// The modes of a run.
const (
	Execute Mode = iota
	DryRun       // plan and report, change nothing
)

// Throttle makes a run wait for others.
type Throttle struct {
	// ReplicationLag is how far any standby may be behind in replaying before
	// a step waits for it; 0 does not look.
	ReplicationLag time.Duration
}

// Options configure a run. The zero value works.
type Options struct {
	History    Table
	Role       string // SET ROLE before any statement; "" stays the session's
	SearchPath string // as in SET search_path; "" stays the session's
	// Settings are set for every script, on top of TimeZone=UTC.
	Settings map[string]string

	// LockTimeout bounds each wait for a lock inside a transaction; 0 means
	// DefaultLockTimeout. A script's header overrides it.
	LockTimeout time.Duration
	// LockRetry is how long a transaction that ran into LockTimeout, a deadlock
	// or a serialization failure is tried again; 0 means DefaultLockRetry,
	// negative not at all.
	LockRetry time.Duration
	// RetryCeiling is the longest pause between tries; 0 means DefaultRetryCeiling.
	RetryCeiling time.Duration
	// StatementTimeout bounds each statement of a transactional script; 0 leaves the server's.
	StatementTimeout time.Duration
	// RunWait is how long to wait for another run to end; 0 means
	// DefaultRunWait, negative not at all.
	RunWait time.Duration
	// CancelGrace is how long a cancelled statement may take to end before its
	// connection is cut; 0 means DefaultCancelGrace.
	CancelGrace time.Duration
	// ReconnectWait is how long to try to reach a server that went away, to look
	// up what became of a commit; 0 means DefaultReconnectWait.
	ReconnectWait time.Duration
	// LongTransaction is the age from which transactions of others are warned
	// about before a run; 0 means DefaultLongTransaction.
	LongTransaction time.Duration

	Throttle Throttle
	Mode     Mode
	Observer migrate.Observer

	// Hooks run around migrations; see migrate.HookEvents.
	Hooks []source.Hook
	// Companion finds another tool's history to keep in step with; nil looks for none.
	Companion CompanionFinder

	Reason string // why, for the history
	// Who and from where, for the history. Empty ones are worked out.
	Tool, OSUser, Host, Commit string
}

// What zero durations in Options mean.
const (
	DefaultLockTimeout     = 2 * time.Second
	DefaultLockRetry       = 5 * time.Minute
	DefaultRetryCeiling    = 5 * time.Second
	DefaultRunWait         = 5 * time.Minute
	DefaultCancelGrace     = 5 * time.Second
	DefaultReconnectWait   = 30 * time.Second
	DefaultLongTransaction = time.Minute
)

// filled is the options with every default in place.
func (o Options) filled() Options {
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{
		{&o.LockTimeout, DefaultLockTimeout}, {&o.LockRetry, DefaultLockRetry}, {&o.RetryCeiling, DefaultRetryCeiling},
		{&o.RunWait, DefaultRunWait}, {&o.CancelGrace, DefaultCancelGrace}, {&o.ReconnectWait, DefaultReconnectWait},
		{&o.LongTransaction, DefaultLongTransaction},
	} {
		if *d.value == 0 {
			*d.value = d.or
		}
	}
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	if o.OSUser == "" {
		if u, err := user.Current(); err == nil {
			o.OSUser = u.Username
		}
	}
	if o.Tool == "" {
		o.Tool = "kedge"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == "github.com/kedgedb/kedge" && info.Main.Version != "" {
			o.Tool += " " + info.Main.Version
		}
	}
	return o
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// Decisions that a caller may act on.
var (
	// ErrLocked: another run holds the lock and did not end in time. See LockedError.
	ErrLocked = errors.New("another run holds the lock")
	// ErrLockRetries: locks on the objects themselves were not to be had in time; nothing changed.
	ErrLockRetries = errors.New("locks could not be taken in time")
	// ErrReadOnly: the server takes no writes (a standby, or read-only by its settings).
	ErrReadOnly = errors.New("the server is read-only")
	// ErrStatementPooling: a pooler in statement mode stands before the server.
	ErrStatementPooling = errors.New("the connection goes through a pooler in statement mode, which knows no transactions")
	// ErrPooled: what was asked needs a connection straight to the server.
	ErrPooled = errors.New("not possible through a connection pooler")
	// ErrOutcomeUnknown: the connection broke and the server could not be asked again what became of the last step.
	ErrOutcomeUnknown = errors.New("what became of the last step is not known yet")
	// ErrLockLost: the connection that holds the lock behind a pooler went away.
	ErrLockLost = errors.New("the lock was lost")
	// ErrHistoryLayout: the history table was written by a newer kedge.
	ErrHistoryLayout = errors.New("the history table has a layout that this kedge does not know")
)

// Run takes a database to where the request wants it, and reports what
// happened, also when it fails: the report is nil only when nothing was begun.
// Besides the errors of this package it returns what migrate.NewPlan does, a
// *StatementError where a statement failed, and the context's error.
func Run(ctx context.Context, to Connector, migrations []*migrate.Migration, request migrate.Request, o Options) (*Report, error) {
	r := newRunner(to, migrations, o)
	defer r.close()
	return r.run(ctx, r.request(request))
}

// describe adds what was being done to an error.
func describe(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
