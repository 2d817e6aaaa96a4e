package rules_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/migrate/lint"
	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

// header reads what the pages use of headers.
func header(text string) migrate.Header {
	var h migrate.Header
	if strings.Contains(text, "-- kedge: transaction=off") {
		h.Transaction = migrate.Off
	}
	return h
}

func file(name, text string) lint.File {
	return lint.File{Name: name, Text: text, Header: header(text), Direction: migrate.Up}
}

// wants are the lines with a -- want comment.
func wants(name, text string) []string {
	var list []string
	for i, line := range strings.Split(text, "\n") {
		if strings.HasSuffix(line, "-- want") {
			list = append(list, fmt.Sprintf("%s:%d", name, i+1))
		}
	}
	return list
}

// places are where a rule found something, each line once.
func places(findings []finding.Finding, rule string) []string {
	var list []string
	for _, f := range findings {
		if place := fmt.Sprintf("%s:%d", f.File, f.Line); f.Rule == rule && !slices.Contains(list, place) {
			list = append(list, place)
		}
	}
	return list
}

// TestPages proves every rule's page: bad.sql is found where it says so, good.sql and fixed.sql are not, fixed.sql runs
// on PostgreSQL after setup.sql, and the explanation is there.
func TestPages(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.Len(t, pages, len(rules.Rules), "a page for every rule")
	conn := pgtest.New(t).Connect(t.Context())
	for _, rule := range rules.Rules {
		t.Run(rule.Name, func(t *testing.T) {
			page := rule.Page()
			require.NotEmpty(t, page.Explanation)
			for _, name := range []string{"good.sql", "fixed.sql"} {
				require.Contains(t, page.Files, name)
			}
			setup := file("setup.sql", page.Files["setup.sql"])
			setup.Earlier = true
			on := lint.Options{Scope: lint.Together, Severities: map[string]finding.Severity{}}
			if rule.Severity == finding.Off {
				on.Severities[rule.Name] = finding.Notice
			}
			look := func(o lint.Options, files ...lint.File) []string {
				return places(lint.Run(files, o).Findings, rule.Name)
			}
			without := func(name string) lint.File {
				return file(name, strings.ReplaceAll(page.Files[name], " -- want", "")) // a trailing comment is part of an ignore's reason
			}
			seen := 0
			for _, name := range []string{"bad.sql", "blind.sql", "up.sql", "asked.sql", "old.sql"} {
				text, ok := page.Files[name]
				if !ok {
					continue
				}
				seen++
				o, files := on, []lint.File{setup, without(name)}
				want := wants(name, text)
				switch name {
				case "blind.sql":
					files = files[1:]
				case "old.sql":
					o.Major = 13
				case "up.sql":
					files[1].WantsDown = true
					if down, ok := page.Files["down.sql"]; ok {
						d := file("down.sql", down)
						files[1].Down = &d
					}
				case "bad.sql":
					if other, ok := page.Files["other.sql"]; ok {
						files = append(files, without("other.sql"))
						want = append(want, wants("other.sql", other)...)
					}
				case "asked.sql":
					conn := database(t, page.Files["setup.sql"])
					target, err := lint.ReadTarget(t.Context(), conn)
					require.NoError(t, err)
					o.Target = target
					files = files[1:]
				}
				require.NotEmpty(t, want, name)
				require.Equal(t, want, look(o, files...), name)
			}
			require.NotZero(t, seen, "a page shows what its rule finds")
			require.Empty(t, look(on, setup, file("good.sql", page.Files["good.sql"])))
			require.Empty(t, look(on, setup, file("fixed.sql", page.Files["fixed.sql"])))

			clean(t, conn)
			runAll(t, conn, page.Files["setup.sql"])
			if since(t, page.Files["fixed.sql"]) <= lint.Major(conn) {
				runAll(t, conn, page.Files["fixed.sql"])
			}
		})
	}
}

// clean makes the database as empty as a new one.
func clean(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	runAll(t, conn, `do $$ declare s text; begin
		for s in select quote_ident(nspname) from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
			execute 'drop schema ' || s || ' cascade';
		end loop; end $$; create schema public; reset all`)
}

func database(t *testing.T, setup string) *pgx.Conn {
	t.Helper()
	conn := pgtest.New(t).Connect(t.Context())
	runAll(t, conn, setup)
	return conn
}

func runAll(t *testing.T, conn *pgx.Conn, text string) {
	t.Helper()
	list, err := ddl.Split(text)
	require.NoError(t, err)
	for _, s := range list {
		_, err := conn.PgConn().Exec(context.WithoutCancel(t.Context()), s.SQL).ReadAll()
		require.NoError(t, err, s.SQL)
	}
}

// since is the first major version that knows all of the script.
func since(t *testing.T, text string) ddl.Major {
	t.Helper()
	list, err := ddl.Split(text)
	require.NoError(t, err)
	var first ddl.Major
	for _, s := range list {
		node, err := s.Parse()
		require.NoError(t, err)
		first = max(first, ddl.Since(node))
	}
	return first
}

// TestFixedIsBetter runs what the pages of blocking rules advise under the tracer: nothing of it may read or write a
// whole table while others cannot write.
func TestFixedIsBetter(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	for _, rule := range rules.Rules {
		page := rule.Page()
		if rule.Family != rules.Blocking || since(t, page.Files["fixed.sql"]) > lint.Major(conn) {
			continue
		}
		clean(t, conn)
		runAll(t, conn, page.Files["setup.sql"])
		tracer, err := lint.NewTracer(t.Context(), func(ctx context.Context, tune func(*pgx.ConnConfig)) (*pgx.Conn, error) {
			config, err := pgx.ParseConfig(db.URL())
			if err != nil {
				return nil, err
			}
			tune(config)
			return pgx.ConnectConfig(ctx, config)
		})
		require.NoError(t, err)
		text := page.Files["fixed.sql"]
		trace, err := tracer.Files(t.Context(), []lint.File{file("fixed.sql", text)}, lint.Session{})
		require.NoError(t, err)
		require.NoError(t, tracer.Close(t.Context()))
		list, err := ddl.Split(text)
		require.NoError(t, err)
		if trace.Failed != nil {
			t.Logf("%s: %v", rule.Name, trace.Failed) // rows that the tracer made up stand in the way
		}
		made := map[string]bool{}
		for _, s := range list {
			node, err := s.Parse()
			require.NoError(t, err)
			if n, ok := node.(*ddl.CreateTable); ok {
				made[n.Name.Name] = true
			}
			effects, _ := trace.Effects("fixed.sql", s.Offset)
			for _, e := range effects {
				require.False(t, !made[e.Object.Name] && e.Mode.BlocksWrites() && e.Kind == ddl.Table && (e.Scan || e.Rewrite), "%s: %s: %+v", rule.Name, s.SQL, e)
			}
		}
	}
}
