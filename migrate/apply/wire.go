package apply

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// wire sends simple-query messages (https://www.postgresql.org/docs/current/protocol-flow.html),
// several ahead of their answers, and cancels politely: a cancelled context
// sends a cancel request and waits for the server's answer, so that the
// connection stays usable.
type wire struct {
	conn  *pgx.Conn
	pg    *pgconn.PgConn
	grace time.Duration
}

// reply is what the server answered to one message.
type reply struct {
	completed int             // statements that ended well
	rows      [][][]byte      // of all results, when they were asked for
	results   []int           // where each statement's rows end in rows
	err       *pgconn.PgError // of the statement after those completed
}

// result is the rows of the i-th statement of the message.
func (r *reply) result(i int) [][][]byte {
	if i >= len(r.results) {
		return nil
	}
	start := 0
	if i > 0 {
		start = r.results[i-1]
	}
	return r.rows[start:r.results[i]]
}

// keep says what to do with rows.
type keep int

const (
	keepFirst keep = iota // of each result, the first row: scripts may select millions
	keepRows
)

// broken is a connection that ended before an answer did.
type broken struct{ cause error }

func (b *broken) Error() string { return "the connection to the server broke: " + b.cause.Error() }
func (b *broken) Unwrap() error { return b.cause }

// exec sends one message and returns its rows; a failed statement is a *pgconn.PgError.
func (w *wire) exec(ctx context.Context, sql string) (*reply, error) {
	var out *reply
	err := w.pipeline(ctx, 1, func(int) string { return sql }, keepRows, func(_ int, r *reply) { out = r })
	if err != nil {
		return out, err
	}
	if out.err != nil {
		if out.err.Code == codeCancelled && ctx.Err() != nil {
			return out, errors.Join(ctx.Err(), out.err)
		}
		return out, out.err
	}
	return out, nil
}

// ahead is how many messages are sent before the first one's answer is awaited.
const ahead = 16

// pipeline sends n messages and gives got the answer of each, in order. It
// stops sending when the context is cancelled; what was sent is awaited. A
// *broken error means that the connection is gone and the answers from there on
// are not known.
func (w *wire) pipeline(ctx context.Context, n int, message func(int) string, k keep, got func(int, *reply)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	release := w.cancelOn(ctx)
	defer release()
	queue := make(chan []byte, ahead)
	written := make(chan error, 1)
	go func() {
		var failed error
		for m := range queue {
			if failed != nil {
				continue
			}
			if _, failed = w.pg.Conn().Write(m); failed != nil {
				_ = w.pg.Conn().Close() // the reader learns of it
			}
		}
		written <- failed
	}()
	var failure error
	sent, received := 0, 0
	for received < n && failure == nil {
		for sent < n && sent-received < ahead && ctx.Err() == nil {
			m, err := (&pgproto3.Query{String: message(sent)}).Encode(nil)
			if err != nil {
				failure = err
				break
			}
			queue <- m
			sent++
		}
		if received == sent {
			if failure == nil {
				failure = ctx.Err()
			}
			break
		}
		r, err := w.receive(k)
		if err != nil {
			failure = &broken{err}
			break
		}
		got(received, r)
		received++
	}
	close(queue)
	if err := <-written; err != nil && failure == nil {
		failure = &broken{err}
	}
	return failure
}

// receive reads the answer to one message to its end.
func (w *wire) receive(k keep) (*reply, error) {
	r, seen := &reply{}, false
	for {
		m, err := w.pg.ReceiveMessage(context.Background())
		if err != nil {
			if r.err != nil { // a fatal error, then the end
				return nil, errors.Join(err, r.err)
			}
			return nil, err
		}
		switch m := m.(type) {
		case *pgproto3.DataRow:
			if k == keepRows || !seen {
				seen = true
				row := make([][]byte, len(m.Values))
				for i, v := range m.Values {
					if v != nil {
						row[i] = append([]byte{}, v...)
					}
				}
				r.rows = append(r.rows, row)
			}
		case *pgproto3.CommandComplete:
			seen = false
			r.completed++
			r.results = append(r.results, len(r.rows))
		case *pgproto3.ErrorResponse:
			r.err = pgconn.ErrorResponseToPgError(m)
		case *pgproto3.CopyInResponse:
			refuse, err := (&pgproto3.CopyFail{Message: "no rows follow this COPY in the script"}).Encode(nil)
			if err == nil {
				_, err = w.pg.Conn().Write(refuse)
			}
			if err != nil {
				return nil, err
			}
		case *pgproto3.ReadyForQuery:
			return r, nil
		}
	}
}

// cancelOn sends cancel requests to the server from when the context is
// cancelled until release is called, and cuts the connection when they do not help.
func (w *wire) cancelOn(ctx context.Context) (release func()) {
	released, ended := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		patience := time.NewTimer(w.grace)
		defer patience.Stop()
		for {
			w.cancel()
			select {
			case <-released:
				return
			case <-patience.C:
				_ = w.pg.Conn().Close()
				return
			case <-time.After(cancelEvery):
			}
		}
	})
	return func() {
		close(released)
		if !stop() {
			<-ended
		}
	}
}

const cancelEvery = 200 * time.Millisecond

// cancel asks the server to stop what the connection is doing.
func (w *wire) cancel() {
	ctx, done := context.WithTimeout(context.Background(), 2*time.Second)
	defer done()
	_ = w.pg.CancelRequest(ctx) // a server that cannot be reached is cut off by the caller
}

// open tells whether the connection is usable.
func (w *wire) open() bool { return w.conn != nil && !w.pg.IsClosed() }

// close says goodbye, within the grace.
func (w *wire) close() {
	if w.conn == nil {
		return
	}
	ctx, done := context.WithTimeout(context.Background(), w.grace)
	defer done()
	_ = w.conn.Close(ctx) // the connection is of no use any more, whatever its answer
}
