package apply

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

func folder(files map[string]string) source.Location {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return source.Location{FS: fsys, Path: "."}
}

// said is what the hooks and scripts of a test wrote down.
func said(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var text string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT coalesce(string_agg(what, ' ' ORDER BY n), '') FROM public.said").Scan(&text))
	return text
}

func say(what string) string { return "INSERT INTO public.said (what) VALUES ('" + what + "');" }

func TestHooksAroundARun(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	_, err := conn.Exec(t.Context(), "CREATE TABLE public.said (n serial, what text)")
	require.NoError(t, err)
	files := map[string]string{
		"V1__a.sql": say("a"), "V2__b.sql": say("b") + "VACUUM public.said;", "R__c.sql": say("c"), "U1__a.sql": say("-a"), "U2__b.sql": say("-b"),
		"beforeMigrate.sql": say("<"), "afterMigrate.sql": say(">"), "beforeEachMigrate.sql": say("("), "afterEachMigrate.sql": "BEGIN;" + say(")") + "COMMIT;",
		"afterVersioned.sql": say("|"), "beforeRepeatables.sql": say("/"), "afterMigrateApplied.sql": say("!"),
		"beforeUndo.sql": say("{"), "afterUndo.sql": say("}"), "beforeEachUndo.sql": say("["), "afterEachUndo.sql": say("]"),
	}
	_, err = Up(t.Context(), URL(db.URL()), folder(files), Options{})
	require.NoError(t, err)
	require.Equal(t, "< ( a ) ( b ) | / ( c ) > !", said(t, conn))
	_, err = Up(t.Context(), URL(db.URL()), folder(files), Options{})
	require.NoError(t, err)
	require.Equal(t, "< ( a ) ( b ) | / ( c ) > !", said(t, conn), "a run with nothing to do runs none")

	set, err := source.Load(t.Context(), folder(files), source.Options{Hooks: source.KeepHooks})
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "TRUNCATE public.said")
	require.NoError(t, err)
	_, err = Run(t.Context(), URL(db.URL()), set.Migrations, migrate.Request{Direction: migrate.Down, Redo: true}, Options{Hooks: set.Hooks})
	require.NoError(t, err)
	text := said(t, conn)
	require.True(t, strings.HasPrefix(text, "{ [ -b ] } < ("), text)
}

func TestHooksOfAFailure(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	_, err := conn.Exec(t.Context(), "CREATE TABLE public.said (n serial, what text)")
	require.NoError(t, err)
	up := func(files map[string]string) error {
		_, err := Up(context.Background(), URL(db.URL()), folder(files), Options{LockRetry: -1})
		return err
	}
	require.ErrorContains(t, up(map[string]string{"V1__a.sql": "SELECT 1/0;", "afterEachMigrateError.sql": say("each"), "afterMigrateError.sql": say("all")}), "division by zero")
	require.Equal(t, "each all", said(t, conn))
	require.ErrorContains(t, up(map[string]string{"V1__a.sql": say("a"), "afterEachMigrate.sql": "SELECT 1;\nSELECT 2/0;"}), "afterEachMigrate.sql")
	require.ErrorContains(t, up(map[string]string{"V1__a.sql": say("a"), "beforeEachMigrate.sql": "SELECT 2/0;"}), "beforeEachMigrate.sql")
	require.ErrorContains(t, up(map[string]string{"V1__a.sql": say("a"), "beforeMigrate.sql": "SELECT 2/0;"}), "beforeMigrate.sql")
	require.ErrorContains(t, up(map[string]string{"V1__a.sql": say("a"), "beforeMigrate.sql": "VACUUM;"}), "where VACUUM is not possible")
	require.ErrorContains(t, up(map[string]string{"V1__a.sql": say("a") + "VACUUM;", "beforeEachMigrate.sql": "SELECT 2/0;"}), "division by zero")
	require.Equal(t, "each all", said(t, conn), "nothing of those took effect")
	require.ErrorContains(t, up(map[string]string{"V1__a.sql": "SELECT 1/0;", "afterMigrateError.sql": "SELECT 2/0;"}), "V1__a.sql")
}

// diary is a companion that writes down what it is told.
type diary struct{ locks []int64 }

func (diary) Name() string     { return "diary" }
func (d diary) Locks() []int64 { return d.locks }
func (diary) Record(m *migrate.Migration, d migrate.Direction) ([]string, error) {
	if m.Key() == "9" {
		return nil, migrate.ErrRequest
	}
	return []string{say(string(d) + m.Key())}, nil
}

