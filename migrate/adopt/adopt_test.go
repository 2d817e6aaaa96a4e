package adopt

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"

	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

// history is a tool's table half-way through three migrations, and its files.
type history struct {
	tool  string
	files map[string]string
	table string // its statements
	count string // counts the rows of applied migrations

	single bool
	kept   bool // it can be kept in step
}

func hex256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func hex384(text string) string {
	sum := sha512.Sum384([]byte(text))
	return hex.EncodeToString(sum[:])
}

const one, two, three = "CREATE TABLE one (id int);\n", "CREATE TABLE two (id int);\n", "CREATE TABLE three (id int);\n"

func atlasFiles() (map[string]string, map[string]string) {
	files := map[string]string{"20240101000000_one.sql": one, "20240102000000_two.sql": two, "20240103000000_three.sql": three}
	sums, _ := source.AtlasSums([]string{"20240101000000_one.sql", "20240102000000_two.sql", "20240103000000_three.sql"}, func(name string) ([]byte, error) { return []byte(files[name]), nil })
	list := "h1:x\n"
	for _, name := range []string{"20240101000000_one.sql", "20240102000000_two.sql", "20240103000000_three.sql"} {
		list += name + " h1:" + sums[name] + "\n"
	}
	files["atlas.sum"] = list
	return files, sums
}

