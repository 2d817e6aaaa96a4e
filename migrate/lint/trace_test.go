package lint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

func connector(t *testing.T, url string) Connector {
	return func(ctx context.Context, tune func(*pgx.ConnConfig)) (*pgx.Conn, error) {
		config, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, err
		}
		tune(config)
		return pgx.ConnectConfig(ctx, config)
	}
}

func tracer(t *testing.T, db *pgtest.DB) *Tracer {
	t.Helper()
	tr, err := NewTracer(t.Context(), connector(t, db.URL()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, tr.Close(context.Background())) })
	return tr
}

// fixture is a statement of the lock oracle's measurements.
type fixture struct {
	name        string
	first, last int
	setup       []string
	sql         string
}

func fixtures(t *testing.T) []fixture {
	t.Helper()
	text, err := os.ReadFile("../../schema/ddl/testdata/locks/measured.txt")
	require.NoError(t, err)
	var all []fixture
	for block := range strings.SplitSeq(string(text), "\n\n") {
		var f fixture
		refused := false
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case f.name == "":
				name, versions, _ := strings.Cut(line, " ")
				from, to, ranged := strings.Cut(versions, "-")
				if !ranged {
					to = from
				}
				f.name = name
				f.first, err = strconv.Atoi(from)
				require.NoError(t, err)
				f.last, err = strconv.Atoi(to)
				require.NoError(t, err)
			case strings.HasPrefix(line, "+ "):
				f.setup = append(f.setup, line[2:])
			case strings.HasPrefix(line, "= "):
				refused = strings.HasPrefix(line, "= refused")
			default:
				f.sql += line
			}
		}
		if f.name != "" && !refused {
			all = append(all, f)
		}
	}
	return all
}

// account of effects, for comparing: what tables, views and sequences have to bear.
func bears(effects []ddl.Effect) map[string]string {
	all := map[string]string{}
	for _, e := range effects {
		if e.Kind == ddl.Index || e.Kind == ddl.Sequence || e.Object.IsZero() {
			continue
		}
		all[e.Object.Name] = fmt.Sprintf("%s rewrite=%t scan=%t", e.Mode, e.Rewrite, e.Scan || e.Rewrite)
	}
	return all
}

// TestOracleAndTrace runs the fixtures' statements under the tracer and fails where what was seen and what the oracle
// says are not the same.
func TestOracleAndTrace(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile("../../schema/ddl/testdata/locks/fixture.sql")
	require.NoError(t, err)
	template := pgtest.Template("lint-lock-fixture", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, string(sql))
		return err
	})
	shared := pgtest.New(t, template)
	on := tracer(t, shared)
	on.end = "ROLLBACK"
	require.NoError(t, on.exec(t.Context(), "SET enable_hashjoin = off; SET enable_sort = off"))
	target, err := ReadTarget(t.Context(), on.other)
	require.NoError(t, err)
	agreed := 0
	for _, f := range fixtures(t) {
		if shared.Major() < f.first || shared.Major() > f.last || len(f.setup) > 0 {
			continue
		}
		list, err := ddl.Split(f.sql)
		require.NoError(t, err)
		if len(list) != 1 || list[0].Copy || list[0].Class.Transaction == ddl.Outside && !list[0].Class.Concurrently {
			continue
		}
		node, err := list[0].Parse()
		require.NoError(t, err)
		own, scene := on, copyScene(target.Scene)
		if list[0].Class.Transaction == ddl.Outside {
			own = tracer(t, pgtest.New(t, template))
		}
		seen, err := own.Statement(t.Context(), list[0], node, scene)
		var refused *pgconn.PgError
		if errors.As(err, &refused) && (refused.Code == "58P01" || refused.Code == "0A000") {
			continue // an extension that is not installed
		}
		require.NoError(t, err, f.name)
		if !seen.Traced {
			continue
		}
		expected := ddl.Effects(node, on.Major(), scene)
		want, got := bears(seen.Effects), bears(expected)
		for _, e := range expected {
			switch {
			case e.Assumed && e.Object.IsZero(): // DO, CALL: anything
				want, got = nil, nil
			case e.Assumed:
				delete(want, e.Object.Name)
				delete(got, e.Object.Name)
			case e.Emptied:
				delete(want, e.Object.Name)
				delete(got, e.Object.Name)
			}
		}
		if !maps.Equal(want, got) {
			t.Errorf("%s: %s\n\tseen   %v\n\toracle %v", f.name, f.sql, want, got)
			continue
		}
		agreed++
	}
	t.Logf("PostgreSQL %d: trace and oracle agree on %d statements", shared.Major(), agreed)
	require.Greater(t, agreed, 120)
}

func TestTraceFiles(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(`create table users (id bigint primary key, email text, n int check (n > 100));
		create table orders (id bigint generated always as identity primary key, user_id bigint references users, at timestamptz not null, note jsonb);
		create function f() returns void language plpgsql as $$ begin alter table users alter column email set not null; end $$`)
	on := tracer(t, db)
	files := []File{
		file("1.up.sql", "set lock_timeout = '1s';\ndo $$ begin execute 'alter table users alter column id type numeric'; end $$;\n"),
		file("2.up.sql", "create index concurrently orders_user on orders (user_id);\nbegin;\nselect f();\ncommit;\nvacuum users;"),
		file("3.up.sql", "select 1;\nselect no_such_column from users;\nselect 2;"),
	}
	files = append(files, File{Name: "3.down.sql", Text: "nonsense", Direction: migrate.Down})
	_, err := on.conn.Exec(t.Context(), "alter table orders drop constraint orders_user_id_fkey")
	require.NoError(t, err)
	trace, err := on.Files(t.Context(), files, Session{SearchPath: "public", Settings: map[string]string{"work_mem": "1MB"}, History: "kedge"})
	require.NoError(t, err)
	require.ErrorContains(t, trace.Failed, "3.up.sql:2")

	var n int
	require.NoError(t, on.other.QueryRow(t.Context(), "select count(*) from orders").Scan(&n))
	require.Equal(t, fillRows, n)

	result := Run(files[:3], Options{Scope: Together, Traced: trace.Effects})
	require.Equal(t, []string{"1.up.sql:2"}, places(result.Findings, "table-rewrite"))
	require.Equal(t, []string{"2.up.sql:3"}, places(result.Findings, "scan-under-lock"), "what a function does is seen")
	var index []ddl.Effect
	for _, j := range result.Statements {
		if j.File == "2.up.sql" && j.Offset == 0 {
			index = j.Effects
		}
	}
	require.Contains(t, bears(index)["orders"], "SHARE UPDATE EXCLUSIVE", "CONCURRENTLY is seen while it waits")
	require.Equal(t, slices.Collect(maps.Keys(bears(index))), []string{"orders"})
}
