package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/iotest"

	gomigrate "github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/golang-migrate/migrate/v4/source/stub"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate"
)

func embedded(t *testing.T, files map[string]string) gomigrate.Driver {
	t.Helper()
	driver, err := iofs.New(mapFS(files), ".")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, driver.Close()) })
	return driver
}

func TestDriver(t *testing.T) {
	big := large("", "SELECT 1;")
	files := map[string]string{"0003_c.up.sql": big, "0001_a.up.sql": "-- kedge: transaction=off\nSELECT 1;", "0001_a.down.sql": "SELECT -1;", "0002_b.up.sql": "SELECT ${x};"}
	set, err := Load(context.Background(), Location{Driver: embedded(t, files), Shown: "embedded"}, Options{Placeholders: Placeholders{Values: map[string]string{"x": "2"}}, Cache: settled(t.TempDir())})
	require.NoError(t, err)
	require.Equal(t, "1± 2 3", keys(set))
	require.Equal(t, "embedded/1_a.up.sql", set.Migrations[0].Up.File)
	require.Equal(t, migrate.Off, set.Migrations[0].Header.Transaction)
	require.Equal(t, "SELECT 2;", set.Migrations[1].Up.Text)
	for range 2 {
		r, err := set.Migrations[2].Up.Open()
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, big, string(got))
	}
	require.NoError(t, set.Close())
	folder := load(t, files, Options{Placeholders: Placeholders{Values: map[string]string{"x": "2"}}})
	for i := range folder.Migrations {
		require.Equal(t, folder.Migrations[i].Up.Checksum, set.Migrations[i].Up.Checksum, "whatever the source")
	}
}

// faulty fails where it is told to.
type faulty struct {
	gomigrate.Driver
	list, body error
	read       error
}

func (f faulty) Next(v uint) (uint, error) {
	if f.list != nil {
		return 0, f.list
	}
	return f.Driver.Next(v)
}

func (f faulty) ReadUp(v uint) (io.ReadCloser, string, error) {
	if f.body != nil {
		return nil, "", f.body
	}
	r, name, err := f.Driver.ReadUp(v)
	if f.read != nil {
		return io.NopCloser(iotest.ErrReader(f.read)), name, err
	}
	return r, name, err
}

