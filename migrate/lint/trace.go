package lint

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/schema/ddl"
)

// Tracer runs statements on a shadow, each in a transaction of its own, and reads from the server what each did to the
// relations that were there before: pg_locks, the files of relations, the scans that pg_stat_xact counts, and the
// server's debug messages. A statement that runs CONCURRENTLY is held up behind a lock, and looked at while it waits.
type Tracer struct {
	conn    *pgx.Conn // runs the statements
	other   *pgx.Conn // looks on
	blocker *pgx.Conn // stands in the way
	debug   []string
	major   ddl.Major
	end     string // how a statement's transaction ends: COMMIT
}

// Connector opens a connection of a superuser of the shadow, with the configuration changed by tune.
type Connector func(ctx context.Context, tune func(*pgx.ConnConfig)) (*pgx.Conn, error)

// NewTracer connects to a shadow's database, as often as it needs.
func NewTracer(ctx context.Context, connect Connector) (*Tracer, error) {
	t := &Tracer{end: "COMMIT"}
	var err error
	if t.conn, err = connect(ctx, func(c *pgx.ConnConfig) {
		c.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
			if n.SeverityUnlocalized == "DEBUG1" || n.SeverityUnlocalized == "DEBUG" {
				t.debug = append(t.debug, n.Message)
			}
		}
	}); err != nil {
		return nil, fmt.Errorf("connecting to the shadow: %w", err)
	}
	for _, to := range []**pgx.Conn{&t.other, &t.blocker} {
		if *to, err = connect(ctx, func(*pgx.ConnConfig) {}); err != nil {
			return nil, errors.Join(fmt.Errorf("connecting to the shadow: %w", err), t.Close(ctx))
		}
	}
	t.major = Major(t.conn)
	return t, nil
}

// Close closes the tracer's connections.
func (t *Tracer) Close(ctx context.Context) error {
	var err error
	for _, conn := range []*pgx.Conn{t.conn, t.other, t.blocker} {
		if conn != nil {
			err = errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
		}
	}
	return err
}

// Major returns the major version of the shadow's server.
func (t *Tracer) Major() ddl.Major { return t.major }

// Seen is what one statement was seen to do.
type Seen struct {
	Effects []ddl.Effect
	// Traced is false for a statement that was run, or left out, without being looked at: transaction control, settings,
	// COPY from the client, VACUUM.
	Traced bool
}

// Statement runs a statement and returns what it did. scene is what the oracle knows; it gives reasons.
func (t *Tracer) Statement(ctx context.Context, s ddl.Statement, node ddl.Node, scene *ddl.Scene) (Seen, error) {
	_, isSet := node.(*ddl.Set)
	switch {
	case s.Copy, s.Class.Transaction == ddl.Control:
		return Seen{}, nil
	case isSet:
		_, err := t.conn.PgConn().Exec(ctx, s.SQL).ReadAll()
		return Seen{}, err
	case s.Class.Concurrently && s.Class.Transaction == ddl.Outside:
		return t.concurrently(ctx, s, node, scene)
	case s.Class.Transaction == ddl.Outside:
		_, err := t.conn.PgConn().Exec(ctx, s.SQL).ReadAll()
		return Seen{}, err
	}
	return t.inTransaction(ctx, s, node, scene)
}

// relation is what a relation was at a moment.
type relation struct {
	name  ddl.Name
	kind  ddl.RelationKind
	file  uint32
	scans int64
}

const relationsQuery = `SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, coalesce(pg_relation_filenode(c.oid), 0)::oid,
	coalesce(pg_stat_get_xact_numscans(c.oid), 0)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'i', 'I', 'S', 'f', 'c') AND` + user

