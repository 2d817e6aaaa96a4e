package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// mapFS makes a file system of names and texts.
func mapFS(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func load(t *testing.T, files map[string]string, opt Options) *Set {
	t.Helper()
	set, err := Load(context.Background(), Location{FS: mapFS(files)}, opt)
	require.NoError(t, err)
	return set
}

func problems(t *testing.T, files map[string]string, opt Options) Problems {
	t.Helper()
	_, err := Load(context.Background(), Location{FS: mapFS(files)}, opt)
	require.ErrorIs(t, err, ErrInvalid)
	var list Problems
	require.ErrorAs(t, err, &list)
	return list
}

// keys are a set's migrations in short.
func keys(s *Set) string {
	var list []string
	for _, m := range s.Migrations {
		key := m.Key()
		if m.Kind == migrate.Baseline {
			key = "B" + key
		}
		if m.Down != nil {
			key += "±"
		}
		list = append(list, key)
	}
	return strings.Join(list, " ")
}

func TestGolangMigrateNames(t *testing.T) {
	set := load(t, map[string]string{
		"000002_add_orders.up.sql": "SELECT 2;", "000002_add_orders.down.sql": "SELECT -2;",
		"sub/20260101120000_x_y.up.sql": "SELECT 3;", "1_.up.sql": "SELECT 1;", "10.up.sql": "SELECT 10;", "1.5_half.up.sql": "SELECT 1.5;",
		"R__totals.sql": "SELECT 9;", "R__other.up.sql": "SELECT 8;", "R__other.down.sql": "SELECT -8;",
		".gitkeep": "", "README.md": "x", "readme.sql": "x", "2_x.up.sql~": "x", "#3_x.up.sql#": "x", "4_x.up.sql.bak": "x", "notes.md": "x", ".git/1_a.up.sql": "x", "atlas.sum": "x",
	}, Options{})
	require.Equal(t, "1 1.5 2± 10 20260101120000 R__other± R__totals", keys(set))
	require.Equal(t, "golang-migrate", set.Format)
	require.Equal(t, "add_orders", set.Migrations[2].Name)
	require.Equal(t, "000002_add_orders.up.sql", set.Migrations[2].Up.File)
	require.Equal(t, "SELECT -2;", set.Migrations[2].Down.Text)
	require.Equal(t, "sub/20260101120000_x_y.up.sql", set.Migrations[4].Up.File)
	require.Equal(t, "x_y", set.Migrations[4].Name)
	require.Equal(t, "golang-migrate", set.Migrations[4].Up.Format)
	require.Equal(t, []string{"#3_x.up.sql#", ".git", ".gitkeep", "2_x.up.sql~", "4_x.up.sql.bak", "README.md", "atlas.sum", "notes.md", "readme.sql"}, set.Ignored)
	require.Empty(t, set.Warnings)
	require.NoError(t, set.Close())
}

func TestFlywayNames(t *testing.T) {
	set := load(t, map[string]string{
		"V1__a.sql": "SELECT 1;", "U1__a.sql": "SELECT -1;", "V1_2__b_c.sql": "SELECT 2;", "V1.10__d.sql": "SELECT 3;", "B1.2__all.sql": "SELECT 4;", "R__view.sql": "SELECT 5;", "V2__.sql": "SELECT 6;",
	}, Options{})
	require.Equal(t, "flyway", set.Format)
	require.Equal(t, "1± B1.2 1.2 1.10 2 R__view", keys(set))
	require.Equal(t, "b_c", set.Migrations[2].Name)
}

func TestFlywayCallbacks(t *testing.T) {
	files := map[string]string{"V1__a.sql": "SELECT 1;", "beforeMigrate.sql": "SELECT 0;", "sub/afterEachMigrate__log.sql": "SELECT 2;"}
	list := problems(t, files, Options{})
	require.Len(t, list, 2)
	require.Equal(t, RuleHook, list[0].Rule)
	set := load(t, files, Options{Hooks: KeepHooks})
	require.Len(t, set.Hooks, 2)
	require.Equal(t, "beforeMigrate", set.Hooks[0].Event)
	require.Equal(t, "SELECT 0;", set.Hooks[0].Script.Text)
	require.Equal(t, [2]string{"afterEachMigrate", "log"}, [2]string{set.Hooks[1].Event, set.Hooks[1].Name})
	delete(files, "beforeMigrate.sql")
	files["sub/afterEachMigrate__log.sql"] = ""
	require.Equal(t, RuleEmpty, problems(t, files, Options{Hooks: KeepHooks})[0].Rule)
}

func TestEveryProblemAtOnce(t *testing.T) {
	list := problems(t, map[string]string{
		"1_a.up.sql":    "SELECT 1;",
		"0001_b.up.sql": "SELECT 1;",
		"2_a.down.sql":  "SELECT 2;",
		"3_a.up.sql":    " \r\n;;\n",
		"4_a.up.sql":    "SELECT 1;\n  \x00",
		"5_a.up.sql":    "SELECT 'caf\xe9';",
		"6_a.sql":       "SELECT 6;",
		"seven.up.sql":  "SELECT 7;",
		"8_a.up.txt":    "SELECT 8;",
		"9_a.up.sql":    "-- kedge: transacton=off\nSELECT 9;",
		"10_a.up.SQL":   "SELECT 10;",
		"11_a.up.sql":   "SELECT ${x};",
		"12_a.up.sql":   "SELECT ${y",
		"R__.sql":       "SELECT 1;",
		"13_a.up.sql":   "\ufeff",
	}, Options{Placeholders: Placeholders{Values: map[string]string{"y": "1"}}})
	var text []string
	for _, p := range list {
		text = append(text, p.Error())
	}
	want := []string{
		"10_a.up.SQL: the name does not end in .up.sql or .down.sql",
		"11_a.up.sql:1:8: placeholder ${x} is not defined; did you mean y? [placeholder]",
		"13_a.up.sql: the script is empty",
		"1_a.up.sql: the up script of 1 is also in 0001_b.up.sql [duplicate]",
		"2_a.down.sql: a down script for 2, of which there is no up script [down]",
		"3_a.up.sql: the script is empty: write its SQL, or a comment that says why there is none [empty]",
		"4_a.up.sql:2:3: a NUL byte cannot stand in SQL [text]",
		"5_a.up.sql:1:12: byte 0xe9 is not valid UTF-8 [text]",
		"6_a.sql: the name does not end in .up.sql or .down.sql; expected for example",
		"8_a.up.txt: named like a migration, but it does not end in .sql",
		`9_a.up.sql:1:11: unknown key "transacton": did you mean transaction? [header]`,
		"R__.sql: a repeatable migration needs a name",
		"seven.up.sql: the name does not begin with a version",
	}
	require.Len(t, text, len(want), strings.Join(text, "\n"))
	for i := range want {
		require.Contains(t, text[i], want[i])
	}
	require.Contains(t, list.Error(), "13 problems")
	require.Contains(t, list[:1].Error(), ErrInvalid.Error()+"\n  10_a")
}

func TestFlywayProblems(t *testing.T) {
	list := problems(t, map[string]string{
		"V1__a.sql": "SELECT 1;", "V2__b.sql": "SELECT 2;", "V3__c.sql": "SELECT 3;", "V4__c.sql": "SELECT 3;", "V5__c.sql": "SELECT 3;", "V6__c.sql": "SELECT 3;",
		"V01__again.sql": "SELECT 1;", "U9__x.sql": "SELECT 9;", "V2_x.sql": "SELECT 2;", "V__x.sql": "SELECT 2;", "W1__x.sql": "SELECT 2;", "V7__x.SQL": "SELECT 2;",
		"V8__x.java": "class", "V9__a.sql.conf": "executeInTransaction=false",
	}, Options{})
	want := map[string]string{
		"U9__x.sql": "no up script", "V1__a.sql": "also in V01__again.sql", "V9__a.sql.conf": "does not end in .sql", "V2_x.sql": "two underscores",
		"V7__x.SQL": "does not end in .sql", "V8__x.java": "does not end in .sql", "V__x.sql": "no version", "W1__x.sql": "does not begin with V, U, B or R__",
	}
	require.Len(t, list, len(want))
	for _, p := range list {
		require.Contains(t, p.Message, want[p.File], p.File)
	}
}

func TestFormats(t *testing.T) {
	require.Equal(t, []string{"golang-migrate", "flyway"}, FormatNames()[:2], "the first of equals reads a folder")
	mixed := map[string]string{"V1__a.sql": "SELECT 1;", "V2__a.sql": "SELECT 1;", "3_a.up.sql": "SELECT 1;"}
	require.Equal(t, "3_a.up.sql", problems(t, mixed, Options{})[0].File, "the format of most files reads the folder")
	require.Len(t, problems(t, mixed, Options{Format: "golang-migrate"}), 2)
	_, err := Load(context.Background(), Location{FS: mapFS(mixed)}, Options{Format: "flywey"})
	require.ErrorContains(t, err, `unknown format of migrations "flywey": did you mean flyway?`)
	require.Len(t, problems(t, map[string]string{"init.sql": "SELECT 1;"}, Options{}), 1)
	require.Empty(t, load(t, map[string]string{".gitkeep": ""}, Options{}).Migrations)
	require.Equal(t, "flyway", load(t, map[string]string{"V1__a.sql": "SELECT 1;"}, Options{Formats: []Format{flyway{}}}).Format)
}

func TestWhere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"db/1_a.up.sql": "SELECT 1;", "file": ""})
	set, err := Load(context.Background(), Location{Path: filepath.Join(dir, "db")}, Options{})
	require.NoError(t, err)
	require.Equal(t, filepath.ToSlash(dir)+"/db/1_a.up.sql", set.Migrations[0].Up.File)
	set, err = Load(context.Background(), Location{Path: filepath.Join(dir, "db"), Shown: "db"}, Options{})
	require.NoError(t, err)
	require.Equal(t, "db/1_a.up.sql", set.Migrations[0].Up.File)
	set, err = Load(context.Background(), Location{FS: os.DirFS(dir), Path: "db/"}, Options{})
	require.NoError(t, err)
	require.Equal(t, "db/1_a.up.sql", set.Migrations[0].Up.File)

	_, err = Load(context.Background(), Location{Path: filepath.Join(dir, "none")}, Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "there is no folder")
	_, err = Load(context.Background(), Location{Path: filepath.Join(dir, "file")}, Options{})
	require.ErrorContains(t, err, "listing migrations")
	_, err = Load(context.Background(), Location{FS: os.DirFS(dir), Path: "file"}, Options{})
	require.ErrorContains(t, err, "is a file, not a folder")
	_, err = Load(context.Background(), Location{}, Options{})
	require.ErrorContains(t, err, "no folder of migrations")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Load(ended, Location{Path: filepath.Join(dir, "db")}, Options{})
	require.ErrorIs(t, err, context.Canceled)

	require.Equal(t, Location{Path: "db/migrations"}, Locate("db/migrations"))
	require.Equal(t, Location{Path: "/db"}, Locate("file:///db"))
	require.Equal(t, Location{Path: "db"}, Locate("file://db"))
	require.Equal(t, Location{URL: "s3://bucket/x"}, Locate("s3://bucket/x"))
	require.Equal(t, Location{Path: "a/b://c"}, Locate("a/b://c"))
}

func TestSymbolicLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"..2026/1_a.up.sql": "SELECT 1;", "..2026/sub/2_a.up.sql": "SELECT 1;"})
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip("no symbolic links here")
		}
	}
	link("..2026", "..data")
	link("..data/1_a.up.sql", "1_a.up.sql")
	set, err := Load(context.Background(), Location{Path: dir}, Options{Cache: settled(t.TempDir())})
	require.NoError(t, err)
	require.Equal(t, "1", keys(set), "as Kubernetes mounts a ConfigMap")
	link("..2026/sub", "sub")
	_, err = Load(context.Background(), Location{Path: dir}, Options{})
	require.ErrorContains(t, err, "sub: a symbolic link to a folder is not followed")
	require.NoError(t, os.Remove(filepath.Join(dir, "sub")))
	link("nowhere", "3_a.up.sql")
	_, err = Load(context.Background(), Location{Path: dir}, Options{})
	require.ErrorContains(t, err, "3_a.up.sql: cannot be read")
}

func TestHeadersAndPairs(t *testing.T) {
	set := load(t, map[string]string{
		"1_a.up.sql":   "-- kedge: environments=dev\nSELECT 1;",
		"1_b.down.sql": "-- kedge: transaction=off\nSELECT 1;",
	}, Options{})
	m := set.Migrations[0]
	require.Equal(t, []string{"dev"}, m.Header.Environments)
	require.Equal(t, migrate.Off, m.Down.Header.Transaction)
	require.Len(t, set.Warnings, 1)
	require.Contains(t, set.Warnings[0].Error(), "1_b.down.sql: the down script of 1 is named otherwise")
	require.Empty(t, load(t, map[string]string{"1_a.up.sql": "SELECT 1;", "1_a.down.sql": "-- on purpose"}, Options{}).Warnings)
	require.Len(t, problems(t, map[string]string{"1_a.up.sql": "SELECT 1;", "1_a.down.sql": ""}, Options{}), 1)
	require.Equal(t, "1±", keys(load(t, map[string]string{"1_a.up.sql": "SELECT 1;", "1_a.down.sql": ""}, Options{Empty: AcceptEmpty})))
}

