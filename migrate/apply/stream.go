package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// reader walks through a script's statements, whatever its size. Statements
// are numbered as in the plan: an enclosing BEGIN and COMMIT do not count.
type reader struct {
	step    *migrate.Step
	source  io.ReadCloser
	hash    *migrate.TextHash // nil when the source sees to it itself
	scanner *ddl.Scanner
	read    int // statements read, an enclosing pair included
}

func openScript(step *migrate.Step) (*reader, error) {
	source, err := step.Script.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", step.Script.File, err)
	}
	s := &reader{step: step, source: source}
	if vouched(step.Script, source) {
		s.scanner = ddl.NewScanner(source)
		return s, nil
	}
	s.hash = migrate.NewTextHash()
	s.scanner = ddl.NewScanner(io.TeeReader(source, s.hash))
	return s, nil
}

// vouched tells whether a script needs no look at what is read of it: it is in
// memory, has no checksum or not one of this text, or its source compares.
func vouched(script *migrate.Script, source io.Reader) bool {
	if script.Text != "" || script.Original != nil || script.Checksum.Text == "" {
		return true
	}
	v, ok := source.(interface{ Vouches(sum string) bool })
	return ok && v.Vouches(script.Checksum.Text)
}

func (s *reader) close() { _ = s.source.Close() } // it was only read

// next is the next statement and its number, and io.EOF after the last. The
// rows of a COPY that nobody read are skipped.
func (s *reader) next() (ddl.Statement, int, error) {
	for {
		p, err := s.scanner.Next()
		if errors.Is(err, io.EOF) {
			return ddl.Statement{}, 0, io.EOF
		}
		if err == nil {
			err = p.Refusal()
		}
		if err != nil {
			return ddl.Statement{}, 0, &migrate.ScriptError{File: s.step.Script.File, Err: err}
		}
		if p.Kind != ddl.StatementPiece {
			continue
		}
		s.read++
		number := s.read
		if s.step.Enclosed {
			if number == 1 || number == s.step.Count+2 {
				continue
			}
			number--
		}
		return p.Statement(), number, nil
	}
}

// rows reads the rows of the COPY that next returned.
func (s *reader) rows() io.Reader { return &rows{scanner: s.scanner} }

type rows struct {
	scanner *ddl.Scanner
	rest    string
	ended   bool
}