func relations(ctx context.Context, conn *pgx.Conn) (map[uint32]relation, error) {
	rows, err := conn.Query(ctx, relationsQuery, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	all := map[uint32]relation{}
	var oid, file uint32
	var schema, name, kind string
	var scans int64
	_, err = pgx.ForEachRow(rows, []any{&oid, &schema, &name, &kind, &file, &scans}, func() error {
		all[oid] = relation{ddl.Name{Schema: schema, Name: name}, relationKinds[kind], file, scans}
		return nil
	})
	return all, err
}

func locks(ctx context.Context, conn *pgx.Conn, pid uint32) (map[uint32]ddl.LockMode, error) {
	rows, err := conn.Query(ctx, "SELECT relation, mode FROM pg_locks WHERE pid = $1 AND locktype = 'relation' AND granted", pgx.QueryExecModeExec, pid)
	if err != nil {
		return nil, err
	}
	held := map[uint32]ddl.LockMode{}
	var oid uint32
	var mode string
	_, err = pgx.ForEachRow(rows, []any{&oid, &mode}, func() error {
		if m, ok := ddl.LockModeOf(mode); ok {
			held[oid] = max(held[oid], m)
		}
		return nil
	})
	return held, err
}

// inTransaction runs the statement and looks before and after.
func (t *Tracer) inTransaction(ctx context.Context, s ddl.Statement, node ddl.Node, scene *ddl.Scene) (seen Seen, err error) {
	if err := t.exec(ctx, "BEGIN; SET LOCAL track_counts = on; SET LOCAL client_min_messages = debug1"); err != nil {
		return seen, fmt.Errorf("tracing: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.exec(context.WithoutCancel(ctx), "ROLLBACK"))
			return
		}
		err = t.exec(ctx, t.end)
	}()
	before, err := relations(ctx, t.conn)
	if err != nil {
		return seen, fmt.Errorf("tracing: reading relations: %w", err)
	}
	t.debug = nil
	if err := t.exec(ctx, s.SQL); err != nil {
		return seen, err
	}
	messages := slices.Clone(t.debug)
	held, err := locks(ctx, t.other, t.conn.PgConn().PID())
	if err != nil {
		return seen, fmt.Errorf("tracing: reading locks: %w", err)
	}
	after, err := relations(ctx, t.conn)
	if err != nil {
		return seen, fmt.Errorf("tracing: reading relations: %w", err)
	}
	return Seen{Effects: account(before, after, held, messages, node, ddl.Effects(node, t.major, scene)), Traced: true}, nil
}

func (t *Tracer) exec(ctx context.Context, sql string) error {
	_, err := t.conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

var (
	verifying = regexp.MustCompile(`^(?:verifying|rewriting) table "(.+)"$`)
	building  = regexp.MustCompile(`^building index ".+" on table "(.+)" (?:serially|with request)`)
)

// account makes effects of what the server told.
func account(before, after map[uint32]relation, held map[uint32]ddl.LockMode, messages []string, node ddl.Node, expected []ddl.Effect) []ddl.Effect {
	_, truncates := node.(*ddl.Truncate)
	builds, reads := map[string]int{}, map[string]bool{}
	for _, m := range messages {
		if x := verifying.FindStringSubmatch(m); x != nil {
			reads[x[1]] = true
		}
		if x := building.FindStringSubmatch(m); x != nil {
			builds[x[1]]++
		}
	}
	var effects []ddl.Effect
	for oid, r := range before {
		now, stays := after[oid]
		stores := r.kind == ddl.Table || r.kind == ddl.MaterializedView
		e := ddl.Effect{Object: r.name, Kind: r.kind, Mode: held[oid]}
		if r.kind == ddl.Index && e.Mode <= ddl.RowExclusive || e.Mode == ddl.NoLock {
			continue
		}
		if stores && stays {
			rewritten := now.file != r.file
			e.Rewrite, e.Emptied = rewritten && !truncates, rewritten && truncates
			e.Scan = !truncates && (now.scans > r.scans || reads[r.name.Name])
			if !truncates {
				e.Builds = builds[r.name.Name]
			}
		}
		e.Reason = "seen on a shadow"
		for _, x := range expected {
			if x.Object.Same(r.name) && x.Reason != "" {
				e.Reason = x.Reason
			}
		}
		effects = append(effects, e)
	}
	slices.SortFunc(effects, func(a, b ddl.Effect) int {
		if a.Mode != b.Mode {
			return int(b.Mode) - int(a.Mode)
		}
		return strings.Compare(a.Object.String(), b.Object.String())
	})
	return effects
}

// parkTime is how long a statement may take to come to where it waits.
const parkTime = 10 * time.Second

// concurrently runs the statement behind a transaction that has written to its tables, and reads its locks while it
// waits for that. What it reads and builds cannot be seen from outside; that is as the oracle says.
func (t *Tracer) concurrently(ctx context.Context, s ddl.Statement, node ddl.Node, scene *ddl.Scene) (seen Seen, err error) {
	before, err := relations(ctx, t.other)
	if err != nil {
		return seen, fmt.Errorf("tracing: reading relations: %w", err)
	}
	expected := ddl.Effects(node, t.major, scene)
	if err := t.block(ctx, before, expected); err != nil {
		return seen, fmt.Errorf("tracing: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- t.exec(ctx, s.SQL) }()
	held, finished, err := t.watch(ctx, done)
	_, release := t.blocker.Exec(context.WithoutCancel(ctx), "ROLLBACK")
	if !finished {
		if e := <-done; err == nil {
			err = e
		}
	}
	if err = errors.Join(err, release); err != nil {
		return seen, err
	}
	after, err := relations(ctx, t.other)
	if err != nil {
		return seen, fmt.Errorf("tracing: reading relations: %w", err)
	}
	seen.Effects = account(before, after, held, nil, node, expected)
	for i := range seen.Effects {
		for _, x := range expected {
			if e := &seen.Effects[i]; x.Object.Same(e.Object) {
				e.Scan, e.Builds = x.Scan, x.Builds
			}
		}
	}
	seen.Traced = true
	return seen, nil
}

// block opens a transaction that has written to the tables that the statement is about.
func (t *Tracer) block(ctx context.Context, before map[uint32]relation, expected []ddl.Effect) error {
	sql := "BEGIN"
	for _, r := range before {
		if (r.kind == ddl.Table || r.kind == ddl.PartitionedTable || r.kind == ddl.MaterializedView) && slices.ContainsFunc(expected, func(e ddl.Effect) bool { return e.Object.Same(r.name) }) {
			if r.kind == ddl.MaterializedView {
				sql += "; SELECT FROM " + r.name.String() + " LIMIT 0"
				continue
			}
			sql += "; LOCK TABLE ONLY " + r.name.String() + " IN ROW EXCLUSIVE MODE"
		}
	}
	_, err := t.blocker.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// watch collects the locks of the session that runs the statement until that waits, or ends.
func (t *Tracer) watch(ctx context.Context, done chan error) (held map[uint32]ddl.LockMode, finished bool, err error) {
	held = map[uint32]ddl.LockMode{}
	pid := t.conn.PgConn().PID()
	for deadline := time.Now().Add(parkTime); time.Now().Before(deadline); {
		// First whether it waits: the locks that are read after that are all that it has before it goes on.
		var waits bool
		if err := t.other.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)", pgx.QueryExecModeExec, pid).Scan(&waits); err != nil {
			return held, false, fmt.Errorf("tracing: reading locks: %w", err)
		}
		now, err := locks(ctx, t.other, pid)
		if err != nil {
			return held, false, fmt.Errorf("tracing: reading locks: %w", err)
		}
		for oid, mode := range now {
			held[oid] = max(held[oid], mode)
		}
		select {
		case err := <-done:
			return held, true, err
		default:
		}
		if waits {
			return held, false, nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	return held, false, nil
}