func TestChecksums(t *testing.T) {
	of := func(text string) migrate.Checksum {
		sum, err := load(t, map[string]string{"1_a.up.sql": text}, Options{}).Migrations[0].Up.Sum()
		require.NoError(t, err)
		return sum
	}
	base := of("SELECT 1;\n")
	require.Equal(t, base, of("\ufeffSELECT 1;\r\n"))
	require.Equal(t, base.SQL, of("-- one\nSELECT   1;").SQL)
	require.NotEqual(t, base.Text, of("-- one\nSELECT   1;").Text)
	values := Options{Placeholders: Placeholders{Values: map[string]string{"n": "1"}}}
	one := load(t, map[string]string{"1_a.up.sql": "SELECT ${n};"}, values).Migrations[0].Up
	require.Equal(t, "SELECT 1;", one.Text)
	require.Equal(t, values.Placeholders.Values, one.Values)
	sum, err := one.Sum()
	require.NoError(t, err)
	require.Equal(t, of("SELECT ${n};"), sum, "over the text before placeholders are replaced")
	require.NotEqual(t, base.SQL, sum.SQL)
}

func TestPlaceholdersInFiles(t *testing.T) {
	files := map[string]string{"1_a.up.sql": "-- kedge: placeholders=off\nSELECT '${x}', ${x};", "2_a.up.sql": "SELECT '${x}';", "3_a.up.sql": "-- kedge: placeholders=everywhere\nSELECT '${x}';"}
	opt := Options{Placeholders: Placeholders{Values: map[string]string{"x": "a'b"}}}
	set := load(t, files, opt)
	require.Equal(t, files["1_a.up.sql"], set.Migrations[0].Up.Text)
	require.Equal(t, files["2_a.up.sql"], set.Migrations[1].Up.Text)
	require.Equal(t, "-- kedge: placeholders=everywhere\nSELECT 'a''b';", set.Migrations[2].Up.Text)
	require.Len(t, set.Warnings, 1)
	require.Equal(t, "2_a.up.sql", set.Warnings[0].File)
	opt.Placeholders.Inside = Everywhere
	require.Equal(t, "SELECT 'a''b';", load(t, files, opt).Migrations[1].Up.Text)
	require.Equal(t, "SELECT ${x};", load(t, map[string]string{"1_a.up.sql": "SELECT ${x};"}, Options{}).Migrations[0].Up.Text, "off unless values are defined")
	list := problems(t, map[string]string{"1_a.up.sql": "-- kedge: placeholders=on\nSELECT ${x};"}, Options{})
	require.Equal(t, "1_a.up.sql:2:8: placeholder ${x} is not defined; the environment defines none [placeholder]", list[0].Error())
	list = problems(t, map[string]string{"1_a.up.sql": "SELECT ${x}, '"}, opt)
	require.Equal(t, RuleSQL, list[0].Rule)
}