func histories() []history {
	atlas, sums := atlasFiles()
	gooseFile := func(sql string) string { return "-- +goose Up\n" + sql + "-- +goose Down\nSELECT 1;\n" }
	dbmateFile := func(sql string) string { return "-- migrate:up\n" + sql + "-- migrate:down\nSELECT 1;\n" }
	return []history{
		{tool: "golang-migrate", single: true, kept: true, files: map[string]string{"1_one.up.sql": one, "2_two.up.sql": two, "3_three.up.sql": three},
			table: "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (2, false)",
			count: "SELECT version FROM schema_migrations"},
		{tool: "goose", kept: true, files: map[string]string{"00001_one.sql": gooseFile(one), "00002_two.sql": gooseFile(two), "00003_three.sql": gooseFile(three)},
			table: "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now()); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (2, true)",
			count: "SELECT count(*) FROM goose_db_version WHERE version_id > 0"},
		{tool: "flyway", kept: true, files: map[string]string{"V1__one.sql": one, "V2__two.sql": two, "V3__three.sql": three},
			table: fmt.Sprintf(`CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success boolean NOT NULL);
 INSERT INTO flyway_schema_history VALUES (1, '1', 'one', 'SQL', 'V1__one.sql', %d, 'me', now(), 1, true), (2, '2', 'two', 'SQL', 'V2__two.sql', %d, 'me', now(), 1, true), (3, '3', 'three', 'SQL', 'V3__three.sql', 1, 'me', now(), 1, true), (4, '3', 'three', 'UNDO_SQL', 'U3__three.sql', 1, 'me', now(), 1, true)`,
				FlywayChecksum([]byte(one)), FlywayChecksum([]byte(two))),
			count: "SELECT count(*) FROM flyway_schema_history WHERE installed_rank NOT IN (3, 4)"},
		{tool: "dbmate", kept: true, files: map[string]string{"0001_one.sql": dbmateFile(one), "0002_two.sql": dbmateFile(two), "0003_three.sql": dbmateFile(three)},
			table: "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); INSERT INTO schema_migrations VALUES ('0001'), ('0002')",
			count: "SELECT count(*) FROM schema_migrations WHERE length(version) = 4"},
		{tool: "tern", single: true, kept: true, files: map[string]string{"tern.conf": "", "001_one.sql": one, "002_two.sql": two, "003_three.sql": three},
			table: "CREATE TABLE public.schema_version (version int4 NOT NULL); INSERT INTO schema_version VALUES (2)",
			count: "SELECT version FROM schema_version"},
		{tool: "atlas", kept: true, files: atlas,
			table: `CREATE SCHEMA atlas_schema_revisions; CREATE TABLE atlas_schema_revisions.atlas_schema_revisions (version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL);
 INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('.atlas_cloud_identifier', '', 1, 0, 0, now(), 0, NULL, NULL, '', NULL, ''), ('20240101000000', 'one', 2, 1, 1, now(), 0, '', '', '` + sums["20240101000000_one.sql"] + `', NULL, 'x'), ('20240102000000', 'two', 2, 1, 1, now(), 0, '', '', '` + sums["20240102000000_two.sql"] + `', NULL, 'x')`,
			count: "SELECT count(*) FROM atlas_schema_revisions.atlas_schema_revisions WHERE version ~ '^2'"},
		{tool: "sqlx", kept: true, files: map[string]string{"1_one.sql": one, "2_two.sql": two, "3_three.sql": three},
			table: `CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL);
 INSERT INTO _sqlx_migrations VALUES (1, 'one', now(), true, decode('` + hex384(one) + `', 'hex'), 1), (2, 'two', now(), true, decode('` + hex384(two) + `', 'hex'), 1)`,
			count: "SELECT count(*) FROM _sqlx_migrations WHERE length(checksum) = 48"},
		{tool: "diesel", kept: true, files: map[string]string{"2024-01-01-000000_one/up.sql": one, "2024-01-02-000000-0000_two/up.sql": two, "2024-01-03-000000_three/up.sql": three},
			table: "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now()); INSERT INTO __diesel_schema_migrations VALUES ('20240101000000'), ('202401020000000000')",
			count: "SELECT count(*) FROM __diesel_schema_migrations"},
		{tool: "prisma", kept: true, files: map[string]string{"0_one/migration.sql": one, "20240102000000_two/migration.sql": two, "20240103000000_three/migration.sql": three},
			table: `CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0);
 INSERT INTO _prisma_migrations VALUES ('a', '` + hex256(one) + `', now(), '0_one', NULL, NULL, now(), 1), ('b', 'x', NULL, '20240102000000_two', 'failed', now(), now() - interval '1 hour', 0), ('c', '` + hex256(two) + `', now(), '20240102000000_two', NULL, NULL, now(), 1)`,
			count: "SELECT count(*) FROM _prisma_migrations WHERE rolled_back_at IS NULL"},
		{tool: "drizzle", kept: true, files: map[string]string{"0000_one.sql": one, "0001_two.sql": two, "0002_three.sql": three,
			"meta/_journal.json": `{"version":"7","dialect":"postgresql","entries":[{"idx":0,"version":"7","when":1000,"tag":"0000_one","breakpoints":true},{"idx":1,"version":"7","when":2000,"tag":"0001_two","breakpoints":true},{"idx":2,"version":"7","when":3000,"tag":"0002_three","breakpoints":true}]}`},
			table: "CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint); INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('" + hex256(one) + "', 1000), ('" + hex256(two) + "', 2000)",
			count: "SELECT count(*) FROM drizzle.__drizzle_migrations"},
		{tool: "sqitch", files: map[string]string{"sqitch.plan": "%project=p\none 2024-01-01T00:00:00Z A <a@b>\ntwo 2024-01-01T00:00:00Z A <a@b>\nthree 2024-01-01T00:00:00Z A <a@b>\n", "deploy/one.sql": one, "deploy/two.sql": two, "deploy/three.sql": three},
			table: `CREATE SCHEMA sqitch; CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, script_hash text, change text, project text, note text, committed_at timestamptz, committer_name text, committer_email text, planned_at timestamptz, planner_name text, planner_email text);
 INSERT INTO sqitch.changes VALUES ('x', 'y', 'one', 'p', '', now(), 'Ann', '', now(), '', ''), ('z', 'y', 'two', 'p', '', now() + interval '1 s', 'Ann', '', now(), '', '')`},
		{tool: "liquibase", files: map[string]string{"a.sql": "--liquibase formatted sql\n--changeset ann:1\n" + one + "--changeset ann:2\n" + two + "--changeset ann:3\n" + three},
			table: `CREATE TABLE databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL, dateexecuted timestamp NOT NULL, orderexecuted int NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255), comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10));
 INSERT INTO databasechangelog VALUES ('1', 'ann', 'a.sql', now(), 1, 'EXECUTED', '9:x'), ('2', 'ann', 'a.sql', now(), 2, 'MARK_RAN', '9:y')`},
	}
}

func (h history) load(t *testing.T) Files {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range h.files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	set, err := source.Load(t.Context(), source.Location{FS: fsys, Path: ".", Shown: "db/files"}, source.Options{})
	require.NoError(t, err)
	require.Equal(t, h.tool, set.Format)
	return Files{Migrations: set.Migrations, FS: fsys, Shown: "db/files"}
}

