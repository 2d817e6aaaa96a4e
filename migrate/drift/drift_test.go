package drift_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/drift"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

const shop = `
CREATE TABLE users (user_id bigint PRIMARY KEY, email text NOT NULL, CONSTRAINT users_email_key UNIQUE (email));
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON users USING (user_id > 0);
CREATE TABLE orders (order_id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, note text DEFAULT 'none');
CREATE INDEX orders_user ON orders (user_id);
CREATE UNIQUE INDEX orders_note ON orders (note);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW safe WITH (security_invoker = true) AS SELECT user_id FROM users;
COMMENT ON TABLE orders IS 'what was sold';
`

func read(t *testing.T, db *pgtest.DB) *schema.Model {
	t.Helper()
	m, err := catalog.Read(t.Context(), db.Connect(t.Context()), catalog.Options{ExcludeSchemas: []string{"kedge"}})
	require.NoError(t, err)
	return m.Filter(func(o schema.Object) bool { return !drift.Own(o) })
}

// change finds the one change about an object and a property.
func change(t *testing.T, r *drift.Report, kind schema.Kind, name, property string) drift.Change {
	t.Helper()
	for _, c := range r.Changes {
		if c.Kind == kind && c.Name == name && c.Property == property {
			return c
		}
	}
	require.Failf(t, "no such change", "%s %s %s in %+v", kind, name, property, r.Changes)
	return drift.Change{}
}

func TestEveryKindOfDriftHasItsSeverityAndSentence(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(shop)
	expected := read(t, db)
	db.Exec(`
		ALTER TABLE users DISABLE ROW LEVEL SECURITY;
		ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
		DROP POLICY own ON users;
		GRANT SELECT ON users TO PUBLIC;
		ALTER TABLE users DROP CONSTRAINT users_email_key;
		ALTER TABLE users ALTER email DROP NOT NULL;
		DROP INDEX orders_user;
		DROP INDEX orders_note;
		ALTER TABLE orders DISABLE TRIGGER touched;
		ALTER TABLE orders ALTER note DROP DEFAULT;
		ALTER TABLE orders ADD extra int;
		ALTER FUNCTION touch() SECURITY DEFINER;
		ALTER VIEW safe RESET (security_invoker);
		COMMENT ON TABLE orders IS 'changed';
		ALTER TABLE orders SET UNLOGGED;
		ALTER TABLE users ALTER email SET STATISTICS 500;
		CREATE TABLE nobody (id int PRIMARY KEY);
	`)
	r, err := drift.Compare(expected, read(t, db), drift.Options{})
	require.NoError(t, err)
	require.True(t, r.Drifted)
	for _, want := range []struct {
		kind           schema.Kind
		name, property string
		operation      drift.Operation
		severity       drift.Severity
		sentence       string
		sql            string
	}{
		{"table", "public.users", "row_security", drift.Changed, drift.Security, "row security off", "ENABLE ROW LEVEL SECURITY"},
		{"table", "public.users", "force_row_security", drift.Changed, drift.Security, "its owner sees every row", "FORCE"},
		{"policy", "public.users.own", "", drift.Removed, drift.Security, "is gone", "CREATE POLICY"},
		{"table", "public.users", "grants", drift.Changed, drift.Security, "grants SELECT to public, which nobody asked for", "REVOKE"},
		{"constraint", "public.users.users_email_key", "", drift.Removed, drift.Integrity, "rows that break it can come in", "UNIQUE"},
		{"column", "public.users.email", "not_null", drift.Changed, drift.Integrity, "takes NULL", "NOT NULL"},
		{"index", "public.orders_user", "", drift.Removed, drift.Performance, "slower", "CREATE INDEX"},
		{"index", "public.orders_note", "", drift.Removed, drift.Integrity, "duplicates can come in", "CREATE UNIQUE INDEX"},
		{"trigger", "public.orders.touched", "enabled", drift.Changed, drift.Integrity, "never (disabled)", "ENABLE TRIGGER"},
		{"default", "public.orders.note", "", drift.Removed, drift.Structure, "rows come in without it", "SET DEFAULT"},
		{"column", "public.orders.extra", "", drift.Added, drift.Structure, "nobody asked for it", "DROP COLUMN"},
		{"function", "public.touch()", "security_definer", drift.Changed, drift.Security, "owner's rights", "CREATE OR REPLACE FUNCTION"},
		{"view", "public.safe", "options", drift.Changed, drift.Security, "row security of its tables is passed by", "security_invoker"},
		{"table", "public.orders", "comment", drift.Changed, drift.Cosmetic, "another comment", "COMMENT"},
		{"table", "public.orders", "unlogged", drift.Changed, drift.Integrity, "a crash empties it", "SET LOGGED"},
		{"column", "public.users.email", "statistics", drift.Changed, drift.Performance, "statistics", "STATISTICS"},
		{"table", "public.nobody", "", drift.Added, drift.Structure, "nobody asked for it", "DROP TABLE"},
	} {
		c := change(t, r, want.kind, want.name, want.property)
		require.Equal(t, want.operation, c.Operation, c)
		require.Equal(t, want.severity, c.Severity, c.Sentence)
		require.Contains(t, c.Sentence, want.sentence)
		require.Contains(t, strings.ToUpper(c.SQL), strings.ToUpper(want.sql), c.Sentence)
	}
	for _, c := range r.Changes {
		require.NotEqual(t, "public.nobody.id", c.Name, "parts of what is new as a whole are not said again")
	}

	// The way back leads back.
	for _, s := range r.Revert {
		db.Exec(s.SQL)
	}
	again, err := drift.Compare(expected, read(t, db), drift.Options{})
	require.NoError(t, err)
	require.Empty(t, again.Changes)
	require.False(t, again.Drifted)
}

