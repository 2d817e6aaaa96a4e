package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// UpScriptLimit is the size in bytes up to which history keeps up scripts. Down
// scripts are kept up to DownScriptLimit.
const (
	UpScriptLimit   = 64 << 10
	DownScriptLimit = 64 << 20
)

// layout is the version of the history table's columns. It stands in the table's comment.
const (
	layout        = 1
	layoutComment = "What happened to this database, written by kedge. Rows are only ever added. Layout "
)

// store is the history table of one database.
type store struct {
	table Table
	role  string
}

// exists tells how much of the history table is there.
type facts struct {
	pid           uint32
	serverVersion int
	standby       bool
	readOnly      bool
	database      string
	user          string
	hasSchema     bool
	hasTable      bool
	restorePoint  bool // whether the role may make one
	blocks        bool // whether the role may run DO blocks of PL/pgSQL

}

// asRole is the statement that takes the configured role inside a transaction.
func (s store) asRole() string {
	if s.role == "" {
		return ""
	}
	return "SET LOCAL ROLE " + ddl.QuoteIdent(s.role) + ";\n"
}

const historyColumns = `id, run_id, event, direction, version, name, kind, checksum, sql_checksum, file, statement, statements,
 (EXTRACT(epoch FROM at) * 1000000)::bigint, duration_ms, retries, role, os_user, host, git_commit, tool, error, note`

// read looks at the server and reads the whole history, without its scripts, in one round trip.
func (s store) read(ctx context.Context, w *wire) (facts, []migrate.Entry, error) {
	r, err := w.exec(ctx, "BEGIN READ ONLY;\n"+s.asRole()+s.factsQuery()+";\nSELECT "+historyColumns+" FROM "+s.table.String()+";\nCOMMIT")
	f, factsErr := s.facts(r)
	if err != nil {
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			return f, nil, describe(err, "reading history")
		}
		if w.open() {
			if _, rollback := w.exec(context.WithoutCancel(ctx), "ROLLBACK"); rollback != nil {
				return f, nil, describe(rollback, "reading history")
			}
		}
		if (pg.Code == codeUndefinedTable || pg.Code == codeUndefinedSchema) && factsErr == nil {
			return f, nil, nil
		}
		return f, nil, describe(s.explain(err), "reading history")
	}
	if factsErr != nil {
		return f, nil, factsErr
	}
	i := 2
	if s.role != "" {
		i++
	}
	rows := r.result(i)
	entries := make([]migrate.Entry, len(rows))
	for n, row := range rows {
		if entries[n], err = entry(row); err != nil {
			return f, nil, fmt.Errorf("reading history: row %s: %w", text(row[0]), err)
		}
	}
	return f, entries, nil
}

func (s store) factsQuery() string {
	regclass := "to_regclass(" + ddl.QuoteLiteral(s.table.String()) + ")"
	return `SELECT pg_backend_pid(), current_setting('server_version_num'), pg_is_in_recovery(), current_setting('default_transaction_read_only'), current_database(), session_user,
 to_regnamespace(` + ddl.QuoteLiteral(ddl.QuoteIdent(s.table.schema())) + `) IS NOT NULL, ` + regclass + ` IS NOT NULL, obj_description(` + regclass + `, 'pg_class'),
 has_function_privilege('pg_create_restore_point(text)', 'EXECUTE') AND current_setting('wal_level') <> 'minimal',
 EXISTS (SELECT FROM pg_catalog.pg_language WHERE lanname = 'plpgsql' AND has_language_privilege(oid, 'USAGE'))`
}

func (s store) facts(r *reply) (facts, error) {
	i := 1
	if s.role != "" {
		i++
	}
	if r == nil || len(r.result(i)) == 0 {
		return facts{}, errors.New("reading history: the server did not describe itself")
	}
	row := r.result(i)[0]
	pid, _ := strconv.ParseUint(text(row[0]), 10, 32)
	version, _ := strconv.Atoi(text(row[1]))
	f := facts{
		pid: uint32(pid), serverVersion: version, standby: text(row[2]) == "t", readOnly: text(row[3]) == "on",
		database: text(row[4]), user: text(row[5]), hasSchema: text(row[6]) == "t", hasTable: text(row[7]) == "t",
		restorePoint: text(row[9]) == "t", blocks: text(row[10]) == "t",
	}
	if comment := text(row[8]); f.hasTable {
		if number, ok := strings.CutPrefix(comment, layoutComment); ok {
			if n, err := strconv.Atoi(number); err != nil || n > layout {
				return f, fmt.Errorf("%w: %s says layout %s, this one knows layouts up to %d; a newer kedge is needed", ErrHistoryLayout, s.table, number, layout)
			}
		}
	}
	return f, nil
}

