package lint

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

var update = flag.Bool("update", false, "rewrite docs/lint.md's table of rules")

func names(findings []finding.Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Rule))
	}
	return list
}

func TestScopes(t *testing.T) {
	t.Parallel()
	files := []File{
		file("1.sql", "create table t (id bigint primary key, a text);"),
		file("2.sql", "create index t_a on t (a);"),
	}
	found := []string{"2.sql:1 index-not-concurrent"}
	require.Equal(t, found, names(Run(files, Options{Scope: Alone}).Findings))
	require.Equal(t, found, names(Run(files, Options{Scope: OneByOne}).Findings))
	require.Empty(t, Run(files, Options{Scope: Together}).Findings)
	files[0].Earlier = true
	require.Equal(t, found, names(Run(files, Options{Scope: Together}).Findings))
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	text := `-- kedge:ignore index-not-concurrent the table has ten rows
create index a on t (a);
create index b on t (b); -- kedge:ignore index-not-concurrent as small
/* kedge:ignore index-not-concurrent,drop-table both are known */
create index c on t (
  c -- kedge:ignore wide-index nothing
);
create index d on t (d);
-- kedge:ignore
drop table t; -- kedge:ignore drop-table
-- kedge:ignored is no mark
-- kedge:ignore drop-table nobody is left`
	got := names(Run([]File{file("f", text)}, Options{Severities: map[string]finding.Severity{"several-locked-tables": finding.Off}}).Findings)
	require.Equal(t, []string{
		"f:4 unused-ignore", "f:6 unused-ignore", "f:8 index-not-concurrent", "f:9 ignore-without-reason",
		"f:10 drop-table", "f:10 ignore-without-reason", "f:12 unused-ignore",
	}, got)
	off := map[string]finding.Severity{"unused-ignore": finding.Off, "ignore-without-reason": finding.Off}
	require.Empty(t, places(Run([]File{file("f", text)}, Options{Severities: off}).Findings, "unused-ignore"))
	one := []*rules.Rule{rules.Find("drop-table")}
	require.Equal(t, []string{"f:10 drop-table"}, names(Run([]File{file("f", text)}, Options{Rules: one}).Findings))
}

func TestSeverities(t *testing.T) {
	t.Parallel()
	f := []File{file("f", "create table t (id int primary key, a timestamp);")}
	require.Len(t, Run(f, Options{}).Findings, 2)
	require.Empty(t, Run(f, Options{Minimum: finding.Warning}).Findings)
	r := Run(f, Options{Severities: map[string]finding.Severity{"small-key": finding.Error, "timestamp-without-time-zone": finding.Off}})
	require.Len(t, r.Findings, 1)
	require.Equal(t, finding.Error, r.Findings[0].Severity)
	require.Len(t, r.Judged("f", 0).Findings, 1)
	require.Zero(t, r.Judged("g", 0))
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	r := Run([]File{{Name: "f", Text: "select 1;\n  select 'x", Line: 10}, {Name: "g", Text: "\\gexec\n"}, {Name: "h", Text: "'", Earlier: true}, {Name: "i", Unreadable: errors.New("odd")}}, Options{})
	require.Equal(t, []string{"f:11 unreadable-script", "g:1 unreadable-script", "i:1 unreadable-script"}, names(r.Findings))
	require.Empty(t, Run([]File{{Name: "f", Text: "'"}}, Options{Severities: map[string]finding.Severity{"unreadable-script": finding.Off}}).Findings)
}

func TestDownScripts(t *testing.T) {
	t.Parallel()
	down := File{Name: "d", Direction: migrate.Down, Text: "drop table t;\nvacuum full t;\nbegin; drop index concurrently i; commit;"}
	require.Equal(t, []string{"d:2 vacuum-full", "d:3 concurrently-in-transaction"}, names(Run([]File{down}, Options{Minimum: finding.Warning}).Findings))
}

