// Package peers compares kedge with other tools on the same files.
package peers

import (
	"context"
	"database/sql"
	"io/fs"
	"os/exec"
	"regexp"
	"testing"
	"testing/fstest"

	gomigrate "github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/jackc/tern/v2/migrate"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	kedge "github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/adopt"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

// peer is a tool and files for it. up runs n migrations, 0 for all; at is the version that the tool says it is at.
type peer struct {
	name  string
	files map[string]string
	table string
	up    func(t *testing.T, db *pgtest.DB, files fs.FS, n int)
	at    func(t *testing.T, db *pgtest.DB, files fs.FS) int64
}

func open(t *testing.T, db *pgtest.DB) *sql.DB {
	t.Helper()
	handle, err := sql.Open("pgx", db.URL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = handle.Close() })
	return handle
}

func gooseProvider(t *testing.T, db *pgtest.DB, files fs.FS) *goose.Provider {
	t.Helper()
	t.Setenv("OWNER", "alice")
	p, err := goose.NewProvider(goose.DialectPostgres, open(t, db), files)
	require.NoError(t, err)
	return p
}

func golangMigrate(t *testing.T, db *pgtest.DB, files fs.FS) *gomigrate.Migrate {
	t.Helper()
	src, err := iofs.New(files, ".")
	require.NoError(t, err)
	m, err := gomigrate.NewWithSourceInstance("iofs", src, regexp.MustCompile("^postgres").ReplaceAllString(db.URL(), "pgx5"))
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = m.Close() })
	return m
}

func ternMigrator(t *testing.T, db *pgtest.DB, files fs.FS) *migrate.Migrator {
	t.Helper()
	m, err := migrate.NewMigrator(t.Context(), db.Connect(t.Context()), "public.schema_version")
	require.NoError(t, err)
	m.Data["prefix"] = "foo"
	require.NoError(t, m.LoadMigrations(files))
	return m
}

const function = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  -- a comment; with a semicolon\n  RETURN NEW;\nEND\n$$"

var peers = []peer{
	{
		name: "goose", table: "goose_db_version",
		files: map[string]string{
			"00001_a.sql":    "-- first\n-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY, note text DEFAULT 'x; y');\n-- +goose Down\nDROP TABLE a;\n",
			"00002_f.sql":    "-- +goose Up\n-- +goose StatementBegin\n" + function + "\n-- +goose StatementEnd\nCREATE TABLE b (id int);\n-- +goose Down\nDROP TABLE b;\nDROP FUNCTION f();\n",
			"00003_i.sql":    "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY a_note ON a (note);\n-- +goose Down\nDROP INDEX CONCURRENTLY a_note;\n",
			"00010_env.sql":  "-- +goose ENVSUB ON\n-- +goose Up\nCREATE TABLE ${OWNER}_t (x text DEFAULT '${NOBODY:-none}', y text DEFAULT '\\$5');\n-- +goose ENVSUB OFF\nCREATE TABLE u (x text DEFAULT '${OWNER}');\n-- +goose Down\nDROP TABLE u;\nDROP TABLE alice_t;\n",
			"00011_none.sql": "-- +goose Up\n-- +goose Down\n",
		},
		up: func(t *testing.T, db *pgtest.DB, files fs.FS, n int) {
			p := gooseProvider(t, db, files)
			for range n {
				_, err := p.UpByOne(t.Context())
				require.NoError(t, err)
			}
			if n == 0 {
				_, err := p.Up(t.Context())
				require.NoError(t, err)
			}
		},
		at: func(t *testing.T, db *pgtest.DB, files fs.FS) int64 {
			v, err := gooseProvider(t, db, files).GetDBVersion(t.Context())
			require.NoError(t, err)
			return v
		},
	}, {
		name: "golang-migrate", table: "schema_migrations",
		files: map[string]string{
			"000001_a.up.sql": "BEGIN;\nCREATE TABLE a (id bigint PRIMARY KEY);\nCOMMIT;\n", "000001_a.down.sql": "DROP TABLE a;",
			"000002_f.up.sql": function + ";", "000002_f.down.sql": "DROP FUNCTION f();",
			"000005_i.up.sql": "CREATE INDEX CONCURRENTLY a_id ON a (id)", "000005_i.down.sql": "DROP INDEX a_id",
		},
		up: func(t *testing.T, db *pgtest.DB, files fs.FS, n int) {
			m := golangMigrate(t, db, files)
			if n == 0 {
				require.NoError(t, m.Up())
			} else {
				require.NoError(t, m.Steps(n))
			}
		},
		at: func(t *testing.T, db *pgtest.DB, files fs.FS) int64 {
			v, dirty, err := golangMigrate(t, db, files).Version()
			require.NoError(t, err)
			require.False(t, dirty)
			return int64(v)
		},
	}, {
		name: "tern", table: "schema_version",
		files: map[string]string{
			"tern.conf":    "[data]\nprefix = foo\n",
			"001_a.sql":    "{{ template \"shared/f.sql\" . }}\ncreate table {{.prefix}}_a (id int);\n\n---- create above / drop below ----\n\ndrop table {{.prefix}}_a;\ndrop function f();\n",
			"002_i.sql":    "---- tern: disable-tx ----\ncreate index concurrently foo_i on foo_a (id);\n---- create above / drop below ----\ndrop index foo_i;\n",
			"003_b.sql":    "create table b (id int);\n",
			"shared/f.sql": function + ";\n",
		},
		up: func(t *testing.T, db *pgtest.DB, files fs.FS, n int) {
			m := ternMigrator(t, db, files)
			to := int32(n)
			if n == 0 {
				to = int32(len(m.Migrations))
			}
			require.NoError(t, m.MigrateTo(t.Context(), to))
		},
		at: func(t *testing.T, db *pgtest.DB, files fs.FS) int64 {
			v, err := ternMigrator(t, db, files).GetCurrentVersion(t.Context())
			require.NoError(t, err)
			return int64(v)
		},
	},
}