// explain says what a role lacks.
func (s store) explain(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != codeNoPrivilege {
		return err
	}
	role := s.role
	if role == "" {
		role = "the role"
	}
	return fmt.Errorf("%w; %s needs USAGE on schema %s, SELECT and INSERT on %s, and to create them CREATE on the database",
		err, role, ddl.QuoteIdent(s.table.schema()), s.table)
}

// createSQL makes what is missing of the history table; the run lock keeps two of them apart.
func (s store) createSQL(f facts, fence []string) string {
	var b strings.Builder
	b.WriteString("BEGIN;\n")
	for _, sql := range fence {
		b.WriteString(sql + ";\n")
	}
	b.WriteString(s.asRole())
	if !f.hasSchema {
		b.WriteString("CREATE SCHEMA " + ddl.QuoteIdent(s.table.schema()) + ";\n")
	}
	t := s.table.String()
	b.WriteString("CREATE TABLE " + t + ` (
 id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
 run_id text NOT NULL,
 event text NOT NULL,
 direction text,
 version text,
 name text,
 kind text,
 checksum text,
 sql_checksum text,
 file text,
 statement integer,
 statements integer,
 at timestamptz NOT NULL DEFAULT clock_timestamp(),
 duration_ms numeric(14,3),
 retries integer,
 role text NOT NULL DEFAULT session_user,
 os_user text,
 host text,
 git_commit text,
 tool text,
 error text,
 note text,
 up_script text,
 down_script text
);
COMMENT ON TABLE ` + t + ` IS ` + ddl.QuoteLiteral(layoutComment+strconv.Itoa(layout)) + `;
COMMIT`)
	return b.String()
}

// ensure creates the table when it is missing. The run lock is held.
func (s store) ensure(ctx context.Context, w *wire, f facts, fence []string) error {
	if f.hasTable {
		return nil
	}
	if _, err := w.exec(ctx, s.createSQL(f, fence)); err != nil {
		rollBack(ctx, w)
		return describe(s.explain(err), "creating the history table %s", s.table)
	}
	return nil
}

func text(b []byte) string { return string(b) }

// entry reads a row of historyColumns.
func entry(row [][]byte) (migrate.Entry, error) {
	var failure error
	number := func(i int) int64 {
		if row[i] == nil {
			return 0
		}
		n, err := strconv.ParseInt(string(row[i]), 10, 64)
		if err != nil && failure == nil {
			failure = fmt.Errorf("column %d: %w", i+1, err)
		}
		return n
	}
	e := migrate.Entry{
		ID: number(0), RunID: text(row[1]), Event: migrate.Event(row[2]), Direction: migrate.Direction(row[3]),
		Version: migrate.Version(row[4]), Name: text(row[5]), Kind: migrate.Kind(row[6]),
		Checksum: migrate.Checksum{Text: text(row[7]), SQL: text(row[8])}, File: text(row[9]),
		Statement: int(number(10)), Statements: int(number(11)), At: time.UnixMicro(number(12)).UTC(),
		Retries: int(number(14)), By: text(row[15]), OSUser: text(row[16]), Host: text(row[17]), Commit: text(row[18]),
		Tool: text(row[19]), Error: text(row[20]), Note: text(row[21]),
	}
	if year := e.At.Year(); failure == nil && (year < 1 || year > 9999) {
		failure = fmt.Errorf("column at: the year %d", year)
	}
	if row[13] != nil {
		ms, err := strconv.ParseFloat(string(row[13]), 64)
		if err != nil && failure == nil {
			failure = fmt.Errorf("column duration_ms: %w", err)
		}
		e.Duration = time.Duration(math.Round(ms*1000)) * time.Microsecond
	}
	return e, failure
}

// timing says how a row's duration is worked out.
type timing int

const (
	given     timing = iota // Entry.Duration
	byMessage               // since the server received the message that the row is part of
	byBegin                 // since the transaction began
)

// scripts are what a row keeps of a migration.
type scripts struct{ up, down string }

