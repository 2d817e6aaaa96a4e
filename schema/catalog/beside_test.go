package catalog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

func TestASecondConnectionReadsTheSame(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(`CREATE TABLE a (id int PRIMARY KEY, b int UNIQUE CHECK (b > 0)); CREATE INDEX ON a (b, id) WHERE b > 1;
		CREATE TABLE c (a int REFERENCES a DEFAULT 1); CREATE VIEW v AS SELECT id FROM a`)
	ctx := t.Context()
	alone, err := catalog.Read(ctx, db.Connect(ctx), catalog.Options{})
	require.NoError(t, err)
	var second *pgx.Conn
	both, err := catalog.Read(ctx, db.Connect(ctx), catalog.Options{Another: func(ctx context.Context) (*pgx.Conn, error) {
		var err error
		second, err = pgx.Connect(ctx, db.URL())
		return second, err
	}})
	require.NoError(t, err)
	require.Equal(t, alone.Len(), both.Len())
	require.Empty(t, schema.Differences(alone, both, schema.Options{}))
	for _, o := range alone.Objects() {
		var a, b []schema.ID
		for id := range alone.Dependencies(o.ID()) {
			a = append(a, id)
		}
		for id := range both.Dependencies(o.ID()) {
			b = append(b, id)
		}
		require.ElementsMatch(t, a, b, o.ID())
	}
	require.True(t, second.IsClosed())

	nowhere := errors.New("no way")
	_, err = catalog.Read(ctx, db.Connect(ctx), catalog.Options{Another: func(context.Context) (*pgx.Conn, error) { return nil, nowhere }})
	require.ErrorIs(t, err, nowhere)
	_, err = catalog.Read(ctx, db.Connect(ctx), catalog.Options{Another: func(ctx context.Context) (*pgx.Conn, error) {
		return pgx.Connect(ctx, pgtest.New(t).URL()) // a snapshot is of one database
	}})
	require.ErrorContains(t, err, "second connection")
}