func TestDriverFaults(t *testing.T) {
	lost := errors.New("lost")
	good := embedded(t, map[string]string{"1_a.up.sql": "SELECT 1;"})
	for want, driver := range map[string]gomigrate.Driver{
		"listing the source's versions":         faulty{Driver: good, list: lost},
		"cannot be read: lost":                  faulty{Driver: good, body: lost},
		"1_a.up.sql: cannot be read to its end": faulty{Driver: good, read: lost},
	} {
		_, err := Load(context.Background(), Location{Driver: driver}, Options{})
		require.ErrorIs(t, err, lost)
		require.ErrorContains(t, err, want)
	}
	_, err := Load(context.Background(), Location{Driver: embedded(t, map[string]string{"1_a.down.sql": "SELECT 1;"})}, Options{})
	require.ErrorContains(t, err, "no up script")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Load(ended, Location{Driver: good}, Options{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestURL(t *testing.T) {
	set, err := Load(context.Background(), Location{URL: "stub://user:secret@host/x?key=secret"}, Options{})
	require.NoError(t, err)
	require.Empty(t, set.Migrations)
	require.Equal(t, "golang-migrate", set.Format)
	require.NoError(t, set.Close())

	for _, text := range []string{"nothing://user:secret@host/x?key=secret", "nothing://user:secret@host:port/%zz"} {
		_, err = Load(context.Background(), Location{URL: text}, Options{})
		require.ErrorContains(t, err, "opening the source nothing://")
		require.ErrorContains(t, err, "file")
		require.NotContains(t, err.Error(), "secret")
	}
	gomigrate.Register("faulty-for-test", openFaulty{})
	_, err = Load(context.Background(), Location{URL: "faulty-for-test://"}, Options{})
	require.ErrorIs(t, err, fs.ErrPermission)
}

// openFaulty opens a source that cannot be listed.
type openFaulty struct{ *stub.Stub }

func (openFaulty) Open(string) (gomigrate.Driver, error) { return openFaulty{}, nil }
func (openFaulty) Close() error                          { return nil }
func (openFaulty) First() (uint, error)                  { return 0, fs.ErrPermission }

func TestNew(t *testing.T) {
	at := Draft{Name: "Add  orders, please!", Now: day}
	create := func(files map[string]string, format string, d Draft) []string {
		t.Helper()
		list, err := New(Location{FS: mapFS(files)}, format, d)
		require.NoError(t, err)
		var out []string
		for _, f := range list {
			out = append(out, f.Path)
			require.True(t, strings.HasPrefix(f.Content, "-- "))
			files[f.Path] = f.Content
		}
		load(t, files, Options{Format: format})
		return out
	}
	text := "SELECT 1;"
	require.Equal(t, []string{"20260102030405_Add_orders_please.up.sql", "20260102030405_Add_orders_please.down.sql"}, create(map[string]string{}, "", at))
	require.Equal(t, []string{"20260102030405_Add_orders_please.up.sql", "20260102030405_Add_orders_please.down.sql"}, create(map[string]string{"20250101000000_a.up.sql": text}, "", at))
	require.Equal(t, "20260102030406_Add_orders_please.up.sql", create(map[string]string{"20260102030405_a.up.sql": text}, "", at)[0], "after the last")
	require.Equal(t, "000010_Add_orders_please.up.sql", create(map[string]string{"000009_a.up.sql": text, "000002_a.up.sql": text, "README": "", "R__x.sql": text}, "", at)[0])
	require.Equal(t, "10_Add_orders_please.up.sql", create(map[string]string{"9_a.up.sql": text}, "", at)[0])
	require.Equal(t, "100_Add_orders_please.up.sql", create(map[string]string{"099_a.up.sql": text, "5_b.up.sql": text}, "", at)[0])
	require.Equal(t, []string{"V2__Add_orders_please.sql", "U2__Add_orders_please.sql"}, create(map[string]string{"V1.9__a.sql": text}, "", at))
	require.Equal(t, []string{"V20260102030405__x-y.sql"}, create(map[string]string{}, "flyway", Draft{Name: "x-y", Now: day, OneWay: true}))
	require.Equal(t, []string{"B2__all.sql"}, create(map[string]string{"V1__a.sql": text}, "", Draft{Name: "all", Kind: migrate.Baseline}))
	require.Equal(t, []string{"R__übersicht.sql"}, create(map[string]string{"V1__a.sql": text}, "", Draft{Name: "übersicht", Kind: migrate.Repeatable}))
	require.Equal(t, []string{"R__x.sql"}, create(map[string]string{}, "", Draft{Name: "x", Kind: migrate.Repeatable}))
	require.Equal(t, []string{"000001_x.up.sql"}, create(map[string]string{}, "", Draft{Name: "x", Scheme: Sequential, OneWay: true}))
	require.Equal(t, "20260102030405_x.up.sql", create(map[string]string{"3_a.up.sql": text}, "", Draft{Name: "x", Scheme: Timestamp, Now: day})[0])
	require.Equal(t, "99999999999999999_x.up.sql", create(map[string]string{"99999999999999998_a.up.sql": text}, "", Draft{Name: "x", Scheme: Timestamp, Now: day})[0])

	for want, d := range map[string]Draft{
		"needs a name":                  {Name: " !? "},
		"unknown numbering":             {Name: "x", Scheme: "random"},
		"R__there.sql is already there": {Name: "there", Kind: migrate.Repeatable},
	} {
		for format, name := range map[string]string{"golang-migrate": "1_a.up.sql", "flyway": "V1__a.sql"} {
			_, err := New(Location{FS: mapFS(map[string]string{name: text, "R__there.sql": text})}, format, d)
			require.ErrorContains(t, err, want)
		}
	}
	_, err := New(Location{}, "", at)
	require.ErrorContains(t, err, "no folder")
	_, err = New(Location{Path: "/does/not/exist"}, "", at)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = New(Location{FS: mapFS(nil)}, "goos", at)
	require.ErrorContains(t, err, "unknown format")
	_, err = golangMigrate{}.New(&Folder{}, Draft{Name: "?", Kind: migrate.Baseline})
	require.Error(t, err)
}

func FuzzNew(f *testing.F) {
	f.Add("add orders", "1_a.up.sql")
	f.Add("../../etc/passwd", "V1.2__x.sql")
	f.Fuzz(func(t *testing.T, name, existing string) {
		if !fs.ValidPath(existing) || existing == "." {
			return
		}
		for _, format := range Formats {
			list, err := format.New(&Folder{FS: mapFS(nil), Root: ".", Files: []string{existing}}, Draft{Name: name, Now: day})
			if err != nil {
				continue
			}
			for _, file := range list {
				require.True(t, fs.ValidPath(file.Path) && file.Path == path.Clean(file.Path), file.Path)
				require.NotContains(t, file.Path, `\`)
				require.True(t, file.Replaces || strings.HasSuffix(file.Path, ".sql"))
			}
		}
	})
}
