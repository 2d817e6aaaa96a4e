//go:build unix

package chaos

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// Rows of the history that a person edited: each command does its work or says what is wrong, and never breaks down.
func TestChaosEditedHistory(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	set := []*migrate.Migration{inline("1", "CREATE TABLE a ();"), inline("2", "CREATE TABLE b ();\nVACUUM b;"), inline("3", "CREATE TABLE c ();")}
	dir := t.TempDir()
	for _, m := range set {
		require.NoError(t, os.WriteFile(filepath.Join(dir, string(m.Version)+"_"+m.Name+".up.sql"), []byte(m.Up.Text), 0o644))
	}
	_, err := upTo(t, db, apply.Options{}, set[:2]...)
	require.NoError(t, err)
	c := db.Connect(t.Context())
	execute(t, c, "CREATE TABLE kept AS SELECT * FROM kedge.history")
	for name, edit := range map[string]string{
		"unknown event":       "UPDATE kedge.history SET event = 'painted' WHERE version = '1'",
		"no version":          "UPDATE kedge.history SET version = 'eleventy-one', kind = 'odd' WHERE version = '1'",
		"terminal escapes":    "UPDATE kedge.history SET name = E'\\x1b[2J\\u202Etxet', note = E'a\\nb\\r', error = E'\\x07' WHERE version = '1'",
		"negative statements": "UPDATE kedge.history SET statement = -7, statements = -1, retries = -3",
		"huge statement":      "INSERT INTO kedge.history (run_id, event, version, name, kind, statement) VALUES ('x', 'started', '3', 'm3', 'versioned', NULL), ('x', 'statement_begun', '3', 'm3', 'versioned', 2147483647)",
		"infinite time":       "UPDATE kedge.history SET at = 'infinity'",
		"ancient time":        "UPDATE kedge.history SET at = '4713-01-01 BC'",
		"odd duration":        "ALTER TABLE kedge.history ALTER COLUMN duration_ms TYPE numeric; UPDATE kedge.history SET duration_ms = 'NaN'",
		"everything null":     "ALTER TABLE kedge.history ALTER COLUMN event DROP NOT NULL, ALTER COLUMN run_id DROP NOT NULL, ALTER COLUMN role DROP NOT NULL; INSERT INTO kedge.history (run_id, event, role) VALUES (NULL, NULL, NULL)",
		"twice":               "INSERT INTO kedge.history (run_id, event, version, name, kind) SELECT run_id, event, version, name, kind FROM kedge.history",
		"order turned round":  "UPDATE kedge.history SET id = DEFAULT; UPDATE kedge.history SET event = 'reverted' WHERE id = (SELECT max(id) FROM kedge.history)",
		"resolved nonsense":   "INSERT INTO kedge.history (run_id, event, version, name, kind, statement, note) VALUES ('x', 'started', '3', 'm3', 'versioned', NULL, NULL), ('x', 'resolved', '3', 'm3', 'versioned', -50, 'resume')",
		"a column is gone":    "ALTER TABLE kedge.history DROP COLUMN note",
		"another layout":      "COMMENT ON TABLE kedge.history IS 'What happened to this database, written by kedge. Rows are only ever added. Layout 99'",
		"a view":              "ALTER TABLE kedge.history RENAME TO moved; CREATE VIEW kedge.history AS SELECT * FROM kedge.moved",
	} {
		t.Run(name, func(t *testing.T) {
			db := pgtest.New(t)
			_, err := upTo(t, db, apply.Options{}, set[:2]...)
			require.NoError(t, err)
			c := db.Connect(t.Context())
			execute(t, c, edit)
			commands := [][]string{{"status", "--json"}, {"up"}, {"history"}, {"status"}, {"up", "--json"}, {"down", "--dry-run"}}
			if !full() {
				commands = commands[:2]
			}
			for _, args := range commands {
				code, out, errs := runKedge(t, nil, append(args, "--url", db.URL(), "--source", dir)...)
				require.Contains(t, []int{0, 1, 5}, code, "%v: %s", args, errs)
				require.NotContains(t, out+errs, "goroutine ", "%v", args)
				require.NotContains(t, out+errs, "\x1b", "%v", args)
				require.NotContains(t, out+errs, "\u202e", "%v", args)
				if code != 0 {
					require.Regexp(t, "histor|interrupted|reverted|missing|no file|statement|layout|current one|no down|down script|already exists", errs+out, "%v", args)
				}
			}
		})
	}
}

// hostile are names that a terminal, a file system or careless SQL would take for something else.
var hostile = []string{
	`quo"te`, "new\nline", "esc\x1b[31mred", "\u202egnp.exe", "semi;DROP TABLE a;--", "$kedge$", `back\slash`, "tab\there", "it's", "../../up", "ünï", "SELECT",
}