// insertSQL adds a row. It works under any search_path and settings.
func (s store) insertSQL(e *migrate.Entry, t timing, kept scripts) string {
	duration := null
	switch {
	case t == byMessage:
		duration = "EXTRACT(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.statement_timestamp()) OPERATOR(pg_catalog.*) 1000"
	case t == byBegin:
		duration = "EXTRACT(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.transaction_timestamp()) OPERATOR(pg_catalog.*) 1000"
	case e.Duration > 0:
		duration = strconv.FormatFloat(float64(e.Duration.Microseconds())/1000, 'f', 3, 64)
	}
	names, values := make([]string, 0, 21), make([]string, 0, 21)
	for _, c := range []struct{ name, value string }{
		{"run_id", literal(e.RunID)}, {"event", literal(string(e.Event))}, {"direction", literal(string(e.Direction))},
		{"version", literal(string(e.Version))}, {"name", literal(e.Name)}, {"kind", literal(string(e.Kind))},
		{"checksum", literal(e.Checksum.Text)}, {"sql_checksum", literal(e.Checksum.SQL)}, {"file", literal(e.File)},
		{"statement", integer(e.Statement)}, {"statements", integer(e.Statements)}, {"duration_ms", duration}, {"retries", integer(e.Retries)},
		{"os_user", literal(e.OSUser)}, {"host", literal(e.Host)}, {"git_commit", literal(e.Commit)}, {"tool", literal(e.Tool)},
		{"error", literal(e.Error)}, {"note", literal(e.Note)}, {"up_script", literal(kept.up)}, {"down_script", literal(kept.down)},
	} {
		if c.value != null {
			names, values = append(names, c.name), append(values, c.value)
		}
	}
	return "INSERT INTO " + s.table.String() + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
}

const null = "NULL"

func literal(value string) string {
	if value == "" {
		return null
	}
	return ddl.QuoteLiteral(strings.ReplaceAll(value, "\x00", `\0`))
}

func integer(n int) string {
	if n == 0 {
		return null
	}
	return strconv.Itoa(n)
}

// keptScripts are the scripts that history keeps of a migration.
func keptScripts(m *migrate.Migration) (scripts, error) {
	var kept scripts
	if s := m.Up; s != nil && s.Run == nil && s.Size <= UpScriptLimit {
		up, err := readAll(s)
		if err != nil {
			return kept, err
		}
		kept.up = withoutPasswords(up)
	}
	if s := m.Down; s != nil && s.Run == nil && s.Size <= DownScriptLimit {
		down, err := readAll(s)
		if err != nil {
			return kept, err
		}
		if withoutPasswords(down) == down { // with its password gone it would do something else
			kept.down = down
		}
	}
	return kept, nil
}

func readAll(s *migrate.Script) (string, error) {
	if s.Text != "" {
		return s.Text, nil
	}
	r, err := s.Open()
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", s.File, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", s.File, err)
	}
	return string(b), nil
}

// withoutPasswords blots out the string after each word PASSWORD.
func withoutPasswords(sql string) string {
	if !containsFold(sql, "password") {
		return sql
	}
	var b strings.Builder
	after := false
	for t := range ddl.Tokens(sql) {
		switch {
		case after && (t.Kind == ddl.String || t.Kind == ddl.DollarString):
			b.WriteString("'********'")
			after = false
			continue
		case t.Trivia():
		default:
			after = t.Is("PASSWORD")
		}
		b.WriteString(t.Text)
	}
	return b.String()
}

func containsFold(s, lower string) bool { return strings.Contains(strings.ToLower(s), lower) }

// keptDown reads the down script that history has for an applied migration.
func (s store) keptDown(ctx context.Context, w *wire, e migrate.Entry) (*migrate.Script, error) {
	r, err := w.exec(ctx, "BEGIN READ ONLY;\n"+s.asRole()+"SELECT down_script, file FROM "+s.table.String()+
		" WHERE version IS NOT DISTINCT FROM "+literal(string(e.Version))+" AND name IS NOT DISTINCT FROM "+literal(e.Name)+
		" AND down_script IS NOT NULL AND id <= "+strconv.FormatInt(e.ID, 10)+" ORDER BY id DESC LIMIT 1;\nCOMMIT")
	if err != nil {
		rollBack(ctx, w)
		return nil, err
	}
	if len(r.rows) == 0 {
		return nil, nil
	}
	down := text(r.rows[0][0])
	script := &migrate.Script{
		File: orElse(text(r.rows[0][1]), e.Key()) + " (down, from history)", Size: int64(len(down)),
		Checksum: migrate.Checksum{Text: migrate.TextChecksum([]byte(down))}, Text: down,
	}
	return script, nil
}

// SQLSTATE codes (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	codeUndefinedTable  = "42P01"
	codeUndefinedSchema = "3F000"
	codeNoPrivilege     = "42501"
	codeCancelled       = "57014"
	codeLockTimeout     = "55P03"
	codeDeadlock        = "40P01"
	codeSerialization   = "40001"
	codeAborted         = "25P02"
	codeDivisionByZero  = "22012" // how a fence or a guard fails
)