func TestThorough(t *testing.T) {
	files := map[string]string{"1_a.up.sql": "SELECT 1;\nSELECT '", "2_a.up.sql": "\\connect x\n", "3_a.up.sql": "\\restrict abc\nSELECT 1;"}
	require.Len(t, load(t, files, Options{}).Migrations, 3)
	list := problems(t, files, Options{Depth: Thorough})
	require.Len(t, list, 2)
	require.Contains(t, list[0].Error(), "1_a.up.sql:2:8: this quoted string has no end [sql]")
	require.Contains(t, list[1].Error(), `2_a.up.sql:1:1: psql command \connect: `)
}

// large is a script of more than InlineLimit bytes that begins with head and ends with tail.
func large(head, tail string) string {
	return head + "COPY t (a) FROM stdin;\n" + strings.Repeat("una fila de datos número uno\n", migrate.InlineLimit/28) + "\\.\n" + tail
}

func TestLargeScriptsAreStreamed(t *testing.T) {
	text := large("-- kedge: transaction=off\r\n", "SELECT 1;\n")
	set := load(t, map[string]string{"1_a.up.sql": text, "2_b.up.sql": "SELECT 2;"}, Options{Depth: Thorough})
	s := set.Migrations[0].Up
	require.Empty(t, s.Text)
	require.Equal(t, int64(len(text)), s.Size)
	require.Equal(t, migrate.TextChecksum([]byte(text)), s.Checksum.Text)
	require.Equal(t, migrate.Off, s.Header.Transaction)
	for range 2 {
		r, err := s.Open()
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.Equal(t, text, string(got))
	}
	plan, err := migrate.NewPlan(set.Migrations, migrate.History{}, migrate.Request{})
	require.NoError(t, err)
	require.Equal(t, 2, plan.Steps[0].Count)
	require.Nil(t, plan.Steps[0].Statements)
}

