package catalog_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

// Every system catalog whose rows are objects is a kind's or stands on the list
// of those that are not, with the reason.
func TestCoverage(t *testing.T) {
	t.Parallel()
	conn := pgtest.New(t).Connect(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'oid'
		WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' ORDER BY 1`)
	require.NoError(t, err)
	catalogs, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(catalogs), 30)
	kinds := map[string]bool{}
	for _, kind := range catalog.Kinds {
		require.NotNil(t, kind.New(), kind.Name)
		kinds[kind.Catalog] = true
		found, ok := catalog.KindOf(kind.Name)
		require.True(t, ok)
		require.Equal(t, kind.Catalog, found.Catalog)
	}
	for _, name := range catalogs {
		reason, listed := catalog.Uncovered[name]
		require.True(t, kinds[name] || listed, "%s is neither read nor listed with a reason", name)
		require.False(t, kinds[name] && listed, "%s is read and listed as not read", name)
		if listed {
			require.NotEmpty(t, reason)
		}
	}
}

// What no kind reads is reported, and nothing else is.
func TestUnmodelled(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	exec := func(sql string) {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	read := func(options catalog.Options) *schema.Model {
		m, err := catalog.Read(t.Context(), conn, options)
		require.NoError(t, err)
		return m
	}
	exec(`CREATE SCHEMA hidden; CREATE TABLE hidden.t (id serial PRIMARY KEY, a text CHECK (a <> '')); CREATE INDEX ON hidden.t (a);
		CREATE FUNCTION hidden.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER tr BEFORE INSERT ON hidden.t FOR EACH ROW EXECUTE FUNCTION hidden.f();
		CREATE VIEW hidden.v AS SELECT id FROM hidden.t;
		CREATE FUNCTION hidden.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
		CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION hidden.e();
		CREATE TYPE mood AS ENUM ('a');
		CREATE TEMP TABLE x (m mood PRIMARY KEY DEFAULT 'a');
		CREATE TEMP VIEW y AS SELECT m FROM x;
		SELECT lo_create(0)`)
	exec(`CREATE SCHEMA parts; CREATE TABLE parts.k (a text PRIMARY KEY); CREATE TABLE parts.p (id int PRIMARY KEY, a text NOT NULL REFERENCES parts.k) PARTITION BY LIST (id);
		CREATE TABLE parts.p1 PARTITION OF parts.p FOR VALUES IN (1); CREATE INDEX ON parts.p (a);
		CREATE FUNCTION parts.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER tr AFTER INSERT ON parts.p FOR EACH ROW EXECUTE FUNCTION parts.f()`)
	require.Empty(t, read(catalog.Options{}).Unmodelled)
	exec(`DROP SCHEMA parts CASCADE`)
	m := read(catalog.Options{ExcludeSchemas: []string{"hidden"}})
	require.Empty(t, m.Unmodelled)
	require.Equal(t, int64(1), m.LargeObjects)
	require.Equal(t, []schema.ID{{Kind: "schema", Name: "public"}, {Kind: "enum", Schema: "public", Name: "mood"}}, ids(m))
	require.Empty(t, read(catalog.Options{}).Unmodelled)

	exec(`CREATE FUNCTION pg_catalog.kedge_unmodelled(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'`)
	m = read(catalog.Options{ExcludeSchemas: []string{"hidden"}})
	require.Equal(t, []schema.Unmodelled{{Catalog: "pg_proc", Description: "function kedge_unmodelled(public.mood)", Reason: "no kind covers it"}}, m.Unmodelled)
}

func ids(m *schema.Model) []schema.ID {
	var out []schema.ID
	for _, o := range m.Objects() {
		out = append(out, o.ID())
	}
	return out
}

// Roles are the cluster's: the laws between two states of a server of their own.
func TestRoles(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, pgtest.ServerOptions{})
	server.Create("roles")
	conn := server.Connect(t.Context(), "roles")
	read := func() *schema.Model {
		m, err := catalog.Read(t.Context(), conn, catalog.Options{Roles: true})
		require.NoError(t, err)
		return m
	}
	run := func(sql string) {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	states := []string{`SELECT 1`, `
		CREATE ROLE app LOGIN CREATEDB NOINHERIT CONNECTION LIMIT 7 PASSWORD 'secret' VALID UNTIL '2031-02-03 04:05:06+00';
		CREATE ROLE "Read Only"; CREATE ROLE gone SUPERUSER;
		COMMENT ON ROLE app IS 'the application';
		ALTER ROLE app SET search_path = app, public; ALTER ROLE app SET work_mem = '5MB';
		GRANT "Read Only" TO app WITH ADMIN OPTION; GRANT gone TO app`, `
		ALTER ROLE app NOLOGIN REPLICATION BYPASSRLS INHERIT NOCREATEDB CREATEROLE CONNECTION LIMIT -1 VALID UNTIL 'infinity';
		COMMENT ON ROLE app IS NULL;
		ALTER ROLE app RESET search_path; ALTER ROLE app SET work_mem = '6MB';
		REVOKE ADMIN OPTION FOR "Read Only" FROM app; DROP ROLE gone; CREATE ROLE added IN ROLE app`}
	if majorOf(t, conn) >= 16 {
		states[2] += `; GRANT app TO added WITH INHERIT FALSE, SET FALSE`
	}
	var models []*schema.Model
	for _, sql := range states {
		run(sql)
		models = append(models, read())
	}
	require.NotNil(t, models[1].Object(schema.ID{Kind: "role", Name: "app"}))
	reach := func(to *schema.Model) {
		result, err := schema.Diff(read(), to, schema.Options{})
		require.NoError(t, err)
		for _, s := range result.Statements {
			require.NotContains(t, s.SQL, "secret")
			run(s.SQL)
		}
		requireSame(t, to, read())
	}
	for _, at := range []int{1, 0, 2, 1, 2, 0} {
		reach(models[at])
	}
	m, err := catalog.Read(t.Context(), conn, catalog.Options{})
	require.NoError(t, err)
	require.False(t, slices.ContainsFunc(ids(m), func(id schema.ID) bool { return id.Kind == "role" || id.Kind == "membership" }))
}

func majorOf(t *testing.T, conn *pgx.Conn) int {
	var major int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&major))
	return major
}