func propose(t *testing.T, conn *pgx.Conn, files Files) (Table, []Row, *Proposal) {
	t.Helper()
	tables, err := Find(t.Context(), conn, "kedge")
	require.NoError(t, err)
	table, err := Choose(tables, "")
	require.NoError(t, err)
	rows, err := table.Rows(t.Context(), conn)
	require.NoError(t, err)
	p, err := table.Propose(rows, files)
	require.NoError(t, err)
	return table, rows, p
}

// TestEveryTool takes over each tool's history in the middle of its set, goes on
// in step, and leaves it as the tool itself would have it.
func TestEveryTool(t *testing.T) {
	t.Parallel()
	for _, h := range histories() {
		t.Run(h.tool, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			conn := db.Connect(t.Context())
			_, err := conn.Exec(t.Context(), one+two+"CREATE TABLE unrelated (version text, name text);"+h.table, pgx.QueryExecModeSimpleProtocol)
			require.NoError(t, err)
			files := h.load(t)
			table, rows, p := propose(t, conn, files)
			require.Equal(t, h.tool, table.Tool.Name)
			require.Empty(t, p.Refusals)
			require.Len(t, p.Records, 2)
			for _, r := range p.Records {
				require.NotEqual(t, Differs, r.Checksum)
				require.Equal(t, h.single, r.Assumed)
				if table.Tool.sum != nil {
					require.Equal(t, Matches, r.Checksum)
				}
			}
			keeper, err := table.Keep(files, db.Name())
			if !h.kept {
				require.ErrorIs(t, err, ErrNotKept)
				return
			}
			require.NoError(t, err)
			o := apply.Options{Companion: Companion(apply.Table{}, files)}
			require.NoError(t, apply.AdoptAll(t.Context(), apply.URL(db.URL()), p.Adoptions(), table.KeepSQL(apply.Table{}), apply.Options{}))
			_, err = apply.Run(t.Context(), apply.URL(db.URL()), files.Migrations, migrate.Request{}, o)
			require.NoError(t, err)
			var n int
			require.NoError(t, conn.QueryRow(t.Context(), h.count).Scan(&n))
			require.Equal(t, 3, n)
			_, _, again := propose(t, conn, files)
			require.Empty(t, again.Refusals)
			require.Len(t, again.Records, 3, "the tool's own checksums are right")

			s, err := apply.Open(t.Context(), apply.URL(db.URL()), apply.Options{})
			require.NoError(t, err)
			defer s.Close()
			list, err := keeper.Catch(rows, s.History())
			require.NoError(t, err)
			require.NotEmpty(t, list, "what the tool had before lacks the third")
			now, err := table.Rows(t.Context(), conn)
			require.NoError(t, err)
			list, err = keeper.Catch(now, s.History())
			require.NoError(t, err)
			require.Empty(t, list)
			list, err = keeper.Catch(now, migrate.History{})
			require.NoError(t, err)
			require.NotEmpty(t, list, "and what kedge reverted is taken out")
			for _, sql := range list {
				_, err := conn.Exec(t.Context(), sql)
				require.NoError(t, err, sql)
			}
			none, err := table.Rows(t.Context(), conn)
			require.NoError(t, err)
			for _, r := range none {
				require.NotEqual(t, RowApplied, r.State, "%v", r)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	h := histories()[2]
	_, err := conn.Exec(t.Context(), h.table+"; UPDATE flyway_schema_history SET success = false WHERE installed_rank = 1; UPDATE flyway_schema_history SET checksum = 5 WHERE installed_rank = 2; INSERT INTO flyway_schema_history VALUES (9, '9', 'gone', 'SQL', 'V9__gone.sql', 1, 'me', now(), 1, true), (10, NULL, 'view', 'SQL', 'R__view.sql', 7, 'me', now(), 1, true), (11, '0.5', 'base', 'BASELINE', 'base', NULL, 'me', now(), 1, true)", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	h.files["R__view.sql"] = "CREATE OR REPLACE VIEW v AS SELECT 1 AS x;"
	_, _, p := propose(t, conn, h.load(t))
	var said []string
	for _, r := range p.Refusals {
		said = append(said, r.Key+" "+r.Hazard)
	}
	require.Equal(t, []string{"1 ", "2 changed", "9 missing"}, said)
	require.Contains(t, p.Refusals[0].Advice, "flyway repair")
	require.Equal(t, []string{"R__view has changed since flyway ran it: it stays pending"}, p.Warnings)
	require.Equal(t, migrate.Baseline, p.Records[0].Kind)
}

func TestProgramsAndNobody(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	tables, err := Find(t.Context(), conn, "kedge")
	require.NoError(t, err)
	_, err = Choose(tables, "")
	require.ErrorIs(t, err, ErrNotFound)
	_, err = conn.Exec(t.Context(), "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('abc'); CREATE TABLE schema_version (version int4 NOT NULL)", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	tables, err = Find(t.Context(), conn, "kedge")
	require.NoError(t, err)
	_, err = Choose(tables, "")
	require.ErrorIs(t, err, ErrAmbiguous)
	_, err = Choose(tables, "goose")
	require.ErrorIs(t, err, ErrNotFound)
	table, err := Choose(tables, "alembic")
	require.NoError(t, err)
	rows, err := table.Rows(t.Context(), conn)
	require.NoError(t, err)
	p, err := table.Propose(rows, Files{})
	require.NoError(t, err)
	require.Contains(t, p.Refusals[0].Advice, "--from-live")
}

func TestRailsStructure(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	_, err := conn.Exec(t.Context(), "CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar, created_at timestamp, updated_at timestamp); CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY); INSERT INTO schema_migrations VALUES ('20240101000000'), ('20240201000000')", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	h := history{tool: "rails", files: map[string]string{"structure.sql": "INSERT INTO \"schema_migrations\" (version) VALUES\n('20240201000000'),\n('20240101000000');\n", "20240301000000_more.up.sql": one}}
	files := h.load(t)
	_, _, p := propose(t, conn, files)
	require.Empty(t, p.Refusals)
	require.Len(t, p.Records, 1)
	require.NoError(t, apply.AdoptAll(t.Context(), apply.URL(db.URL()), p.Adoptions(), nil, apply.Options{}))
	report, err := apply.Run(t.Context(), apply.URL(db.URL()), files.Migrations, migrate.Request{}, apply.Options{})
	require.NoError(t, err)
	require.Len(t, report.Steps, 1)
}

func TestFlywayChecksum(t *testing.T) {
	t.Parallel()
	require.Equal(t, FlywayChecksum([]byte("ab")), FlywayChecksum([]byte("\ufeffa\r\nb\n")), "ends of lines and a byte order mark do not count")
	require.Equal(t, int32(0), FlywayChecksum(nil))
	require.NotEqual(t, FlywayChecksum([]byte("a")), FlywayChecksum([]byte("a ")))
	require.Equal(t, int32(96354), javaHash("abc"))
}

func TestKeeperLimits(t *testing.T) {
	t.Parallel()
	h := history{tool: "golang-migrate", files: map[string]string{"1.5_one.up.sql": one, "R__v.sql": two}}
	files := h.load(t)
	table := Table{Tool: &Tools[0], Schema: "public", Name: "schema_migrations"}
	k, err := table.Keep(files, "db")
	require.NoError(t, err)
	_, err = k.Record(files.Migrations[0], migrate.Up)
	require.ErrorIs(t, err, ErrNotKept)
	list, err := k.Record(files.Migrations[1], migrate.Up)
	require.NoError(t, err)
	require.Empty(t, list, "it has no repeatable migrations")
	require.Len(t, k.Locks(), 2)
	require.Equal(t, "golang-migrate", k.Name())
	_, err = k.Record(&migrate.Migration{Version: "7", Kind: migrate.Versioned}, migrate.Down)
	require.ErrorIs(t, err, ErrNotKept)
	flyway := Table{Tool: &Tools[2], Schema: "public", Name: "flyway_schema_history"}
	_, err = flyway.Keep(Files{}, "db")
	require.NoError(t, err)
}

func TestKeptByANewerKedge(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn := db.Connect(t.Context())
	_, err := conn.Exec(t.Context(), "CREATE SCHEMA kedge; CREATE TABLE kedge.in_step (tool text, table_schema text, table_name text)", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	c, err := Companion(apply.Table{}, Files{})(context.Background(), conn)
	require.NoError(t, err)
	require.Nil(t, c)
	_, err = conn.Exec(t.Context(), "INSERT INTO kedge.in_step VALUES ('newtool', 'public', 't')")
	require.NoError(t, err)
	_, err = Companion(apply.Table{}, Files{})(context.Background(), conn)
	require.ErrorContains(t, err, "newtool")
	_, err = conn.Exec(t.Context(), "UPDATE kedge.in_step SET tool = 'sqitch'")
	require.NoError(t, err)
	_, err = Companion(apply.Table{}, Files{})(context.Background(), conn)
	require.ErrorIs(t, err, ErrNotKept)
}