func TestLargeScriptsWithPlaceholders(t *testing.T) {
	opt := Options{Placeholders: Placeholders{Values: map[string]string{"x": "two words"}}}
	text := large("", "SELECT ${x};\n")
	s := load(t, map[string]string{"1_a.up.sql": text}, opt).Migrations[0].Up
	r, err := s.Open()
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(got), "SELECT 'two words';\n"))
	require.Equal(t, opt.Placeholders.Values, s.Values)
	sum, err := s.Sum()
	require.NoError(t, err)
	plain, err := migrate.SQLChecksum(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, plain, sum.SQL)
	line := strings.Count(text, "\n")
	require.Equal(t, fmt.Sprintf("1_a.up.sql:%d:8: placeholder ${y} is not defined; did you mean x? [placeholder]", line), problems(t, map[string]string{"1_a.up.sql": strings.Replace(text, "${x}", "${y}", 1)}, opt)[0].Error())
	require.Equal(t, RuleSQL, problems(t, map[string]string{"1_a.up.sql": text + "SELECT '${x}"}, opt)[0].Rule)
}

func TestLargeScriptsAreChecked(t *testing.T) {
	for tail, want := range map[string]string{"SELECT 'é\x00'": ":10: a NUL byte", "SELECT '\xff": ":9: byte 0xff", "SELECT '\xc3": ":9: byte 0xc3"} {
		text := large("", tail)
		p := problems(t, map[string]string{"1_a.up.sql": text}, Options{})[0]
		require.Equal(t, RuleText, p.Rule)
		require.Contains(t, p.Error(), fmt.Sprintf("1_a.up.sql:%d%s", strings.Count(text, "\n")+1, want))
	}
	first := strings.Repeat("é", migrate.InlineLimit) + "\x00"
	require.Contains(t, problems(t, map[string]string{"1_a.up.sql": first}, Options{})[0].Error(), fmt.Sprintf("1_a.up.sql:1:%d: a NUL byte", migrate.InlineLimit+1))
	require.Equal(t, RuleHeader, problems(t, map[string]string{"1_a.up.sql": large("-- kedge: nonsense\n", "")}, Options{})[0].Rule)
	require.Equal(t, RuleSQL, problems(t, map[string]string{"1_a.up.sql": large("", "SELECT '")}, Options{Depth: Thorough})[0].Rule)
}