func TestFixed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"create index i on t (a);", "-- kedge: transaction=off\ncreate index concurrently i on t (a);"},
		{"\ufeffDROP INDEX i;\r\n", "\ufeff-- kedge: transaction=off\r\nDROP INDEX CONCURRENTLY i;\r\n"},
		{"reindex table t", "-- kedge: transaction=off\nreindex table concurrently t"},
		{"refresh materialized view v;", "refresh materialized view concurrently v;"},
		{"alter table p detach partition c;", "-- kedge: transaction=off\nalter table p detach partition c CONCURRENTLY;"},
		{"alter table t add constraint k check (a > 0);", "-- kedge: transaction=off\nalter table t add constraint k check (a > 0) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT k;"},
		{"alter table t add constraint k check (a > 0) not valid;\nalter table t validate constraint k;",
			"-- kedge: transaction=off\nalter table t add constraint k check (a > 0) not valid;\nalter table t validate constraint k;"},
		{"-- kedge: transaction=off\ncreate index i on t (a);", "-- kedge: transaction=off\ncreate index concurrently i on t (a);"},
		{"begin; create index i on t (a); commit;", ""},
		{"drop index i, j;", ""},
		{"select 1;", ""},
	} {
		r := Run([]File{file("f", c.text)}, Options{})
		got, satisfied := r.Fixed("f")
		require.Equal(t, c.want, got, c.text)
		if c.want == "" {
			require.Empty(t, satisfied)
			continue
		}
		after := Run([]File{file("f", got)}, Options{Minimum: finding.Warning})
		for _, rule := range satisfied {
			require.Empty(t, places(after.Findings, rule), "%s\n%s", rule, got)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	r := Run([]File{{Name: "f", Line: 5, Text: "/* é */ alter table t\n\tadd column a int,\r\n  drop column b\n;"}}, Options{Minimum: finding.Error})
	require.Len(t, r.Findings, 1)
	f := r.Findings[0]
	require.Equal(t, []int{7, 3, 7}, []int{f.Line, f.Column, f.EndLine})
	require.Equal(t, "t", f.Object)
	require.Equal(t, "ACCESS EXCLUSIVE", f.Lock)
}

// TestSizes: a small table is not a large one.
func TestSizes(t *testing.T) {
	t.Parallel()
	sized := func(bytes int64, perSecond float64) *rules.Target {
		name := ddl.Name{Schema: "public", Name: "t"}
		return &rules.Target{Traffic: map[string]rules.Traffic{name.String(): {ReadsPerSecond: perSecond}},
			Scene: &ddl.Scene{Relations: []*ddl.Relation{{Name: name, Kind: ddl.Table, Bytes: bytes, Rows: 12, Columns: []ddl.SceneColumn{{Name: "a"}}}, {Name: ddl.Name{Schema: "public", Name: "v"}, Kind: ddl.MaterializedView, Bytes: bytes}}}}
	}
	judge := func(sql string, target *rules.Target) finding.Finding {
		r := Run([]File{file("f", sql)}, Options{Target: target})
		require.NotEmpty(t, r.Findings, sql)
		return r.Findings[0]
	}
	index := "create index i on t (a);"
	small, large := judge(index, sized(8192, 0)), judge(index, sized(400<<30, 0))
	require.Equal(t, finding.Notice, small.Severity)
	require.Equal(t, finding.Error, large.Severity)
	require.Contains(t, large.Estimate, "SHARE on t (400 GB, 12 rows) for about 3.0 h, at an assumed speed")
	refresh := "refresh materialized view v;"
	require.Equal(t, finding.Error, judge(refresh, sized(400<<30, 0)).Severity)
	require.Equal(t, finding.Warning, judge(refresh, sized(10<<20, 0)).Severity)
	update := "lock table t;"
	require.Equal(t, finding.Warning, judge(update, sized(10<<20, 1000)).Severity)
	require.Contains(t, judge("alter table t drop column a;", sized(8192, 0)).Estimate, "for a moment")
	measured := Run([]File{file("f", index)}, Options{Target: sized(1<<30, 0), Throughput: Scaled(400e6)})
	require.Contains(t, measured.Findings[0].Estimate, "about 13 s, at the speed measured")
}

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{12: "12 bytes", 2048: "2.0 kB", 400 << 30: "400 GB", 3 << 50: "3.0 PB"} {
		require.Equal(t, want, Bytes(n))
	}
	for n, want := range map[int64]string{7: "7", 9999: "9999", 50_000: "50 thousand", 3_400_000: "3.4 million", 2e9: "2.0 billion"} {
		require.Equal(t, want, Count(n))
	}
	for d, want := range map[time.Duration]string{0: "a moment", 300 * time.Millisecond: "a second", 12 * time.Second: "12 s", 5 * time.Minute: "5 min", 3 * time.Hour: "3.0 h"} {
		require.Equal(t, want, About(d))
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(`create table users (id serial primary key, email text default 'x' || now(), code varchar(10) collate "C", big int generated always as (1) stored);
		comment on column users.email is '[personal: contact]';
		create domain d as int check (value > 0); create type e as enum ('a');
		create unlogged table "Odd Name" (a d, b users);
		create table p (k int, x text) partition by list (k); create table p1 partition of p for values in (1); create table pd partition of p default;
		create index on users (lower(email), code) where id > 3;
		create view v as select email from users; create materialized view m as select * from users;
		select setval('users_id_seq', 2000000000);
		insert into users (email) select repeat('x', 1000) from generate_series(1, 3000); analyze users`)
	conn := db.Connect(t.Context())
	target, err := ReadTarget(t.Context(), conn)
	require.NoError(t, err)
	users := target.Scene.Relation(ddl.Name{Name: "users"})
	require.Greater(t, users.Bytes, int64(1<<20))
	require.EqualValues(t, 3000, users.Rows)
	require.Equal(t, "varchar", users.Column("code").Type.Name)
	require.Equal(t, []string{"10"}, users.Column("code").Type.Modifiers)
	require.Equal(t, "C", users.Column("code").Collation)
	require.True(t, users.Column("big").Generated)
	require.True(t, users.Column("id").NotNull)
	require.Equal(t, ddl.Unlogged, target.Scene.Relation(ddl.Name{Name: "Odd Name"}).Persistence)
	require.Equal(t, "pd", target.Scene.Relation(ddl.Name{Name: "p"}).DefaultPartition.Name)
	require.Len(t, target.Scene.Descendants(ddl.Name{Name: "p"}), 2)
	require.Len(t, target.Scene.Indexes(users.Name), 2)
	require.Equal(t, []ddl.Name{{Schema: "public", Name: "users"}}, stripped(target.Scene.Relation(ddl.Name{Name: "v"}).Reads))
	require.Equal(t, "[personal: contact]", target.Comments["public.users.email"])
	require.Equal(t, "users_id_seq", target.Sequences[0].Name.Name)
	require.NotZero(t, target.Scene.Types)

	r := Run([]File{file("f", "alter table users add column x int;")}, Options{Target: target, Major: Major(conn)})
	require.Equal(t, finding.Error, r.Findings[0].Severity)
	require.Contains(t, r.Findings[0].Message, "sequence public.users_id_seq has used 93 %")

	speed, err := MeasureReading(t.Context(), conn, target.Scene)
	require.NoError(t, err)
	if Major(conn) >= 14 {
		require.Positive(t, speed)
	}
	speed, err = MeasureReading(t.Context(), conn, &ddl.Scene{})
	require.NoError(t, err)
	require.Zero(t, speed)

	yes, err := target.Ask("select true")
	require.NoError(t, err)
	require.True(t, yes)
	_, err = target.Ask("select pg_sleep(5) is null")
	require.Error(t, err, "a question is bounded in time")
	_, err = target.Ask("insert into users default values returning true")
	require.Error(t, err, "a question changes nothing")
}

func stripped(names []ddl.Name) []ddl.Name {
	for i := range names {
		names[i].Span = ddl.Span{}
	}
	return names
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	var files []File
	for i := range 1000 {
		files = append(files, file(fmt.Sprint(i), "alter table t add column a int not null default 5;\ncreate index i on t (a);\nupdate t set a = 1;\n"))
	}
	require.Len(t, places(Run(files, Options{}).Findings, "index-not-concurrent"), 1000)
}

func BenchmarkRun(b *testing.B) {
	text, err := os.ReadFile("../../schema/orders/migrations/20260122110000_create_transactions.up.sql")
	require.NoError(b, err)
	f := []File{file("f", string(text)+"create index i on users (email); alter table users add column x int not null default 5; update users set x = 3 where id = 7;")}
	for b.Loop() {
		Run(f, Options{})
	}
}

// TestGuide keeps the table of rules in docs/lint.md as the code has it.
func TestGuide(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/lint.md", "<!-- rules: written by go test ./migrate/lint -run TestGuide -update -->\n", "<!-- end of rules -->"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	_, tail, ok := strings.Cut(rest, end)
	require.True(t, ok)
	var b strings.Builder
	for _, family := range rules.Families {
		fmt.Fprintf(&b, "\n### %s\n\n| rule | severity | |\n|---|---|---|\n", strings.ToUpper(string(family[:1]))+string(family[1:]))
		for _, r := range rules.Rules {
			if r.Family != family {
				continue
			}
			what, _, _ := strings.Cut(strings.ReplaceAll(r.Page().Explanation, "\n", " "), ". ")
			severity := r.Severity.String()
			if r.LosesData {
				severity += ", data loss"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s. |\n", r.Name, severity, strings.TrimSuffix(strings.ReplaceAll(what, "|", `\|`), "."))
		}
	}
	want := head + begin + b.String() + "\n" + end + tail
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	require.True(t, want == string(text), "docs/lint.md is stale: run with -update")
}
