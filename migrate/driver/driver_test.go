package driver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	gomigrate "github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	dt "github.com/golang-migrate/migrate/v4/database/testing"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// kedgeURL is a test database's URL under the driver's scheme.
func kedgeURL(db *pgtest.DB) string { return strings.Replace(db.URL(), "postgres://", "kedge://", 1) }

func TestConformance(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	d, err := (&Driver{}).Open(kedgeURL(db))
	require.NoError(t, err)
	dt.Test(t, d, []byte("CREATE TABLE conformance (id int)"))
	require.NoError(t, d.Close())
}

func TestMigrateConformance(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	dt.TestMigrate(t, program(t, kedgeURL(db), map[string]string{
		"1_foobar.up.sql": "CREATE TABLE foobar (id int)", "1_foobar.down.sql": "DROP TABLE foobar",
		"3_bar.up.sql": "CREATE TABLE bar (id int)", "3_bar.down.sql": "DROP TABLE bar",
	}))
}

func program(t *testing.T, url string, files map[string]string) *gomigrate.Migrate {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	src, err := iofs.New(fsys, ".")
	require.NoError(t, err)
	m, err := gomigrate.NewWithSourceInstance("iofs", src, url)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = m.Close() })
	return m
}

func TestAProgramOfGolangMigrate(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	m := program(t, kedgeURL(db)+"&x-history-schema=hist", map[string]string{
		"1_a.up.sql": "CREATE TABLE a (id int)", "1_a.down.sql": "DROP TABLE a",
		"2_b.up.sql": "CREATE INDEX CONCURRENTLY a_id ON a (id)", "2_b.down.sql": "DROP INDEX CONCURRENTLY a_id",
		"3_c.up.sql": "CREATE TABLE c (id int); SELECT 1/0", "3_c.down.sql": "DROP TABLE c",
	})
	err := m.Up()
	require.ErrorContains(t, err, "division by zero")
	v, dirty, err := m.Version()
	require.NoError(t, err)
	require.Equal(t, uint(2), v, "the one that failed left nothing, not even dirt")
	require.False(t, dirty)
	require.NoError(t, m.Down())
	_, _, err = m.Version()
	require.ErrorIs(t, err, gomigrate.ErrNilVersion)

	require.NoError(t, m.Migrate(2))
	entries, err := apply.History(t.Context(), apply.URL(db.URL()), apply.Options{History: apply.Table{Schema: "hist"}})
	require.NoError(t, err)
	require.Equal(t, "2", migrate.Fold(entries).Current().String())
	require.NoError(t, m.Force(1))
	v, dirty, err = m.Version()
	require.NoError(t, err)
	require.Equal(t, uint(1), v)
	require.False(t, dirty)
	require.NoError(t, m.Force(3))
	require.ErrorIs(t, m.Up(), gomigrate.ErrNoChange)
	require.NoError(t, m.Drop())
}

func TestInterruptedIsDirty(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	files := map[string]string{"1_a.up.sql": "CREATE TABLE a (id int)", "2_b.up.sql": "INSERT INTO a VALUES (1), (1); VACUUM a; CREATE UNIQUE INDEX CONCURRENTLY a_id ON a (id)"}
	m := program(t, kedgeURL(db), files)
	require.Error(t, m.Up())
	v, dirty, err := m.Version()
	require.NoError(t, err)
	require.Equal(t, uint(2), v)
	require.True(t, dirty)
	require.ErrorAs(t, m.Up(), new(gomigrate.ErrDirty))
	require.NoError(t, m.Force(2))
	require.ErrorIs(t, m.Up(), gomigrate.ErrNoChange)
	require.NoError(t, m.Force(-1))
	_, _, err = m.Version()
	require.ErrorIs(t, err, gomigrate.ErrNilVersion)
}

func TestLockExcludesKedge(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	d := New(apply.URL(db.URL()), apply.Options{RunWait: -1})
	require.NoError(t, d.Lock())
	require.ErrorIs(t, d.Lock(), database.ErrLocked)
	other := New(apply.URL(db.URL()), apply.Options{RunWait: -1})
	require.ErrorIs(t, other.Lock(), database.ErrLocked)
	require.ErrorIs(t, other.SetVersion(1, false), apply.ErrLocked)
	require.ErrorIs(t, other.Unlock(), database.ErrNotLocked)
	require.NoError(t, d.Unlock())
	require.NoError(t, other.Lock())
	require.NoError(t, other.Close())
}

func TestBaselineAndDots(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, err := apply.Baseline(t.Context(), apply.URL(db.URL()), nil, "4", apply.Options{})
	require.NoError(t, err)
	d := New(apply.URL(db.URL()), apply.Options{})
	v, dirty, err := d.Version()
	require.NoError(t, err)
	require.Equal(t, 4, v)
	require.False(t, dirty)
	require.NoError(t, d.SetVersion(3, true))
	require.ErrorContains(t, d.Run(strings.NewReader("SELECT 1")), "not in the history as a migration of its own")
	require.NoError(t, d.SetVersion(2, false))
	v, _, err = d.Version()
	require.NoError(t, err)
	require.Equal(t, 2, v)
	require.NoError(t, d.SetVersion(5, true))
	require.Error(t, d.Run(strings.NewReader("SELECT '\x00'")))
	require.ErrorContains(t, d.Run(broken{}), "reading the migration")
	require.NoError(t, apply.AdoptAll(context.Background(), apply.URL(db.URL()), []apply.Adoption{{Migration: &migrate.Migration{Version: "9.1", Kind: migrate.Versioned}}}, nil, apply.Options{}))
	d = New(apply.URL(db.URL()), apply.Options{})
	_, _, err = d.Version()
	require.ErrorContains(t, err, "no whole number")
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"kedge://u:secret@h:port/x", "kedge://h/db?x-migrations-table=t", "kedge:///db?host=/does/not/exist"} {
		_, err := (&Driver{}).Open(url)
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "secret")
	}
	d := New(apply.URL("postgres:///db?host=/does/not/exist"), apply.Options{})
	_, _, err := d.Version()
	require.Error(t, err)
	require.Error(t, d.Lock())
	require.Error(t, d.Run(strings.NewReader("SELECT 1")))
}
