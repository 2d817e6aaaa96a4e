package catalog_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

// The laws of the model, with pg_dump as the judge (or, on
// servers that it cannot read, [witnesses]). Each file of testdata/kinds
// is a txtar archive:
//
//	roles: NAME …        (in the comment) roles that must exist
//	major: N             (in the comment) skip on older servers
//	-- setup.sql --      run first in every database, and in those that are loaded (optional)
//	-- a.sql --          the states; the laws hold between each and the next, both ways
//	-- b.sql --
//	-- seed.sql --       rows, run after the state that a diff starts from (optional)
//	-- seed.b.sql --     the same when starting from b
//
// A line that ends in "-- from N" or "-- before N" is for servers of major
// version N and newer, or older ones.
//
// The order of columns cannot always be had by ALTER TABLE, so the columns in
// pg_dump's CREATE TABLE are sorted after a diff; nothing else is.
func TestLaws(t *testing.T) {
	files, err := filepath.Glob("testdata/kinds/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			f := readFixture(t, file)
			f.check(t)
		})
	}
}

type state struct{ name, sql, seed string }

type fixture struct {
	setup  string
	states []state
	roles  []string
	major  int
}

func readFixture(t *testing.T, file string) fixture {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	archive := txtar.Parse(data)
	var f fixture
	for _, line := range strings.Split(string(archive.Comment), "\n") {
		if list, ok := strings.CutPrefix(line, "roles:"); ok {
			f.roles = strings.Fields(list)
		}
		if n, ok := strings.CutPrefix(line, "major:"); ok {
			_, err := fmt.Sscan(n, &f.major)
			require.NoError(t, err)
		}
	}
	seeds := map[string]string{}
	for _, part := range archive.Files {
		switch name := strings.TrimSuffix(part.Name, ".sql"); {
		case name == "setup":
			f.setup = string(part.Data)
		case name == "seed":
			seeds[""] = string(part.Data)
		case strings.HasPrefix(name, "seed."):
			seeds[strings.TrimPrefix(name, "seed.")] = string(part.Data)
		default:
			f.states = append(f.states, state{name: name, sql: string(part.Data)})
		}
	}
	for i := range f.states {
		f.states[i].seed = seeds[f.states[i].name]
		if i == 0 && f.states[i].seed == "" {
			f.states[i].seed = seeds[""]
		}
	}
	return f
}

var onlyOn = regexp.MustCompile(`-- (from|before) (\d+)$`)

// forMajor leaves out the lines that are for other versions of the server.
func forMajor(sql string, major int) string {
	var kept strings.Builder
	for line := range strings.Lines(sql) {
		if m := onlyOn.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			limit, _ := strconv.Atoi(m[2])
			if (major >= limit) != (m[1] == "from") {
				continue
			}
		}
		kept.WriteString(line)
	}
	return kept.String()
}

// database is a database in one of the fixture's states.
type database struct {
	*pgtest.DB
	conn *pgx.Conn
}

func (f fixture) database(t *testing.T, sql ...string) database {
	db := pgtest.New(t)
	db.EnsureRoles(f.roles...)
	conn := db.Connect(t.Context())
	for _, text := range append([]string{f.setup}, sql...) {
		if text = forMajor(text, db.Major()); strings.TrimSpace(text) != "" {
			_, err := conn.Exec(t.Context(), text)
			require.NoError(t, err, text)
		}
	}
	return database{db, conn}
}

func (d database) read(t *testing.T) *schema.Model {
	m, err := catalog.Read(t.Context(), d.conn, catalog.Options{})
	require.NoError(t, err)
	return m
}