func TestLargeScriptThatChangesMeanwhile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"1_a.up.sql": large("", "")})
	set, err := Load(context.Background(), Location{Path: dir}, Options{})
	require.NoError(t, err)
	write(t, dir, map[string]string{"1_a.up.sql": large("", "SELECT 1;")})
	r, err := set.Migrations[0].Up.Open()
	require.NoError(t, err)
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	require.ErrorContains(t, err, "1_a.up.sql: the file has changed since it was checked")
	require.NoError(t, os.Remove(filepath.Join(dir, "1_a.up.sql")))
	_, err = set.Migrations[0].Up.Open()
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestTextCheckerInPieces(t *testing.T) {
	for _, text := range []string{"añb\n日本\x00", "a\nb\nñ\xc3", "日\xffx", "ok ${x}", "日本語"} {
		want := ddl.CheckText(text)
		for size := 1; size <= len(text); size++ {
			c := &textChecker{line: 1, column: 1}
			var got error
			for i := 0; i < len(text) && got == nil; i += size {
				_, got = c.Write([]byte(text[i:min(i+size, len(text))]))
			}
			if got == nil {
				got = c.end()
			}
			require.Equal(t, want, got, "%q in pieces of %d", text, size)
			if want == nil {
				require.Equal(t, strings.Contains(text, "${"), c.placeholder, "%q in pieces of %d", text, size)
			}
		}
	}
}

// parts is a format with both directions in one file, and settings of its own.
type parts struct{}

func (parts) Name() string         { return "parts" }
func (parts) Detect(f *Folder) int { return len(f.Files) }
func (parts) New(*Folder, Draft) ([]NewFile, error) {
	return nil, errors.New("nothing new")
}

func (p parts) Read(f *Folder) Reading {
	var r Reading
	for _, name := range f.Files {
		text, err := f.ReadFile(name)
		head, peekErr := f.Peek(name)
		if err != nil || peekErr != nil || !strings.HasPrefix(string(text), string(head)) {
			r.Problems = append(r.Problems, Problem{File: f.Shown(name), Rule: RuleContent, Message: "unreadable"})
			continue
		}
		up, down, _ := strings.Cut(string(text), "-- down\n")
		r.Units = append(r.Units,
			Unit{Version: "1", Name: "x", Kind: migrate.Versioned, Direction: migrate.Up, Path: name, Part: &Part{Size: int64(len(up)), Line: 1}, Settings: migrate.Header{Transaction: migrate.Off, Depends: []string{"R__a"}}},
			Unit{Version: "1", Name: "x", Kind: migrate.Versioned, Direction: migrate.Down, Path: name, Part: &Part{Offset: int64(len(up) + 8), Size: int64(len(down)), Line: 1 + strings.Count(up, "\n") + 1}})
	}
	return r
}

