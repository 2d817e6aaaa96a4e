package apply

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
)

// fault cuts a connection at the n-th message, once.
type fault struct {
	n     int64
	when  moment
	count atomic.Int64
	fired atomic.Bool
}

type moment string

const (
	beforeMessage moment = "before the message"
	afterMessage  moment = "after the message" // whether the server got to it is open
	beforeAnswer  moment = "before the answer" // the server did what it was asked to; outside of a transaction, it is the answer that is lost
)

// faulty is a connection that counts the frontend's messages. What the frontend
// writes at once may be several messages, or a part of one.
type faulty struct {
	net.Conn
	f       *fault
	mu      sync.Mutex
	pending []byte
	started bool
	cut     bool
	deaf    atomic.Bool
}

// answered tells whether the server waits for the frontend.
func answered(p []byte) bool {
	n := len(p)
	return n > 0 && (p[0] == 'G' || p[0] == 'R') || n >= 6 && bytes.Equal(p[n-6:n-1], []byte{'Z', 0, 0, 0, 5})
}

func (c *faulty) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil || !c.deaf.Load() {
		return n, err
	}
	for err == nil && !answered(p[:n]) {
		n, err = c.Conn.Read(p)
	}
	_ = c.Conn.Close()
	return 0, io.ErrUnexpectedEOF
}

func (c *faulty) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return 0, io.ErrClosedPipe
	}
	c.pending = append(c.pending, p...)
	for {
		n := c.message()
		if n == 0 {
			return len(p), nil
		}
		m := c.pending[:n]
		hit := c.f.count.Add(1) == c.f.n && c.f.fired.CompareAndSwap(false, true)
		if hit && c.f.when == beforeAnswer {
			c.deaf.Store(true)
			hit = false
		}
		if !hit || c.f.when == afterMessage {
			if _, err := c.Conn.Write(m); err != nil {
				return 0, err
			}
		}
		c.pending = c.pending[n:]
		if hit {
			c.cut = true
			_ = c.Conn.Close()
			return 0, io.ErrClosedPipe
		}
	}
}

// message is the length of the first whole message, 0 when there is none.
func (c *faulty) message() int {
	head := 5
	if !c.started {
		head = 4
	}
	if len(c.pending) < head {
		return 0
	}
	n := int(binary.BigEndian.Uint32(c.pending[head-4:])) + head - 4
	if len(c.pending) < n {
		return 0
	}
	c.started = true
	return n
}

func (f *fault) connector(url string) Connector {
	return func(ctx context.Context) (*pgx.Conn, error) {
		config, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, err
		}
		dial := config.DialFunc
		config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &faulty{Conn: conn, f: f}, nil
		}
		return Config(config)(ctx)
	}
}

// chaosSet has every way of running a script.
func chaosSet() []*migrate.Migration {
	return []*migrate.Migration{
		sql("1", "t", "CREATE TABLE t (id int);\nINSERT INTO t SELECT generate_series(1, 10);", "DROP TABLE t;"),
		sql("2", "copy", "COPY t FROM stdin;\n11\n12\n\\.\nCREATE TABLE copied AS SELECT count(*) FROM t;", "DROP TABLE copied;"),
		sql("3", "index", "INSERT INTO t VALUES (13);\nCREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id);\nCREATE INDEX CONCURRENTLY ON t (id);\nINSERT INTO t VALUES (14);", "DROP INDEX CONCURRENTLY t_id;"),
		sql("4", "u", "CREATE TABLE u (id int);", "DROP TABLE u;"),
		{Name: "view", Kind: migrate.Repeatable, Up: script("R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT * FROM t;")},
	}
}

const stateQuery = `SELECT (SELECT count(*) || ' ' || sum(id) FROM t) || ' ' || (SELECT string_agg(indexrelid::regclass::text || indisvalid, ',' ORDER BY 1) FROM (SELECT * FROM pg_index ORDER BY indexrelid::regclass::text) i WHERE indrelid = 't'::regclass) || ' ' || (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace) || ' ' ||
 (SELECT string_agg(coalesce(version, name), ',' ORDER BY id) FROM kedge.history WHERE event = 'applied')`

// Promise 1 and 2: wherever the connection is cut, a second run ends in the same state.
func TestPromise1And2CutAnywhere(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	clean := &fault{}
	_, err := Run(t.Context(), clean.connector(db.URL()), chaosSet(), migrate.Request{}, Options{})
	require.NoError(t, err)
	messages := clean.count.Load()
	want := scalar[string](t, db.Connect(t.Context()), stateQuery)
	require.Greater(t, messages, int64(30))
	step := int64(1)
	if testing.Short() {
		step = 7
	}
	for _, when := range []moment{beforeMessage, afterMessage, beforeAnswer} {
		t.Run(string(when), func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			c := db.Connect(t.Context())
			survived := 0
			for n := int64(1); n <= messages; n += step {
				_, err := c.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS kedge CASCADE")
				require.NoError(t, err)
				f := &fault{n: n, when: when}
				if _, err := Run(t.Context(), f.connector(db.URL()), chaosSet(), migrate.Request{}, Options{ReconnectWait: 20 * time.Second}); err == nil {
					survived++
				}
				_, err = Run(t.Context(), URL(db.URL()), chaosSet(), migrate.Request{}, Options{})
				require.NoError(t, err, "after a cut at message %d", n)
				require.Equal(t, want, scalar[string](t, c, stateQuery), "after a cut at message %d", n)
			}
			if when != beforeAnswer || step > 1 {
				return
			}
			require.Positive(t, survived, "some cuts are behind a COMMIT, whose outcome is looked up")
		})
	}
}

// Promise 1: the connection drops during COMMIT; the outcome is looked up.
func TestPromise1CommitOutcomeIsLookedUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	found := 0
	for n := int64(3); n < 14; n++ {
		db.Exec("DROP SCHEMA IF EXISTS kedge CASCADE; DROP TABLE IF EXISTS t1")
		f := &fault{n: n, when: beforeAnswer}
		report, err := Run(t.Context(), f.connector(db.URL()), tables(1), migrate.Request{}, Options{})
		if err != nil || len(report.Warnings) == 0 {
			continue
		}
		found++
		require.Contains(t, report.Warnings[0], "history shows that it took effect")
		require.Equal(t, StepApplied, report.Steps[0].State)
		require.Equal(t, []string{"applied 1"}, events(t, db.Connect(t.Context())))
	}
	require.Positive(t, found)
}

// Promise 1: where the server cannot be asked, that is said; the next run finds out.
func TestPromise1OutcomeUnknown(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var refuse atomic.Bool
	connect := func(ctx context.Context) (*pgx.Conn, error) {
		if refuse.Load() {
			return nil, errors.New("no route")
		}
		return URL(db.URL())(ctx)
	}
	set := []*migrate.Migration{sql("1", "x", "SELECT pg_terminate_backend(pg_backend_pid());", "")}
	report, err := Run(t.Context(), connect, set, migrate.Request{}, Options{ReconnectWait: 300 * time.Millisecond, Observer: func(p migrate.Progress) {
		if p.Kind == migrate.StepStarted {
			refuse.Store(true)
		}
	}})
	require.ErrorIs(t, err, ErrOutcomeUnknown)
	require.Equal(t, StepUnknown, report.Steps[0].State)
}
