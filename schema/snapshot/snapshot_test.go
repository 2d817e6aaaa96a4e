package snapshot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
	"github.com/kedgedb/kedge/schema/snapshot"
)

const shop = `
CREATE TYPE status AS ENUM ('new', 'paid');
CREATE DOMAIN positive AS int CHECK (VALUE > 0) CONSTRAINT odd CHECK (VALUE % 2 = 1);
CREATE TABLE "Odd.Name" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "a=b" text DEFAULT 'x', s status DEFAULT 'new', n positive);
CREATE TABLE parted (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE base (id int); CREATE TABLE child () INHERITS (base);
CREATE VIEW v AS SELECT id FROM "Odd.Name";
CREATE FUNCTION f(a int, b text DEFAULT ':)') RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
CREATE INDEX ON "Odd.Name" (lower("a=b"));
CREATE POLICY own ON "Odd.Name" USING (true);
CREATE RULE r AS ON INSERT TO v DO INSTEAD NOTHING;
CREATE SEQUENCE loose;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
GRANT SELECT ON parted TO PUBLIC;
COMMENT ON COLUMN base.id IS 'the number';
`

func read(t *testing.T, db *pgtest.DB) *schema.Model {
	t.Helper()
	m, err := catalog.Read(t.Context(), db.Connect(t.Context()), catalog.Options{})
	require.NoError(t, err)
	return m
}

func TestJSONReadsBackTheSameModel(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(shop)
	m := read(t, db)
	m.Identity = "1/2"
	text, err := snapshot.JSON(m)
	require.NoError(t, err)
	back, err := snapshot.ReadJSON(text)
	require.NoError(t, err)
	require.Equal(t, m.Len(), back.Len())
	require.Equal(t, "1/2", back.Identity)
	require.Empty(t, schema.Differences(m, back, schema.Options{}))
	compact, err := snapshot.Compact(m)
	require.NoError(t, err)
	require.Less(t, len(compact), len(text))
	back, err = snapshot.ReadJSON(compact)
	require.NoError(t, err)
	again, err := snapshot.JSON(back)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))
	for _, o := range m.Objects() {
		id, err := schema.ParseID(o.ID().String())
		require.NoError(t, err)
		require.Equal(t, o.ID(), id)
	}
}

func TestReadJSONSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                      "not JSON",
		`{}`:                     "kedge_snapshot",
		`{"kedge_snapshot": 99}`: "newer kedge",
		`{"kedge_snapshot": 1, "objects": [{"id": "potato:a"}]}`:                       "potato",
		`{"kedge_snapshot": 1, "objects": [{"id": "table"}]}`:                          "object 1",
		`{"kedge_snapshot": 1, "objects": [{"id":"schema:a"},{"id":"schema:a"}]}`:      "twice",
		`{"kedge_snapshot": 1, "dependencies": {"x": []}}`:                             "dependencies",
		`{"kedge_snapshot": 1, "dependencies": {"schema:x": ["y"]}}`:                   "dependencies of schema:x",
		`{"kedge_snapshot": 1, "objects": [{"id":"table:public.a","unlogged":"yes"}]}`: "table:public.a",
	} {
		_, err := snapshot.ReadJSON([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestSQLLoadsIntoTheSameDatabase(t *testing.T) {
	db, copied, third := pgtest.New(t), pgtest.New(t), pgtest.New(t)
	db.Exec(shop)
	m := read(t, db)
	text, err := snapshot.SQL(m, snapshot.Options{})
	require.NoError(t, err)
	copied.Exec(text)
	require.Empty(t, schema.Differences(m, read(t, copied), schema.Options{}))

	files, err := snapshot.Files(m, snapshot.Options{})
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "kept")
	require.NoError(t, snapshot.Write(dir, files))
	joined, err := snapshot.ReadSQL(filepath.Join(dir, snapshot.Main))
	require.NoError(t, err)
	third.Exec(joined)
	require.Empty(t, schema.Differences(m, read(t, third), schema.Options{}))
	kept, err := snapshot.Kept(dir)
	require.NoError(t, err)
	require.ElementsMatch(t, files, kept)
}

func TestSQLLeavesOutOwnersAndGrants(t *testing.T) {
	db := pgtest.New(t)
	role := db.Role("snapshot_reader")
	db.Exec("CREATE TABLE t (id int); GRANT SELECT ON t TO " + pgx.Identifier{role}.Sanitize() + "; ALTER TABLE t OWNER TO " + pgx.Identifier{role}.Sanitize())
	m := read(t, db)
	full, err := snapshot.SQL(m, snapshot.Options{})
	require.NoError(t, err)
	require.Contains(t, full, role)
	bare, err := snapshot.SQL(m, snapshot.Options{Without: schema.WithoutOwners | schema.WithoutGrants})
	require.NoError(t, err)
	require.NotContains(t, bare, role)
}

func TestWriteRemovesOnlyWhatASnapshotMade(t *testing.T) {
	dir := t.TempDir()
	first := []snapshot.File{{Path: "tables/a.sql", Text: "a"}, {Path: "tables/b.sql", Text: "b"}, {Path: snapshot.Main, Text: "\\ir tables/a.sql\n\\ir tables/b.sql\n"}}
	require.NoError(t, snapshot.Write(dir, first))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tables", "mine.sql"), []byte("mine"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.sql"), []byte("mine"), 0o644))
	second := []snapshot.File{{Path: "tables/a.sql", Text: "a2"}, {Path: snapshot.Main, Text: "\\ir tables/a.sql\n"}}
	require.NoError(t, snapshot.Write(dir, second))
	require.NoFileExists(t, filepath.Join(dir, "tables", "b.sql"))
	require.FileExists(t, filepath.Join(dir, "tables", "mine.sql"))
	require.FileExists(t, filepath.Join(dir, "mine.sql"))
}

