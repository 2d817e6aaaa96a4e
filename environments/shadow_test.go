package environments

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func openShadow(t testing.TB, opt ShadowOptions) *Shadow {
	t.Helper()
	shadow, err := OpenShadow(t.Context(), opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shadow.Close()) })
	return shadow
}

func connect(t testing.TB, cfg *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestShadowCreatesClonesAndDrops(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	shadow := openShadow(t, ShadowOptions{Settings: map[string]string{"wal_level": "logical"}})

	cfg, err := shadow.Create(ctx, "first")
	require.NoError(t, err)
	conn := connect(t, cfg)
	_, err = conn.Exec(ctx, "CREATE TABLE here AS SELECT 1 AS n")
	require.NoError(t, err)
	var value string
	require.NoError(t, conn.QueryRow(ctx, "SHOW wal_level").Scan(&value))
	require.Equal(t, "logical", value)
	require.NoError(t, conn.QueryRow(ctx, "SHOW server_version").Scan(&value))
	require.Contains(t, value, shadow.Binaries().Version)
	require.NoError(t, conn.Close(ctx))

	cfg, err = shadow.Clone(ctx, "first", `od"d name`)
	require.NoError(t, err)
	var n int
	require.NoError(t, connect(t, cfg).QueryRow(ctx, "SELECT n FROM here").Scan(&n))
	require.Equal(t, 1, n)

	_, err = shadow.Create(ctx, "first")
	require.ErrorContains(t, err, "creating shadow database first")
	require.NoError(t, shadow.Drop(ctx, `od"d name`), "although a session is open")
	require.NoError(t, shadow.Drop(ctx, "never there"))
	_, err = pgx.Connect(ctx, shadow.URL(`od"d name`))
	require.Error(t, err)
}

func TestShadowGoesOnAfterACancelledCall(t *testing.T) {
	t.Parallel()
	shadow := openShadow(t, ShadowOptions{})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := shadow.Create(cancelled, "never")
	require.ErrorIs(t, err, context.Canceled)
	_, err = shadow.Create(t.Context(), "after")
	require.NoError(t, err)
}

func TestShadowsDoNotCollide(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			shadow := openShadow(t, ShadowOptions{})
			for i := range 2 {
				_, err := shadow.Create(t.Context(), fmt.Sprint("db", i))
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

func BenchmarkShadow(b *testing.B) {
	var create time.Duration
	for b.Loop() {
		shadow, err := OpenShadow(b.Context(), ShadowOptions{})
		require.NoError(b, err)
		begin := time.Now()
		_, err = shadow.Create(b.Context(), "one")
		require.NoError(b, err)
		create += time.Since(begin)
		require.NoError(b, shadow.Close())
	}
	b.ReportMetric(float64(create.Milliseconds())/float64(b.N), "create-ms/op")
}