func TestRulesExcuseEndAndAreMissed(t *testing.T) {
	db := pgtest.New(t)
	db.Exec("CREATE SCHEMA partman; CREATE TABLE a (id int); CREATE TABLE partman.b (id int)")
	expected := read(t, pgtest.New(t))
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	r, err := drift.Compare(expected, read(t, db), drift.Options{Now: now, Rules: []drift.Rule{
		{Schema: "partman", Reason: "made by a tool", File: "dev.yaml", Line: 3},
		{Kind: "schema", Name: "part*", Reason: "its schema"},
		{Kind: "table", Name: "public.?", Until: now, Reason: "for a while", File: "dev.yaml", Line: 5},
		{Kind: "view", Owner: "nobody", Extension: "x", Property: "y", Reason: "nothing"},
	}})
	require.NoError(t, err)
	require.Len(t, r.Changes, 1)
	require.Equal(t, "public.a", r.Changes[0].Name)
	require.Len(t, r.Ignored, 2)
	require.Equal(t, "its schema", r.Ignored[0].Reason+strings.TrimPrefix(r.Ignored[1].Reason, "made by a tool"))
	require.Len(t, r.Rules, 2)
	require.Contains(t, r.Rules[0].Message, "ended on 2026-06-01")
	require.Equal(t, 5, r.Rules[0].Line)
	require.Contains(t, r.Rules[1].Message, "kind view, owner nobody, extension x, property y matches nothing")
}

func TestRecordingsAreKeptAndReadBack(t *testing.T) {
	db := pgtest.New(t)
	ctx := t.Context()
	conn := db.Connect(ctx)
	none, err := drift.Recorded(ctx, conn, "kedge")
	require.NoError(t, err)
	require.Nil(t, none)
	db.Exec("CREATE SCHEMA kedge; CREATE TABLE t (id int PRIMARY KEY)")
	none, err = drift.Recorded(ctx, conn, "kedge")
	require.NoError(t, err)
	require.Nil(t, none)
	m := read(t, db)
	for i := range 5 {
		require.NoError(t, drift.Record(ctx, conn, "kedge", drift.Recording{Version: "7", Basis: fmt.Sprint(i), Model: m}))
	}
	r, err := drift.Recorded(ctx, conn, "kedge")
	require.NoError(t, err)
	require.Equal(t, "4", r.Basis)
	require.Equal(t, migrate.Version("7"), r.Version)
	require.Empty(t, schema.Differences(m, r.Model, schema.Options{}))
	var kept int
	require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM kedge.recorded").Scan(&kept))
	require.Equal(t, 3, kept)
	require.NoError(t, drift.Carry(ctx, conn, "kedge", "4", "carried"))
	require.NoError(t, drift.Carry(ctx, conn, "nowhere", "4", "carried"))
	r, err = drift.Recorded(ctx, conn, "kedge")
	require.NoError(t, err)
	require.Equal(t, "carried", r.Basis)
	db.Exec("UPDATE kedge.recorded SET model = 'nonsense'")
	_, err = drift.Recorded(ctx, conn, "kedge")
	require.ErrorContains(t, err, "unpacking the recorded schema")
}

