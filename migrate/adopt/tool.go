package adopt

import (
	"path"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// Tool is a migration tool and its history table.
type Tool struct {
	Name string
	// Single says that the tool keeps the current version alone: what is below is
	// assumed to be applied.
	Single bool
	// Advice is what to do when the tool's migrations are not SQL files.
	Advice string
	// Repair is what to do about a migration that the tool calls failed.
	Repair string

	columns map[string]string // name to types, separated by |; "" is any
	exact   bool              // and no other columns
	table   string            // the only name; "" is any
	rails   bool              // a table of Rails stands beside it
	query   string            // the rows; TABLE is the table
	key     func(m *migrate.Migration) string
	sum     func(*files, *migrate.Migration) (string, error) // nil: the tool has none that kedge knows
	write   *writer                                          // nil: it cannot be kept in step
}

// columns of Row that a tool does not have.
const (
	noTime = "''::text"
	isoUTC = `coalesce(to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '')`
)

func at(column string) string { return strings.Replace(isoUTC, "%s", column+"::timestamptz", 1) }

// row is a SELECT of Row's columns.
func row(key, name, checksum, at, by, state, repeatable string) string {
	return "SELECT " + key + "::text, coalesce(" + name + "::text, ''), coalesce(" + checksum + "::text, ''), " + at + ", coalesce(" + by + "::text, ''), " + state + ", " + repeatable + " "
}

const pythonAdvice = "its migrations are programs, which kedge cannot read: kedge adopt --from-live writes the database's schema as a baseline"

// Tools are the tools whose history kedge knows, in the order in which a table is compared with them.
var Tools = []Tool{
	{
		Name: "golang-migrate", Single: true, exact: true, columns: map[string]string{"version": "bigint", "dirty": "boolean"},
		query: row("version", "''", "''", noTime, "''", "CASE WHEN dirty THEN 'failed' ELSE 'applied' END", "false") + "FROM TABLE",
		key:   versionKey, write: &golangMigrateWriter,
		Repair: "look at what the migration left behind, put it right, and set the version with: migrate force VERSION",
	}, {
		Name: "goose", columns: map[string]string{"id": "", "version_id": "bigint", "is_applied": "boolean", "tstamp": ""},
		query: "SELECT * FROM (SELECT DISTINCT ON (version_id) version_id::text, '', '', " + at("tstamp") + ", '', CASE WHEN is_applied THEN 'applied' ELSE 'reverted' END AS state, false FROM TABLE WHERE version_id > 0 ORDER BY version_id, id DESC) r WHERE state = 'applied'",
		key:   versionKey, write: &gooseWriter,
	}, {
		Name: "flyway", columns: map[string]string{"installed_rank": "", "version": "", "description": "", "type": "", "script": "", "checksum": "", "installed_by": "", "installed_on": "", "execution_time": "", "success": "boolean"},
		query: `SELECT key, name, checksum, at, by, state, repeatable FROM (SELECT DISTINCT ON (coalesce(version, script)) installed_rank AS n, coalesce(version, description)::text AS key, description::text AS name, coalesce(checksum::text, '') AS checksum, ` + at("installed_on") +
			` AS at, installed_by::text AS by, CASE WHEN NOT success THEN 'failed' WHEN type LIKE 'UNDO%' OR type = 'DELETE' THEN 'reverted' WHEN type LIKE '%BASELINE' THEN 'baseline' ELSE 'applied' END AS state, version IS NULL AS repeatable
 FROM TABLE WHERE type <> 'SCHEMA' ORDER BY coalesce(version, script), installed_rank DESC) r WHERE state <> 'reverted' ORDER BY n`,
		key: flywayKey, sum: flywaySum, write: &flywayWriter,
		Repair: "put right what the migration left behind, and strike the failed row with: flyway repair",
	}, {
		Name: "rails", exact: true, rails: true, table: "schema_migrations", columns: map[string]string{"version": "character varying|text"},
		query: row("version", "''", "''", noTime, "''", "'applied'", "false") + "FROM TABLE ORDER BY version",
		key:   fileNumber, write: &plainWriter,
	}, {
		Name: "dbmate", exact: true, columns: map[string]string{"version": "character varying|text"},
		query: row("version", "''", "''", noTime, "''", "'applied'", "false") + "FROM TABLE ORDER BY version",
		key:   fileNumber, write: &plainWriter,
	}, {
		Name: "tern", Single: true, exact: true, columns: map[string]string{"version": "integer"},
		query: row("version", "''", "''", noTime, "''", "'applied'", "false") + "FROM TABLE WHERE version > 0",
		key:   versionKey, write: &ternWriter,
	}, {
		Name: "atlas", columns: map[string]string{"version": "", "description": "", "type": "bigint", "applied": "bigint", "total": "bigint", "executed_at": "", "hash": "", "operator_version": ""},
		query: row("version", "description", "hash", at("executed_at"), "''", "CASE WHEN applied < total OR coalesce(error, '') <> '' THEN 'failed' WHEN type = 1 THEN 'baseline' ELSE 'applied' END", "false") +
			"FROM TABLE WHERE version ~ '^[0-9]' ORDER BY version",
		key: fileNumber, sum: atlasSum, write: &atlasWriter,
		Repair: "put right what the migration left behind, and tell Atlas with: atlas migrate set VERSION",
	}, {
		Name: "sqlx", columns: map[string]string{"version": "bigint", "description": "", "installed_on": "", "success": "boolean", "checksum": "bytea", "execution_time": ""},
		query: row("version", "description", "encode(checksum, 'hex')", at("installed_on"), "''", "CASE WHEN success THEN 'applied' ELSE 'failed' END", "false") + "FROM TABLE ORDER BY version",
		key:   versionKey, sum: sqlxSum, write: &sqlxWriter,
		Repair: "put right what the migration left behind, and delete its row from the table",
	}, {
		Name: "diesel", exact: true, columns: map[string]string{"version": "character varying|text", "run_on": ""},
		query: row("version", "''", "''", at("run_on"), "''", "'applied'", "false") + "FROM TABLE ORDER BY version",
		key:   dieselKey, write: &dieselWriter,
	}, {
		Name: "prisma", columns: map[string]string{"id": "", "checksum": "", "finished_at": "", "migration_name": "", "logs": "", "rolled_back_at": "", "started_at": "", "applied_steps_count": ""},
		query: `SELECT * FROM (SELECT DISTINCT ON (migration_name) migration_name::text AS key, '', checksum::text, ` + at("finished_at") + `, '', CASE WHEN rolled_back_at IS NOT NULL THEN 'reverted' WHEN finished_at IS NULL THEN 'failed' ELSE 'applied' END AS state, false
 FROM TABLE ORDER BY migration_name, started_at DESC) r WHERE state <> 'reverted' ORDER BY key`,
		key: prismaKey, sum: sha256Sum, write: &prismaWriter,
		Repair: "put right what the migration left behind, and say what became of it with: prisma migrate resolve",
	}, {
		Name: "drizzle", columns: map[string]string{"id": "", "hash": "", "created_at": "bigint"}, table: "__drizzle_migrations",
		query: row("created_at", "''", "hash", noTime, "''", "'applied'", "false") + "FROM TABLE ORDER BY created_at",
		sum:   sha256Sum, write: &drizzleWriter,
	}, {
		Name: "sqitch", columns: map[string]string{"change_id": "", "script_hash": "", "change": "", "project": "", "committed_at": "", "planned_at": ""},
		query: row("change", "note", "''", at("committed_at"), "committer_name", "'applied'", "false") + "FROM TABLE ORDER BY committed_at",
		key:   func(m *migrate.Migration) string { return m.Name },
	}, {
		Name: "liquibase", columns: map[string]string{"id": "", "author": "", "filename": "", "dateexecuted": "", "orderexecuted": "", "exectype": "", "md5sum": ""},
		query: row("author || ':' || id", "filename", "md5sum", at("dateexecuted"), "''", "CASE WHEN exectype = 'FAILED' THEN 'failed' ELSE 'applied' END", "false") + "FROM TABLE WHERE exectype <> 'SKIPPED' ORDER BY orderexecuted",
		key:   func(m *migrate.Migration) string { return m.Name },
	},
	{Name: "alembic", exact: true, columns: map[string]string{"version_num": ""}, query: row("version_num", "''", "''", noTime, "''", "'applied'", "false") + "FROM TABLE", Advice: pythonAdvice},
	{Name: "django", exact: true, columns: map[string]string{"id": "", "app": "", "name": "", "applied": ""}, query: row("app || '.' || name", "''", "''", at("applied"), "''", "'applied'", "false") + "FROM TABLE ORDER BY id", Advice: pythonAdvice},
	{Name: "knex", exact: true, columns: map[string]string{"id": "", "name": "", "batch": "", "migration_time": ""}, query: row("name", "''", "''", at("migration_time"), "''", "'applied'", "false") + "FROM TABLE ORDER BY id", Advice: pythonAdvice},
}

// versionKey is the version as a number.
func versionKey(m *migrate.Migration) string { return m.Version.String() }

// fileNumber is what stands before the first underscore of the file's name, as written.
func fileNumber(m *migrate.Migration) string {
	number, _, _ := strings.Cut(strings.TrimSuffix(path.Base(m.Up.File), ".sql"), "_")
	return strings.TrimRight(number[:digits(number)], "_")
}

func digits(text string) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

func folderName(m *migrate.Migration) string { return path.Base(path.Dir(m.Up.File)) }

func prismaKey(m *migrate.Migration) string { return folderName(m) }

func dieselKey(m *migrate.Migration) string {
	number, _, _ := strings.Cut(folderName(m), "_")
	return strings.ReplaceAll(number, "-", "")
}

// flywayKey is the version, or the description of a repeatable one.
func flywayKey(m *migrate.Migration) string {
	if m.Kind == migrate.Repeatable {
		return strings.ReplaceAll(m.Name, "_", " ")
	}
	return m.Version.String()
}