func (r *rows) Read(p []byte) (int, error) {
	for r.rest == "" {
		if r.ended {
			return 0, io.EOF
		}
		piece, err := r.scanner.Next()
		switch {
		case errors.Is(err, io.EOF):
			return 0, io.EOF
		case err != nil:
			return 0, err
		}
		r.rest, r.ended = piece.Rows(), !piece.More
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// unchanged tells whether what was read to its end is what was planned.
func (s *reader) unchanged() error {
	script := s.step.Script
	if s.hash == nil || s.hash.Sum() == script.Checksum.Text {
		return nil
	}
	return fmt.Errorf("%s changed while it was being applied: nothing of it took effect", script.File)
}

// atOnce bounds the bytes of statements that are sent together.
const atOnce = 256 << 10

// stream runs a transactional script that cannot be one message: it is large,
// has COPY data, or changes how later text is read.
func (r *runner) stream(ctx context.Context, i, retries int) (int, error) {
	step := &r.plan.Steps[i]
	r.begin(i)
	defer r.watch.idle()
	script, err := openScript(step)
	if err != nil {
		return 0, err
	}
	defer script.close()
	if err := r.prepare(ctx, step, r.opening(step)); err != nil {
		return 0, err
	}
	var together []ddl.Statement
	size, first := 0, 0
	flush := func() error {
		if len(together) == 0 {
			return nil
		}
		r.statement(i, first, together[0].SQL)
		err := r.send(ctx, step, together, first)
		together, size = together[:0], 0
		return err
	}
	for {
		st, number, err := script.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		if st.Copy {
			if err := flush(); err != nil {
				return 0, err
			}
			r.statement(i, number, st.SQL)
			if err := r.copyRows(ctx, step, st, number, script.rows()); err != nil {
				return 0, err
			}
			continue
		}
		if len(together) == 0 {
			first = number
		}
		together, size = append(together, st), size+len(st.SQL)
		if size >= atOnce || st.Class.SetsParsing {
			if err := flush(); err != nil {
				return 0, err
			}
		}
	}
	if err := flush(); err != nil {
		return 0, err
	}
	if err := script.unchanged(); err != nil {
		return 0, err
	}
	return r.conclude(ctx, i, retries)
}

// conclude ends a script's transaction with its history row.
func (r *runner) conclude(ctx context.Context, i, retries int) (int, error) {
	step := &r.plan.Steps[i]
	c, err := r.closing(i, retries, byBegin, nil)
	if err != nil {
		return 0, err
	}
	m := newMessage(nil, c)
	reply, err := r.main.exec(ctx, m.sql)
	if err != nil {
		if reply != nil && reply.err != nil {
			return 0, r.failure(ctx, step, m, reply, nil, 0)
		}
		return 0, err
	}
	r.finish(i, reply, m)
	return 1, nil
}

// prepare sends what goes before a script's own statements.
func (r *runner) prepare(ctx context.Context, step *migrate.Step, sql string) error {
	_, err := r.main.exec(ctx, sql)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return withCause(ctx, pg, atStep(step, r.preparing(step), pg))
	}
	return err
}

// statement announces a statement.
func (r *runner) statement(i, number int, sql string) {
	r.tell(migrate.Progress{Kind: migrate.StatementStarted, Step: &r.plan.Steps[i], Number: i + 1, Statement: number, SQL: sql})
	r.watch.step(i, number, sql)
}

// send executes statements of a script, the first of which has this number.
func (r *runner) send(ctx context.Context, step *migrate.Step, statements []ddl.Statement, first int) error {
	m := newMessage(statements, nil)
	var failed *reply
	err := r.main.pipeline(ctx, 1, func(int) string { return m.sql }, keepFirst, func(_ int, reply *reply) {
		if reply.err != nil {
			failed = reply
		}
	})
	if err == nil && failed != nil {
		err = r.failure(ctx, step, m, failed, statements, first)
	}
	return err
}

// copyRows executes a COPY … FROM stdin with its rows.
func (r *runner) copyRows(ctx context.Context, step *migrate.Step, st ddl.Statement, number int, from io.Reader) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	release := r.main.cancelOn(ctx)
	_, err := r.main.pg.CopyFrom(context.Background(), from, st.SQL)
	release()
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || !r.main.open() {
		return &broken{err}
	}
	located := migrate.ErrorAt(step, st, pg)
	located.Number = number
	if row := copyLine.FindStringSubmatch(pg.Where); row != nil && pg.Position == 0 {
		n, _ := strconv.Atoi(row[1])
		located.Line, located.Column, located.Source = step.Script.FileLine(st.EndLine)+n, 1, ""
	}
	return withCause(ctx, pg, located)
}

// copyLine finds the row in an error's context: "COPY t, line 3, column id: …".
var copyLine = regexp.MustCompile(`^COPY .*?, \S+ (\d+)`)

// function runs a transactional migration written in Go.
func (r *runner) function(ctx context.Context, i, retries int) (int, error) {
	step := &r.plan.Steps[i]
	r.begin(i)
	defer r.watch.idle()
	conn := r.main.conn
	if err := conn.DeallocateAll(ctx); err != nil { // the reset after the script before took them away behind pgx's back
		return 0, r.brokenOr(err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, r.brokenOr(err)
	}
	if err := r.prepare(ctx, step, strings.TrimPrefix(r.opening(step), "BEGIN;\n")); err != nil {
		return 0, err
	}
	if err := step.Script.Run.Tx(ctx, ownedTx{tx}); err != nil {
		if !r.main.open() {
			return 0, &broken{err}
		}
		return 0, atStep(step, "the function failed", err)
	}
	if !r.main.open() {
		return 0, &broken{errors.New("the function closed it")}
	}
	switch r.main.pg.TxStatus() {
	case 'I':
		return 0, atStep(step, "the function ended kedge's transaction", errTxOwned)
	case 'E':
		return 0, atStep(step, "the function passed over a failed statement", errTxOwned)
	}
	return r.conclude(ctx, i, retries)
}

// brokenOr says that the connection is gone, if it is.
func (r *runner) brokenOr(err error) error {
	if !r.main.open() {
		return &broken{err}
	}
	return err
}

var errTxOwned = errors.New("the transaction is committed by kedge, with the history row")

// ownedTx keeps a function from ending the transaction that it was lent.
type ownedTx struct{ pgx.Tx }

func (ownedTx) Commit(context.Context) error   { return errTxOwned }
func (ownedTx) Rollback(context.Context) error { return errTxOwned }