func TestAuditNamesStatementAndPerson(t *testing.T) {
	db := pgtest.New(t)
	ctx := t.Context()
	db.Exec(shop)
	expected := read(t, db)
	conn := db.Connect(ctx)
	list, err := drift.Audited(ctx, conn, "kedge", time.Time{})
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, drift.InstallAudit(ctx, conn, "kedge"))
	require.NoError(t, drift.InstallAudit(ctx, conn, "kedge"), "again")
	db.Exec("ALTER TABLE orders ADD extra int")
	db.Exec("DROP INDEX orders_user")
	db.Exec("CREATE TEMP TABLE passing (id int)")
	db.Exec("SET application_name = 'kedge 1'; CREATE TABLE by_kedge (id int)")
	db.Exec("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (password 'sesame')")
	r, err := drift.Compare(expected, read(t, db), drift.Options{})
	require.NoError(t, err)
	ledger, err := drift.Audited(ctx, conn, "kedge", time.Time{})
	require.NoError(t, err)
	for _, s := range ledger {
		require.NotContains(t, s.Command, "sesame")
		require.NotContains(t, s.Identity, "passing")
		require.NotContains(t, s.Identity, "by_kedge")
	}
	r.Attribute(ledger)
	c := change(t, r, "index", "public.orders_user", "")
	require.NotNil(t, c.Statement)
	require.Equal(t, "DROP INDEX orders_user", c.Statement.Command)
	require.Contains(t, c.Statement.String(), "DROP INDEX orders_user")
	c = change(t, r, "column", "public.orders.extra", "")
	require.NotNil(t, c.Statement)
	require.Equal(t, "ALTER TABLE", c.Statement.Tag)

	// It never makes DDL fail.
	db.Exec("ALTER TABLE kedge.ddl_audit ADD CONSTRAINT never CHECK (false) NOT VALID")
	db.Exec("CREATE TABLE all_the_same (id int)")

	require.NoError(t, drift.RemoveAudit(ctx, conn, "kedge"))
	require.NoError(t, drift.RemoveAudit(ctx, conn, "kedge"), "again")
	list, err = drift.Audited(ctx, conn, "kedge", time.Time{})
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestReportFormats(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(shop)
	expected := read(t, db)
	db.Exec(`DROP INDEX orders_user; GRANT SELECT ON users TO PUBLIC; ALTER TABLE orders ADD "<b>odd</b>" int`)
	r, err := drift.Compare(expected, read(t, db), drift.Options{Rules: []drift.Rule{{Kind: "view", Reason: "x", File: "dev.yaml", Line: 2}}})
	require.NoError(t, err)
	r.Against, r.ExpectedVersion = "recorded", "9"
	r.Unmodelled = []schema.Unmodelled{{Catalog: "pg_x", Description: "a thing"}}
	r.Origins([]*migrate.Migration{
		{Version: "1", Kind: migrate.Versioned, Up: &migrate.Script{File: "1.sql", Text: "CREATE TABLE users ();\n\nCREATE TABLE public.orders ();\nCREATE INDEX orders_user ON orders (user_id);"}},
		{Version: "2", Kind: migrate.Versioned, Up: &migrate.Script{File: "2.sql", Text: "SELECT 'unterminated"}},
		{Version: "3", Kind: migrate.Versioned},
	})
	c := change(t, r, "index", "public.orders_user", "")
	require.Equal(t, &drift.Origin{Version: "1", File: "1.sql", Line: 4}, c.Origin)
	require.Equal(t, 3, change(t, r, "column", "public.orders.<b>odd</b>", "").Origin.Line)

	list := r.Findings()
	require.Len(t, list, 5)
	require.Equal(t, finding.Error, finding.Worst(list))
	for _, f := range list {
		require.NotEmpty(t, drift.Explain(f.Rule), f.Rule)
	}
	require.Empty(t, drift.Explain("something else"))

	var page bytes.Buffer
	require.NoError(t, drift.WriteHTML(&page, r, "production"))
	text := page.String()
	require.Contains(t, text, "Drift of production")
	require.Contains(t, text, "against recorded at 9")
	require.Contains(t, text, "index public.orders_user is gone")
	require.Contains(t, text, "&lt;b&gt;odd")
	require.NotContains(t, text, "<b>odd")
	require.NotContains(t, text, "http://")
	require.NotContains(t, text, "https://")
	page.Reset()
	require.NoError(t, drift.WriteHTML(&page, &drift.Report{Against: "replay"}, "dev"))
	require.Contains(t, page.String(), "No drift.")
}

func TestSeveritiesAreOrdered(t *testing.T) {
	require.True(t, drift.Security.AtLeast(drift.Cosmetic))
	require.True(t, drift.Structure.AtLeast(drift.Structure))
	require.False(t, drift.Cosmetic.AtLeast(drift.Performance))
}