var noise = regexp.MustCompile(`(?m)^\\(un)?restrict .*\n`)

// dump is the schema without the history tables.
func dump(t *testing.T, db *pgtest.DB, table string) string {
	t.Helper()
	out, err := exec.Command("pg_dump", "--schema-only", "--no-owner", "-d", db.URL(), "-N", "kedge", "-T", table, "-T", table+"_id_seq").CombinedOutput()
	require.NoError(t, err, string(out))
	return noise.ReplaceAllString(string(out), "")
}

func TestPeers(t *testing.T) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			t.Setenv("OWNER", "alice")
			files := fstest.MapFS{}
			for name, text := range p.files {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			set, err := source.Load(t.Context(), source.Location{FS: files, Path: "."}, source.Options{})
			require.NoError(t, err)
			require.Equal(t, p.name, set.Format)
			run := func(db *pgtest.DB, r kedge.Request, o apply.Options) {
				t.Helper()
				_, err := apply.Run(t.Context(), apply.URL(db.URL()), set.Migrations, r, o)
				require.NoError(t, err)
			}

			theirs, ours, taken := pgtest.New(t), pgtest.New(t), pgtest.New(t)
			p.up(t, theirs, files, 0)
			run(ours, kedge.Request{}, apply.Options{})
			want := dump(t, theirs, p.table)
			require.Equal(t, want, dump(t, ours, p.table), "the same files make the same schema")

			// Adopted in the middle, and gone on in step.
			p.up(t, taken, files, 2)
			conn := taken.Connect(t.Context())
			tables, err := adopt.Find(t.Context(), conn, "kedge")
			require.NoError(t, err)
			table, err := adopt.Choose(tables, p.name)
			require.NoError(t, err)
			rows, err := table.Rows(t.Context(), conn)
			require.NoError(t, err)
			with := adopt.Files{Migrations: set.Migrations, FS: files}
			proposal, err := table.Propose(rows, with)
			require.NoError(t, err)
			require.Empty(t, proposal.Refusals)
			require.Len(t, proposal.Records, 2)
			require.NoError(t, apply.AdoptAll(context.Background(), apply.URL(taken.URL()), proposal.Adoptions(), table.KeepSQL(apply.Table{}), apply.Options{}))
			step := apply.Options{Companion: adopt.Companion(apply.Table{}, with)}
			run(taken, kedge.Request{}, step)
			require.Equal(t, want, dump(t, taken, p.table))
			require.Equal(t, p.at(t, theirs, files), p.at(t, taken, files), "the tool says the same of both")
			if set.Migrations[len(set.Migrations)-1].Down != nil {
				run(taken, kedge.Request{Direction: kedge.Down}, step)
				require.Less(t, p.at(t, taken, files), p.at(t, theirs, files))
				p.up(t, taken, files, 0)
				require.Equal(t, want, dump(t, taken, p.table), "and the tool goes on from there")
			}
		})
	}
}