func TestCompanion(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	_, err := conn.Exec(t.Context(), "CREATE TABLE public.said (n serial, what text)")
	require.NoError(t, err)
	o := Options{RunWait: -1, Companion: func(context.Context, *pgx.Conn) (Companion, error) { return diary{[]int64{42}}, nil }}
	files := map[string]string{"1_a.up.sql": "SELECT 1;", "2_b.up.sql": "VACUUM;", "3_c.up.sql": "SELECT 1/0;", "1_a.down.sql": "SELECT 1;", "2_b.down.sql": "SELECT 1;"}
	set, err := source.Load(t.Context(), folder(files), source.Options{})
	require.NoError(t, err)
	_, err = Run(t.Context(), URL(db.URL()), set.Migrations, migrate.Request{}, o)
	require.ErrorContains(t, err, "division by zero")
	require.Equal(t, "up1 up2", said(t, conn))
	_, err = Run(t.Context(), URL(db.URL()), set.Migrations, migrate.Request{Direction: migrate.Down, All: true}, o)
	require.NoError(t, err)
	require.Equal(t, "up1 up2 down2 down1", said(t, conn))

	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_lock(42)")
	require.NoError(t, err)
	_, err = Run(t.Context(), URL(db.URL()), set.Migrations, migrate.Request{}, o)
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, "diary")
	_, err = conn.Exec(t.Context(), "SELECT pg_advisory_unlock(42)")
	require.NoError(t, err)
	set, err = source.Load(t.Context(), folder(map[string]string{"9_a.up.sql": "SELECT 1;"}), source.Options{})
	require.NoError(t, err)
	_, err = Run(t.Context(), URL(db.URL()), set.Migrations, migrate.Request{}, o)
	require.ErrorContains(t, err, "keeping diary in step")
	o.Companion = func(context.Context, *pgx.Conn) (Companion, error) { return nil, migrate.ErrRequest }
	_, err = Run(t.Context(), URL(db.URL()), set.Migrations, migrate.Request{}, o)
	require.ErrorContains(t, err, "looking for a tool")
}

func TestAdoptAllIsOneTransaction(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	set, err := source.Load(t.Context(), folder(map[string]string{"1_a.up.sql": "SELECT 1;", "2_b.up.sql": "SELECT 2;"}), source.Options{})
	require.NoError(t, err)
	list := []Adoption{{Migration: set.Migrations[0], Note: "by goose"}, {Migration: set.Migrations[1]}}
	require.Error(t, AdoptAll(t.Context(), URL(db.URL()), list, []string{"SELECT 1/0"}, Options{}))
	entries, err := History(t.Context(), URL(db.URL()), Options{})
	require.NoError(t, err)
	require.Empty(t, entries)
	for range 2 {
		require.NoError(t, AdoptAll(t.Context(), URL(db.URL()), list, nil, Options{}))
	}
	entries, err = History(t.Context(), URL(db.URL()), Options{})
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, "by goose", entries[0].Note)
}

func TestSession(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	s, err := Open(t.Context(), URL(db.URL()), Options{})
	require.NoError(t, err)
	_, err = Open(t.Context(), URL(db.URL()), Options{RunWait: -1})
	require.ErrorIs(t, err, ErrLocked)
	set, err := source.Load(t.Context(), folder(map[string]string{"1_a.up.sql": "CREATE TABLE a ();", "1_a.down.sql": "DROP TABLE a;"}), source.Options{})
	require.NoError(t, err)
	report, err := s.Run(t.Context(), set.Migrations, migrate.Request{})
	require.NoError(t, err)
	require.Len(t, report.Steps, 1)
	report, err = s.Run(t.Context(), set.Migrations, migrate.Request{})
	require.NoError(t, err)
	require.Empty(t, report.Steps)
	require.Equal(t, "1", s.History().Current().String())
	require.NoError(t, s.Record(t.Context(), migrate.Entry{Event: migrate.Forgotten, Version: "1", Kind: migrate.Versioned}))
	require.True(t, s.History().Empty())
	_, err = s.Run(t.Context(), set.Migrations, migrate.Request{})
	require.ErrorContains(t, err, "already exists")
	s.Close()
	again, err := Open(t.Context(), URL(db.URL()), Options{RunWait: -1})
	require.NoError(t, err)
	again.Close()
}