// Objects with such names: quoted in SQL, visible on screens.
func TestChaosHostileNames(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	var b strings.Builder
	for _, name := range hostile {
		n := quote(name)
		b.WriteString("CREATE SCHEMA " + n + ";\nCREATE TABLE " + n + "." + n + " (" + n + " int PRIMARY KEY);\nCOMMENT ON TABLE " + n + "." + n + " IS '" + strings.ReplaceAll(name, "'", "''") + "';\n")
	}
	var c strings.Builder
	for _, name := range hostile {
		n := quote(name)
		c.WriteString("CREATE INDEX CONCURRENTLY " + quote(name+" i") + " ON " + n + "." + n + " (" + n + ");\n")
	}
	set := []*migrate.Migration{
		inline("1", b.String()), inline("2", c.String()),
		inline("3", "ALTER TABLE "+quote(hostile[0])+"."+quote(hostile[0])+" ADD FOREIGN KEY ("+quote(hostile[0])+") REFERENCES "+quote(hostile[5])+"."+quote(hostile[5])+";\n"),
		inline("4", "ALTER TABLE "+quote(hostile[1])+"."+quote(hostile[1])+" ADD FOREIGN KEY ("+quote(hostile[1])+") REFERENCES "+quote(hostile[4])+"."+quote(hostile[4])+";\n"),
	}
	_, err := upTo(t, db, apply.Options{}, set...)
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), "snapshot")
	code, _, errs := runKedge(t, nil, "snapshot", "--from", db.URL(), "--format", "dir", "--out", out)
	require.Zero(t, code, errs)
	require.NoError(t, filepath.WalkDir(filepath.Dir(out), func(path string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		require.True(t, path == filepath.Dir(out) || path == out || strings.HasPrefix(path, out+string(filepath.Separator)), path)
		require.False(t, strings.ContainsAny(d.Name(), "\x1b\n\"\\") || strings.Contains(d.Name(), "\u202e"), "%q", d.Name())
		return nil
	}))
	empty := pgtest.New(t)
	for _, args := range [][]string{{"diff", empty.URL(), db.URL(), "--no-color"}, {"snapshot", "--from", db.URL(), "--format", "markdown"}, {"snapshot", "--from", db.URL(), "--format", "html"}, {"drift", "--url", db.URL(), "--against", out}} {
		code, text, errs := runKedge(t, nil, args...)
		require.Contains(t, []int{0, 2, 3}, code, "%v: %s", args, errs)
		require.NotContains(t, errs, "\x1b", "%v", args)
		require.NotContains(t, errs, "\u202e", "%v", args)
		if args[0] == "drift" || args[len(args)-1] == "markdown" || args[len(args)-1] == "html" {
			require.NotContains(t, text, "\x1b", "%v", args)
			require.NotContains(t, text, "\u202e", "%v", args)
		}
	}
	code, text, errs := runKedge(t, nil, "diff", empty.URL(), db.URL())
	require.Zero(t, code, errs)
	sql := filepath.Join(t.TempDir(), "diff.sql")
	require.NoError(t, os.WriteFile(sql, []byte(text), 0o600))
	empty.Psql("-q", "-f", sql)
	code, text, errs = runKedge(t, nil, "diff", empty.URL(), db.URL())
	require.Zero(t, code, errs)
	require.NotContains(t, text, "CREATE")
}

// Neither a snapshot's folder nor a new migration is written through a link that leads out of it.
func TestChaosStaysInItsFolder(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	db.Exec(`CREATE TABLE a (); CREATE SCHEMA ".."; CREATE TABLE "..".".." ()`)
	dir, outside := t.TempDir(), t.TempDir()
	victim := filepath.Join(outside, "victim.sql")
	require.NoError(t, os.WriteFile(victim, []byte("keep"), 0o644))
	out := filepath.Join(dir, "snapshot")
	run := func(args ...string) (int, string) {
		code, _, errs := runKedge(t, nil, args...)
		return code, errs
	}
	code, errs := run("snapshot", "--from", db.URL(), "--format", "dir", "--out", out)
	require.Zero(t, code, errs)
	// Every file becomes a link to the victim, every folder a link to its folder.
	var files, folders []string
	require.NoError(t, filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
		if d.IsDir() && path != out {
			folders = append(folders, path)
		} else if !d.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	for _, file := range files {
		require.NoError(t, os.Remove(file))
		require.NoError(t, os.Symlink(victim, file))
	}
	db.Exec("CREATE TABLE more ()")
	_, _ = run("snapshot", "--from", db.URL(), "--format", "dir", "--out", out)
	for _, folder := range folders {
		require.NoError(t, os.RemoveAll(folder))
		require.NoError(t, os.Symlink(outside, folder))
	}
	_, _ = run("snapshot", "--from", db.URL(), "--format", "dir", "--out", out)
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is written outside")
	text, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "keep", string(text))

	// A kept snapshot cannot name files elsewhere.
	loot := filepath.Join(dir, "loot")
	require.NoError(t, os.Mkdir(loot, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(loot, "schema.sql"), []byte("\\ir ../../"+filepath.Base(outside)+"/victim.sql\n\\ir /etc/passwd\n"), 0o644))
	code, errs = run("diff", filepath.Join(loot, "schema.sql"), db.URL())
	require.NotZero(t, code)
	require.NotContains(t, errs, "root:")

	migrations := filepath.Join(dir, "migrations")
	require.NoError(t, os.Mkdir(migrations, 0o755))
	for _, name := range []string{"../../evil", "a/../../evil", "/etc/evil", "..\\evil", "new\nline", "\x1b[2J"} {
		code, errs := run("new", name, "--source", migrations)
		require.NotContains(t, errs, "\x1b")
		_ = code // a name without letters is refused, the others lose what does not belong in one
	}
	list, err := os.ReadDir(migrations)
	require.NoError(t, err)
	for _, e := range list {
		require.Regexp(t, `^\d+_[A-Za-z0-9_]+\.(up|down)\.sql$`, e.Name())
	}
	above, err := filepath.Glob(filepath.Join(dir, "*evil*"))
	require.NoError(t, err)
	require.Empty(t, above)
}
