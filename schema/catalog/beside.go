package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/schema/ddl"
)

// large are the queries that take the server longest and whose rows can wait:
// with a second connection they are read on it.
var large = []string{"index", "constraint", "dependencies"}

// beside reads some steps on a second connection, from the snapshot of the
// first, and keeps their rows until it is their turn.
type beside struct {
	conn *pgx.Conn
	read chan kept // one a step, in their order
	stop context.CancelFunc
}

// kept is what a step returned.
type kept struct {
	rows []Row
	err  error
}

// startBeside begins to read the large steps on a second connection; nil where
// there is none, or where the server exports no snapshot (a standby may not).
func (rd *Reader) startBeside(ctx context.Context, first *pgconn.PgConn, steps []step) (*beside, error) {
	if rd.options.Another == nil {
		return nil, nil
	}
	exported, err := first.Exec(ctx, "SELECT pg_export_snapshot()").ReadAll()
	if err != nil || len(exported) != 1 || len(exported[0].Rows) != 1 {
		// The transaction may be spoilt now; it has read nothing yet.
		_, err := first.Exec(ctx, "ROLLBACK; "+beginning+"; "+settings).ReadAll()
		return nil, err
	}
	conn, err := rd.options.Another(ctx)
	if err != nil {
		return nil, err
	}
	snapshot := ddl.QuoteLiteral(string(exported[0].Rows[0][0]))
	if _, err := conn.PgConn().Exec(ctx, beginning+"; SET TRANSACTION SNAPSHOT "+snapshot+"; "+settings).ReadAll(); err != nil {
		return nil, errors.Join(fmt.Errorf("taking the snapshot over on a second connection: %w", err), conn.Close(context.WithoutCancel(ctx)))
	}
	var mine []step
	for _, s := range steps {
		if slices.Contains(large, s.what) {
			mine = append(mine, s)
		}
	}
	reading, stop := context.WithCancel(ctx)
	b := &beside{conn: conn, read: make(chan kept, len(mine)), stop: stop}
	go func() {
		defer close(b.read)
		for _, s := range mine {
			k := kept{}
			result := conn.PgConn().ExecParams(reading, s.sql, nil, nil, nil, nil)
			k.err = each(result, func(r *Row) { k.rows = append(k.rows, Row{text: r.text, ends: slices.Clone(r.ends)}) })
			b.read <- k
		}
	}()
	return b, nil
}

// takes tells whether a step is read here.
func (b *beside) takes(s step) bool { return b != nil && slices.Contains(large, s.what) }

// visit hands the next step's rows over.
func (b *beside) visit(visit func(*Row)) error {
	k := <-b.read
	if k.err != nil {
		return k.err
	}
	for i := range k.rows {
		visit(&k.rows[i])
		if err := k.rows[i].err; err != nil {
			return err
		}
	}
	return nil
}

// close ends the reading and the connection.
func (b *beside) close(ctx context.Context) error {
	if b == nil {
		return nil
	}
	b.stop()
	for range b.read {
	}
	return b.conn.Close(context.WithoutCancel(ctx))
}
