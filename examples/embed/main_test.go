package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

func TestRun(t *testing.T) {
	db := pgtest.New(t)
	require.NoError(t, run(t.Context(), db.URL()))
	require.NoError(t, run(t.Context(), db.URL()), "a second run has nothing to do")
	var slug string
	require.NoError(t, db.Connect(t.Context()).QueryRow(t.Context(), "SELECT slug FROM articles").Scan(&slug))
	require.Equal(t, "hello-world", slug)
	require.ErrorContains(t, run(t.Context(), "postgres:///x?host=/does/not/exist"), "/does/not/exist")

	code, err := inCode()
	require.NoError(t, err)
	code[0].Up.Checksum.Text = "another"
	set, err := source.Load(t.Context(), source.Location{FS: files, Path: "migrations", Code: code}, source.Options{})
	require.NoError(t, err)
	_, err = apply.Run(t.Context(), apply.URL(db.URL()), set.Migrations, migrate.Request{}, apply.Options{})
	require.ErrorIs(t, err, migrate.ErrChanged, "a declared checksum counts like a file's")
	to := migrate.Version("1")
	code, err = inCode()
	require.NoError(t, err)
	set, err = source.Load(t.Context(), source.Location{FS: files, Path: "migrations", Code: code[:1]}, source.Options{})
	require.NoError(t, err)
	_, err = apply.Run(t.Context(), apply.URL(db.URL()), set.Migrations, migrate.Request{Direction: migrate.Down, To: &to}, apply.Options{})
	require.ErrorIs(t, err, migrate.ErrNoDown, "the vacuum has no way back")
}