func TestWriteStaysInItsFolder(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "tables")))
	err := snapshot.Write(dir, []snapshot.File{{Path: "tables/a.sql", Text: "a"}})
	require.Error(t, err)
	require.NoFileExists(t, filepath.Join(outside, "a.sql"))
	require.Error(t, snapshot.Write(dir, []snapshot.File{{Path: "../a.sql", Text: "a"}}))
	require.NoError(t, os.WriteFile(filepath.Join(outside, "victim.sql"), []byte("x"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, snapshot.Main), []byte("\\ir ../"+filepath.Base(outside)+"/victim.sql\n"), 0o644))
	require.NoError(t, snapshot.Write(dir, []snapshot.File{{Path: snapshot.Main, Text: ""}}))
	require.FileExists(t, filepath.Join(outside, "victim.sql"))
}

func TestFileNamesAreSafeEverywhere(t *testing.T) {
	db := pgtest.New(t)
	db.Exec(`CREATE TABLE "../up" (); CREATE TABLE "A" (); CREATE TABLE a (); CREATE TABLE "CON" (); CREATE TABLE "sp ace" (); CREATE TABLE "` + strings.Repeat("ä", 31) + `" ()`)
	files, err := snapshot.Files(read(t, db), snapshot.Options{})
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, f := range files {
		lower := strings.ToLower(f.Path)
		require.False(t, seen[lower], f.Path)
		seen[lower] = true
		require.Equal(t, lower, f.Path)
		require.NotContains(t, f.Path, "..")
		for _, r := range f.Path {
			require.Less(t, r, rune(128), f.Path)
		}
	}
	require.True(t, seen["tables/public.a.sql"])
	require.NoError(t, snapshot.Write(t.TempDir(), files))
}

func TestReadSQLRefusesCyclesAndEscapes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	_, err := snapshot.ReadSQL(write("a.sql", "\\ir b.sql\n"))
	require.ErrorIs(t, err, os.ErrNotExist)
	write("b.sql", "\\i a.sql\n")
	_, err = snapshot.ReadSQL(filepath.Join(dir, "a.sql"))
	require.ErrorContains(t, err, "includes itself")
	_, err = snapshot.ReadSQL(write("c.sql", "\\ir ../../etc/passwd\n"))
	require.Error(t, err)
	_, err = snapshot.ReadSQL(filepath.Join(dir, "none", "a.sql"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
