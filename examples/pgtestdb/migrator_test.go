package pgtestdb

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate/source"
)

func TestMigrator(t *testing.T) {
	db := pgtest.New(t)
	fsys := fstest.MapFS{"1_a.up.sql": {Data: []byte("CREATE TABLE a (id int);")}}
	m := Migrator[*pgtest.DB]{From: source.Location{FS: fsys, Path: "."}}
	first, err := m.Hash()
	require.NoError(t, err)
	require.NoError(t, m.Migrate(t.Context(), nil, db))
	var n int
	require.NoError(t, db.Connect(t.Context()).QueryRow(t.Context(), "SELECT count(*) FROM a").Scan(&n))
	fsys["2_b.up.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE b (id int);")}
	second, err := m.Hash()
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	fsys["x.sql"] = &fstest.MapFile{Data: []byte("SELECT 1")}
	_, err = m.Hash()
	require.ErrorIs(t, err, source.ErrInvalid)
}
