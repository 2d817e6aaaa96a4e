package ddl

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func effectsOf(t *testing.T, scene *Scene, major Major, sql string) string {
	t.Helper()
	node, err := Parse(sql)
	require.NoError(t, err)
	var list []string
	for _, e := range Effects(node, major, scene) {
		text := e.Object.String()
		if text == "" {
			text = "?"
		}
		if e.Mode != NoLock {
			text += " " + e.Mode.String()
		}
		for _, flag := range []struct {
			on   bool
			name string
		}{{e.Rewrite, "rewrite"}, {e.Scan, "scan"}, {e.Emptied, "emptied"}, {e.Assumed, "assumed"}} {
			if flag.on {
				text += " " + flag.name
			}
		}
		require.NotEmpty(t, e.Reason, sql)
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

// TestEffectsWithoutScene: what is not known is the worst plausible case, and marked.
func TestEffectsWithoutScene(t *testing.T) {
	for sql, want := range map[string]string{
		"select 1":                                                   "",
		"create table t (a int)":                                     "",
		"alter table t add a int":                                    "t ACCESS EXCLUSIVE",
		"alter table t add a mytype":                                 "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table t add a int default myfunc()":                   "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table t add a int default random()":                   "t ACCESS EXCLUSIVE rewrite scan",
		"alter table t add a int not null":                           "t ACCESS EXCLUSIVE scan",
		"alter table t add a int unique":                             "t ACCESS EXCLUSIVE scan",
		"alter table t alter a type text":                            "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table t alter a type int using f(a)":                  "t ACCESS EXCLUSIVE rewrite scan",
		"alter table t alter a set not null":                         "t ACCESS EXCLUSIVE scan assumed",
		"alter table t set logged":                                   "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table t set tablespace x":                             "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table t validate constraint c":                        "t SHARE UPDATE EXCLUSIVE scan assumed",
		"alter table t drop constraint c":                            "t ACCESS EXCLUSIVE",
		"alter table t alter constraint c not enforced":              "t ACCESS EXCLUSIVE",
		"alter table t alter a set expression as (1)":                "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table t add primary key using index i":                "t ACCESS EXCLUSIVE scan assumed; i SHARE UPDATE EXCLUSIVE",
		"alter table t attach partition p for values in (1)":         "t SHARE UPDATE EXCLUSIVE; p ACCESS EXCLUSIVE scan assumed",
		"alter table t detach partition p concurrently":              "t SHARE UPDATE EXCLUSIVE; p ACCESS EXCLUSIVE",
		"alter table t frobnicate":                                   "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table t rename constraint a to b":                     "t ACCESS EXCLUSIVE",
		"alter table t add constraint c check (a) not valid":         "t ACCESS EXCLUSIVE",
		"alter index i rename to j":                                  "i SHARE UPDATE EXCLUSIVE",
		"alter index i set tablespace x":                             "i ACCESS EXCLUSIVE rewrite assumed",
		"alter index i frobnicate":                                   "i ACCESS EXCLUSIVE assumed",
		"alter view v set (security_barrier)":                        "v ACCESS EXCLUSIVE",
		"alter view v reset (x)":                                     "v ACCESS EXCLUSIVE",
		"alter sequence s owner to x":                                "s ACCESS EXCLUSIVE",
		"alter domain d add check (value > 0)":                       "? SHARE scan assumed",
		"alter domain d drop constraint c":                           "",
		"alter policy p on t using (true)":                           "t ACCESS EXCLUSIVE",
		"alter role x set y = z":                                     "",
		"create index concurrently i on t (a)":                       "t SHARE UPDATE EXCLUSIVE scan",
		"create index i on t (a)":                                    "t SHARE scan",
		"drop index concurrently i":                                  "? SHARE UPDATE EXCLUSIVE assumed; i SHARE UPDATE EXCLUSIVE",
		"drop index i":                                               "? ACCESS EXCLUSIVE assumed; i ACCESS EXCLUSIVE",
		"drop statistics s":                                          "? SHARE UPDATE EXCLUSIVE assumed",
		"drop extension e cascade":                                   "? ACCESS EXCLUSIVE assumed",
		"drop type e":                                                "",
		"drop function f() cascade":                                  "",
		"drop table t":                                               "t ACCESS EXCLUSIVE",
		"reindex table concurrently t":                               "t SHARE UPDATE EXCLUSIVE scan",
		"reindex index concurrently i":                               "i SHARE UPDATE EXCLUSIVE rewrite; ? SHARE UPDATE EXCLUSIVE scan assumed",
		"reindex schema s":                                           "? SHARE scan assumed",
		"cluster":                                                    "? ACCESS EXCLUSIVE rewrite scan assumed",
		"vacuum full t":                                              "t ACCESS EXCLUSIVE rewrite scan",
		"vacuum t":                                                   "t SHARE UPDATE EXCLUSIVE scan",
		"vacuum":                                                     "? SHARE UPDATE EXCLUSIVE scan",
		"do $$ begin end $$":                                         "? ACCESS EXCLUSIVE rewrite scan assumed",
		"call p()":                                                   "? ACCESS EXCLUSIVE rewrite scan assumed",
		"copy t to stdout":                                           "t ACCESS SHARE scan",
		"copy (select 1 from t) to stdout":                           "t ACCESS SHARE",
		"copy t from stdin":                                          "t ROW EXCLUSIVE",
		"delete from t where a = 1":                                  "t ROW EXCLUSIVE",
		"delete from t":                                              "t ROW EXCLUSIVE scan",
		"merge into t using s on true when matched then delete":      "t ROW EXCLUSIVE; s ACCESS SHARE",
		"select 1 from t for update":                                 "t ROW SHARE",
		"refresh materialized view m":                                "m ACCESS EXCLUSIVE rewrite scan",
		"refresh materialized view concurrently m":                   "m EXCLUSIVE scan",
		"create materialized view m as select 1 from t with no data": "t ACCESS SHARE",
		"create trigger g after insert on t from u for each row execute function f()": "t SHARE ROW EXCLUSIVE; u ACCESS SHARE",
		"grant select on t to x":            "t ACCESS SHARE",
		"grant usage on schema s to x":      "",
		"comment on function f() is 'x'":    "",
		"alter table t add foreign key (a)": "t SHARE ROW EXCLUSIVE scan; ? SHARE ROW EXCLUSIVE",
		"alter table t add constraint":      "t ACCESS EXCLUSIVE",
		"alter table t alter":               "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table t add":                 "t ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table":                       "",
		"truncate t":                        "t ACCESS EXCLUSIVE emptied",
	} {
		assert.Equal(t, want, effectsOf(t, nil, 18, sql), sql)
	}
}

// TestEffectsInScene has the cases that no measurement covers.
func TestEffectsInScene(t *testing.T) {
	setup := `
		create table users (id bigint primary key, email text not null, born timestamp, at timestamptz, note varchar(10) collate "C", tags int[]);
		create table orders (id bigint primary key, user_id bigint references users, total numeric(10,2), check (total > 0));
		create view v as select * from users; create view w as select * from v;
		create table ev (id int, at date) partition by range (at);
		create table ev1 partition of ev for values from ('2020-01-01') to ('2021-01-01');
		create table evd partition of ev default;
		create index ev_at on ev (at);
		create type pair as (a int);
		create table old (a int); alter table old rename to fresh; alter table fresh set schema s2;
		create table gone (a int); drop table gone;
		create unlogged table fast (a int); alter table fast set logged; alter table fast set unlogged;
		create table loops (id int, up int references loops (id));
		create function pure() returns int language sql immutable as 'select 1';
		create function pure() returns int language sql volatile as 'select 1';
		create domain plain as int; create domain strict as int; alter domain strict add check (value > 0);
		alter table users alter born drop not null, rename column note to remark, add constraint c check (id > 0) not valid;
		alter table users validate constraint c;
		drop type pair; drop function pure(); drop schema s3;
		set time zone 'America/New_York'; select * into copied from users;
		alter table users alter column at type timestamptz(3);
	`
	for sql, want := range map[string]string{
		"alter table users alter at type timestamp":                         "users ACCESS EXCLUSIVE rewrite scan; users_pkey ACCESS EXCLUSIVE",
		"alter table users alter remark type varchar(20)":                   "users ACCESS EXCLUSIVE",
		"alter table users alter tags type int[]":                           "users ACCESS EXCLUSIVE",
		"alter table users alter id type numeric":                           "users ACCESS EXCLUSIVE rewrite scan; users_pkey ACCESS EXCLUSIVE; orders ACCESS EXCLUSIVE scan",
		"alter table users alter email type text using cast(email as text)": "users ACCESS EXCLUSIVE",
		"alter table users alter email type varchar using email":            "users ACCESS EXCLUSIVE",
		"alter table users alter email type varchar using lower(email)":     "users ACCESS EXCLUSIVE rewrite scan; users_pkey ACCESS EXCLUSIVE",
		"alter table users alter email set not null":                        "users ACCESS EXCLUSIVE",
		"alter table users add a plain":                                     "users ACCESS EXCLUSIVE",
		"alter table users add a strict":                                    "users ACCESS EXCLUSIVE rewrite scan; users_pkey ACCESS EXCLUSIVE",
		"alter table users add a int default pure()":                        "users ACCESS EXCLUSIVE rewrite scan assumed; users_pkey ACCESS EXCLUSIVE",
		"alter table users validate constraint c":                           "users SHARE UPDATE EXCLUSIVE",
		"alter table orders alter total type numeric(12,2)":                 "orders ACCESS EXCLUSIVE scan",
		"alter table orders alter user_id type int":                         "orders ACCESS EXCLUSIVE rewrite scan; orders_pkey ACCESS EXCLUSIVE; users ACCESS EXCLUSIVE",
		"drop table users cascade":                                          "users ACCESS EXCLUSIVE; users_pkey ACCESS EXCLUSIVE; orders ACCESS EXCLUSIVE; v ACCESS EXCLUSIVE; w ACCESS EXCLUSIVE",
		"create table x as select * from w":                                 "w ACCESS SHARE; v ACCESS SHARE; users ACCESS SHARE scan",
		"create table if not exists users (a int)":                          "",
		"lock table v in share mode":                                        "v SHARE; users SHARE",
		"create index concurrently on ev (id)":                              "ev SHARE UPDATE EXCLUSIVE; ev1 SHARE UPDATE EXCLUSIVE scan; evd SHARE UPDATE EXCLUSIVE scan",
		"drop table ev1":                                                    "ev1 ACCESS EXCLUSIVE; ev1_at_idx ACCESS EXCLUSIVE; ev ACCESS EXCLUSIVE; evd ACCESS EXCLUSIVE",
		"drop table ev":                                                     "ev ACCESS EXCLUSIVE; ev_at ACCESS EXCLUSIVE; ev1 ACCESS EXCLUSIVE; ev1_at_idx ACCESS EXCLUSIVE; evd ACCESS EXCLUSIVE; evd_at_idx ACCESS EXCLUSIVE",
		"truncate loops cascade":                                            "loops ACCESS EXCLUSIVE emptied",
		"delete from ev":                                                    "ev ROW EXCLUSIVE scan; ev1 ROW EXCLUSIVE scan; evd ROW EXCLUSIVE scan",
		"reindex table ev":                                                  "ev1 SHARE scan; ev1_at_idx ACCESS EXCLUSIVE rewrite; evd SHARE scan; evd_at_idx ACCESS EXCLUSIVE rewrite",
		"alter table s2.fresh set tablespace x":                             "s2.fresh ACCESS EXCLUSIVE rewrite scan assumed",
		"alter table fast set unlogged":                                     "fast ACCESS EXCLUSIVE",
		"alter table ev owner to joe":                                       "ev ACCESS EXCLUSIVE; ev_at ACCESS EXCLUSIVE",
		"alter table ev detach partition evd":                               "ev ACCESS EXCLUSIVE; evd ACCESS EXCLUSIVE",
		"insert into orders values (1)":                                     "orders ROW EXCLUSIVE; users ROW SHARE",
		"create or replace view v as select 1":                              "v ACCESS EXCLUSIVE",
	} {
		scene := &Scene{}
		apply(t, scene, setup)
		assert.Equal(t, want, effectsOf(t, scene, 17, sql), sql)
	}
}

func TestLockModes(t *testing.T) {
	for mode := AccessShare; mode <= AccessExclusive; mode++ {
		for other := AccessShare; other <= AccessExclusive; other++ {
			require.Equal(t, mode.Conflicts(other), other.Conflicts(mode), "%v and %v", mode, other)
		}
		got, ok := LockModeOf(mode.String())
		require.True(t, ok)
		require.Equal(t, mode, got)
		got, ok = LockModeOf(mode.CatalogName())
		require.True(t, ok)
		require.Equal(t, mode, got)
		require.Equal(t, mode == AccessExclusive, mode.BlocksReads())
		require.Equal(t, mode >= Share, mode.BlocksWrites())
		require.Equal(t, mode >= ShareUpdateExclusive, mode.BlocksMaintenance())
	}
	require.Equal(t, "ShareUpdateExclusiveLock", ShareUpdateExclusive.CatalogName())
	require.Empty(t, NoLock.CatalogName())
	require.False(t, NoLock.BlocksMaintenance())
	_, ok := LockModeOf("nothing")
	require.False(t, ok)
	require.Equal(t, Share, Strongest([]Effect{{Mode: AccessShare}, {Mode: Share}}))
	require.Equal(t, "partitioned table", PartitionedTable.String())
}
