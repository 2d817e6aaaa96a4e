package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate"
)

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

// settled is a cache for which every file was left alone long enough.
func settled(dir string) *Cache {
	c := NewCache(dir)
	c.now = func() time.Time { return time.Now().Add(time.Hour) }
	return c
}

func TestCacheSavesReading(t *testing.T) {
	if _, ok := stampOf("cache.go"); !ok {
		t.Skip("no change times on this system")
	}
	dir, kept := t.TempDir(), filepath.Join(t.TempDir(), "checksums")
	write(t, dir, map[string]string{
		"1_a.up.sql":   "-- kedge: transaction=off lock_timeout=5s\nSELECT 1;",
		"1_a.down.sql": "SELECT 2;",
		"2_b.up.sql":   "SELECT ${value};",
	})
	load := func() *Set {
		set, err := Load(context.Background(), Location{Path: dir}, Options{Cache: settled(kept)})
		require.NoError(t, err)
		require.Empty(t, set.Warnings)
		require.NoError(t, set.Uncached)
		return set
	}
	first, second := load(), load()
	require.NotEmpty(t, first.Migrations[0].Up.Text)
	for i, m := range second.Migrations {
		require.Equal(t, first.Migrations[i].Up.Checksum, m.Up.Checksum)
		require.Equal(t, first.Migrations[i].Up.Header, m.Up.Header)
		require.Equal(t, first.Migrations[i].Up.Size, m.Up.Size)
	}
	require.Empty(t, second.Migrations[0].Up.Text, "it was not read")
	require.Empty(t, second.Migrations[0].Down.Text, "it was not read")
	require.NotEmpty(t, second.Migrations[1].Up.Text, "with placeholders it is always read")

	plan, err := migrate.NewPlan(second.Migrations, migrate.History{}, migrate.Request{})
	require.NoError(t, err)
	require.Equal(t, first.Migrations[0].Up.Text, plan.Steps[0].Script.Text)
	require.False(t, plan.Steps[0].Transactional)

	// The same size and the same modification time, but other bytes.
	name := filepath.Join(dir, "1_a.down.sql")
	info, err := os.Stat(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, []byte("SELECT 3;"), 0o644))
	require.NoError(t, os.Chtimes(name, info.ModTime(), info.ModTime()))
	third := load()
	require.Equal(t, "SELECT 3;", third.Migrations[0].Down.Text)
	require.NotEqual(t, first.Migrations[0].Down.Checksum, third.Migrations[0].Down.Checksum)
	require.NoError(t, os.Remove(name))
	require.Nil(t, load().Migrations[0].Down)
}

func TestCacheForgetsWhatChangedJustNow(t *testing.T) {
	dir, kept := t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"1_a.up.sql": "SELECT 1;"})
	for range 2 {
		set, err := Load(context.Background(), Location{Path: dir}, Options{Cache: NewCache(kept)})
		require.NoError(t, err)
		require.Equal(t, "SELECT 1;", set.Migrations[0].Up.Text)
	}
}

func TestCacheDamaged(t *testing.T) {
	if _, ok := stampOf("cache.go"); !ok {
		t.Skip("no change times on this system")
	}
	dir, kept := t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{"1_a.up.sql": "SELECT 1;"})
	load := func() *Set {
		set, err := Load(context.Background(), Location{Path: dir}, Options{Cache: settled(kept)})
		require.NoError(t, err)
		return set
	}
	load()
	require.Empty(t, load().Migrations[0].Up.Text)
	files, err := filepath.Glob(filepath.Join(kept, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], []byte(strings.Replace(string(text), "1_a", "1_b", 1)), 0o600))
	require.Equal(t, "SELECT 1;", load().Migrations[0].Up.Text, "a damaged cache counts as empty")
	require.Empty(t, load().Migrations[0].Up.Text, "and is written anew")

	c := new(Cache)
	body := "1\t2\n1\t2\t3\tx!\tsum\t\tname\n"
	c.parse(cacheMark + "\n" + bodySum(body) + "\n" + body)
	require.Empty(t, c.known)
}

func TestCacheThatCannotBeKept(t *testing.T) {
	if _, ok := stampOf("cache.go"); !ok {
		t.Skip("no change times on this system")
	}
	dir, kept := t.TempDir(), filepath.Join(t.TempDir(), "file")
	write(t, dir, map[string]string{"1_a.up.sql": "SELECT 1;"})
	require.NoError(t, os.WriteFile(kept, nil, 0o600))
	set, err := Load(context.Background(), Location{Path: dir}, Options{Cache: settled(kept)})
	require.NoError(t, err)
	require.Error(t, set.Uncached)
	require.Equal(t, "SELECT 1;", set.Migrations[0].Up.Text)
}