func (f fixture) check(t *testing.T) {
	if f.major > 0 && pgtest.New(t).Major() < f.major {
		t.Skipf("needs PostgreSQL %d", f.major)
	}
	models := make([]*schema.Model, len(f.states))
	dumps := make([]string, len(f.states))
	for i, s := range f.states {
		db := f.database(t, s.sql)
		models[i] = db.read(t)
		dumps[i] = dump(t, db)
		t.Run("render "+s.name, func(t *testing.T) {
			statements, err := schema.Render(catalog.Pristine(models[i]), models[i], schema.Options{})
			require.NoError(t, err)
			fresh := pgtest.New(t)
			fresh.EnsureRoles(f.roles...)
			loaded := database{fresh, fresh.Connect(t.Context())}
			loaded.run(t, statements)
			requireDump(t, dumps[i], dump(t, loaded), statements)
			requireSame(t, models[i], loaded.read(t))
		})
	}
	for i := 1; i < len(f.states); i++ {
		for _, way := range []struct {
			from, to int
			style    schema.Style
		}{{i - 1, i, schema.Online}, {i, i - 1, schema.Offline}} {
			from, to := f.states[way.from], f.states[way.to]
			t.Run("diff "+from.name+" "+to.name, func(t *testing.T) {
				db := f.database(t, from.sql, from.seed)
				result, err := schema.Diff(db.read(t), models[way.to], schema.Options{Style: way.style})
				require.NoError(t, err)
				rows := db.rows(t)
				db.run(t, result.Statements)
				requireDump(t, sortColumns(dumps[way.to]), sortColumns(dump(t, db)), result.Statements)
				requireSame(t, models[way.to], db.read(t))
				after := db.rows(t)
				total, left := 0, 0
				for _, n := range rows {
					total += n
				}
				for _, n := range after {
					left += n
				}
				if !loses(result.Statements) {
					require.Equal(t, total, left, "rows of all tables\n%s", text(result.Statements))
					return
				}
				for table, n := range rows {
					if have, still := after[table]; still {
						require.Equal(t, n, have, "rows of %s\n%s", table, text(result.Statements))
					}
				}
			})
		}
	}
}

func requireDump(t *testing.T, want, have string, statements []schema.Statement) {
	t.Helper()
	if want != have {
		t.Fatalf("pg_dump differs:\n%s\nafter:\n%s", diff.Diff("wanted", []byte(want), "have", []byte(have)), text(statements))
	}
}

// requireSame demands that nothing differs and that Diff sees nothing to do.
func requireSame(t *testing.T, want, have *schema.Model) {
	t.Helper()
	result, err := schema.Diff(have, want, schema.Options{})
	require.NoError(t, err)
	require.Empty(t, result.Changes, text(result.Statements))
	require.Empty(t, result.Statements)
}

// run executes statements with the transactions they ask for.
func (d database) run(t *testing.T, statements []schema.Statement) {
	ctx := t.Context()
	exec := func(sql string) {
		_, err := d.conn.Exec(ctx, sql)
		require.NoError(t, err, "%s\n\nin:\n%s", sql, text(statements))
	}
	exec("SET check_function_bodies = off")
	exec("BEGIN")
	for _, s := range statements {
		if s.Transaction != schema.Inside {
			exec("COMMIT")
		}
		if s.Transaction == schema.Apartly {
			exec("BEGIN")
		}
		exec(s.SQL)
		if s.Transaction == schema.Outside {
			exec("BEGIN")
		}
	}
	exec("COMMIT")
	exec("RESET check_function_bodies")
}

// rows counts the rows of every table.
func (d database) rows(t *testing.T) map[string]int {
	names, err := d.conn.Query(t.Context(), `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`)
	require.NoError(t, err)
	list, err := pgx.CollectRows(names, pgx.RowTo[string])
	require.NoError(t, err)
	counts := map[string]int{}
	for _, name := range list {
		var n int
		require.NoError(t, d.conn.QueryRow(context.Background(), "SELECT count(*) FROM ONLY "+name).Scan(&n))
		counts[name] = n
	}
	return counts
}

// loses reports whether the statements say that rows go.
func loses(statements []schema.Statement) bool {
	return slices.ContainsFunc(statements, func(s schema.Statement) bool {
		return slices.ContainsFunc(s.Hazards, func(h schema.Hazard) bool { return h.Kind == schema.DataLoss })
	})
}

func text(statements []schema.Statement) string {
	var b strings.Builder
	for _, s := range statements {
		b.WriteString(s.SQL + ";\n")
	}
	return b.String()
}

var restrict = regexp.MustCompile(`(?m)^\\(un)?restrict .*\n`)

// dump is what pg_dump says of the database or, where it cannot read the
// server, what the server says itself.
func dump(t *testing.T, d database) string {
	if !dumps(d.Major()) {
		return witness(t, d)
	}
	return restrict.ReplaceAllString(d.PgDump("--schema-only"), "")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var createTable = regexp.MustCompile(`(?ms)^(CREATE (?:UNLOGGED |FOREIGN )?TABLE [^\n]* \(\n)(.*?)(\n\))`)

func sortColumns(dump string) string {
	return createTable.ReplaceAllStringFunc(dump, func(statement string) string {
		m := createTable.FindStringSubmatch(statement)
		lines := strings.Split(m[2], ",\n")
		slices.Sort(lines)
		return m[1] + strings.Join(lines, ",\n") + m[3]
	})
}
