package provider

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

func TestProvider(t *testing.T) {
	db := pgtest.New(t)
	fsys := fstest.MapFS{
		"00001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n")},
		"00002_b.sql": {Data: []byte("-- +goose Up\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\n")},
	}
	p, err := New(t.Context(), apply.URL(db.URL()), fsys)
	require.NoError(t, err)
	report, err := p.UpByOne(t.Context())
	require.NoError(t, err)
	require.Equal(t, migrate.Version("1"), report.To)
	_, err = p.Up(t.Context())
	require.NoError(t, err)
	report, err = p.Down(t.Context())
	require.NoError(t, err)
	require.Equal(t, migrate.Version("1"), report.To)
	status, err := p.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, migrate.StatePending, status.Migrations[1].State)
	_, err = New(t.Context(), apply.URL(db.URL()), fstest.MapFS{"x.sql": {}})
	require.Error(t, err)
}