// unseekable hides what a file can do.
type unseekable struct{ fs.FS }

func (u unseekable) Open(name string) (fs.File, error) {
	f, err := u.FS.Open(name)
	if dir, ok := f.(fs.ReadDirFile); ok {
		return dir, err
	}
	return struct{ fs.File }{f}, err
}

func TestSeveralScriptsInAFile(t *testing.T) {
	files := mapFS(map[string]string{"1.sql": "-- kedge: transaction=on depends=R__b lock_timeout=1s statement_timeout=2s environments=dev placeholders=on\nSELECT 1;\n-- down\nSELECT 2;\nSELECT ${n};"})
	for _, fsys := range []fs.FS{files, unseekable{files}} {
		opt := Options{Formats: []Format{parts{}}, Placeholders: Placeholders{Values: map[string]string{"n": "3"}}}
		set, err := Load(context.Background(), Location{FS: fsys}, opt)
		require.NoError(t, err)
		m := set.Migrations[0]
		require.True(t, strings.HasSuffix(m.Up.Text, "SELECT 1;\n"))
		require.Equal(t, "SELECT 2;\nSELECT 3;", m.Down.Text)
		require.Equal(t, 4, m.Down.Line)
		require.Equal(t, migrate.On, m.Header.Transaction, "a header's keys take precedence")
		require.Equal(t, []string{"R__a", "R__b"}, m.Header.Depends)
		require.Equal(t, []string{"dev"}, m.Header.Environments)
		delete(opt.Placeholders.Values, "n")
		opt.Placeholders.Values["o"] = "3"
		_, err = Load(context.Background(), Location{FS: fsys}, opt)
		require.ErrorContains(t, err, "1.sql:5:8: placeholder ${n} is not defined")
	}
	list := problems(t, map[string]string{"1.sql": "SELECT 1;", "2.sql": "SELECT 1;"}, Options{Formats: []Format{parts{}}})
	require.Len(t, list, 4, "the down parts are empty, and both files are version 1")
}

// broken is a file system whose files fail to be read.
type broken struct{ fstest.MapFS }

func (b broken) Open(name string) (fs.File, error) {
	f, err := b.MapFS.Open(name)
	if strings.HasPrefix(name, "1") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	if strings.HasSuffix(name, ".sql") {
		return brokenFile{f}, err
	}
	return f, err
}

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestUnreadableFiles(t *testing.T) {
	_, err := Load(context.Background(), Location{FS: broken{mapFS(map[string]string{"1_a.up.sql": "SELECT 1;", "2_a.up.sql": "SELECT 1;"})}}, Options{})
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, "1_a.up.sql: cannot be read: permission denied [read]")
	require.ErrorContains(t, err, "2_a.up.sql: cannot be read to its end: unexpected EOF [read]")
}

func FuzzNames(f *testing.F) {
	for _, name := range []string{"1_a.up.sql", "V1.2__a.sql", "R__x.sql", "U1__a.sql", "B5__x.sql", "000.up.sql", "_.sql", "V__.sql", ".sql", "1..2_a.up.sql", "a\x00b.down.sql"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, parse := range []func(string) (Unit, string){golangMigrate{}.parse, flyway{}.parse} {
			u, problem := parse(name)
			if problem != "" {
				continue
			}
			require.True(t, strings.HasSuffix(name, ".sql"))
			require.NotEmpty(t, u.Direction)
			if u.Kind == migrate.Repeatable {
				require.NotEmpty(t, u.Name)
				continue
			}
			again, err := migrate.ParseVersion(string(u.Version))
			require.NoError(t, err)
			require.Equal(t, u.Version, again)
		}
	})
}
