package adopt

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/schema/ddl"
)

// writer writes a tool's history on. In the statements stand TABLE, KEY (what the
// tool knows the migration by), NAME, SUM, FILE and BEFORE (the key of the one before, 0 for none), as literals.
type writer struct {
	up, down []string
	sum      bool // SUM is needed
	locks    func(t Table, database string) []int64
}

var (
	golangMigrateWriter = writer{
		up:   []string{"DELETE FROM TABLE WHERE version < KEY OR dirty", "INSERT INTO TABLE (version, dirty) SELECT KEY, false WHERE NOT EXISTS (SELECT FROM TABLE)"},
		down: []string{"DELETE FROM TABLE WHERE version = KEY", "INSERT INTO TABLE (version, dirty) SELECT v, false FROM (VALUES (BEFORE::bigint)) b(v) WHERE v >= 0 AND NOT EXISTS (SELECT FROM TABLE)"},
		locks: func(t Table, database string) []int64 {
			key := func(db string) int64 {
				return int64(crc32.ChecksumIEEE([]byte(t.Schema+"\x00"+t.Name+"\x00"+db)) * 1486364155)
			}
			return []int64{key(database), key("/" + database)}
		},
	}
	gooseWriter = writer{
		up:    []string{"INSERT INTO TABLE (version_id, is_applied) VALUES (KEY, true)"},
		down:  []string{"DELETE FROM TABLE WHERE version_id = KEY"},
		locks: func(Table, string) []int64 { return []int64{4097083626} },
	}
	flywayWriter = writer{
		up: []string{`INSERT INTO TABLE (installed_rank, version, description, type, script, checksum, installed_by, installed_on, execution_time, success)
 SELECT coalesce((SELECT max(installed_rank) FROM TABLE), 0) + 1, VERSION, NAME, 'SQL', FILE, nullif(SUM, '')::integer, current_user, now(), 0, true`},
		down: []string{"DELETE FROM TABLE WHERE version IS NOT DISTINCT FROM VERSION AND script = FILE"},
		sum:  true,
		locks: func(t Table, _ string) []int64 {
			return []int64{77431708279161 + int64(javaHash(`"`+t.Schema+`"."`+t.Name+`"`))}
		},
	}
	plainWriter  = writer{up: []string{"INSERT INTO TABLE (version) VALUES (KEY)"}, down: []string{"DELETE FROM TABLE WHERE version = KEY"}}
	dieselWriter = plainWriter
	ternWriter   = writer{
		up:    []string{"UPDATE TABLE SET version = greatest(version, KEY::integer)"},
		down:  []string{"UPDATE TABLE SET version = greatest(BEFORE::integer, 0) WHERE version = KEY::integer"},
		locks: func(Table, string) []int64 { return []int64{9628173550095224} },
	}
	atlasWriter = writer{
		up: []string{`INSERT INTO TABLE (version, description, type, applied, total, executed_at, execution_time, hash, operator_version)
 VALUES (KEY, NAME, 2, 1, 1, now(), 0, SUM, 'kedge')`},
		down:  []string{"DELETE FROM TABLE WHERE version = KEY"},
		sum:   true,
		locks: func(Table, string) []int64 { return []int64{2686470616} },
	}
	sqlxWriter = writer{
		up:   []string{"INSERT INTO TABLE (version, description, success, checksum, execution_time) VALUES (KEY, NAME, true, decode(SUM, 'hex'), 0)"},
		down: []string{"DELETE FROM TABLE WHERE version = KEY"},
		sum:  true,
		locks: func(_ Table, database string) []int64 {
			return []int64{0x3d32ad9e * int64(crc32.ChecksumIEEE([]byte(database)))}
		},
	}
	prismaWriter = writer{
		up: []string{`INSERT INTO TABLE (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
 VALUES (gen_random_uuid()::text, SUM, now(), KEY, now(), 1)`},
		down:  []string{"DELETE FROM TABLE WHERE migration_name = KEY"},
		sum:   true,
		locks: func(Table, string) []int64 { return []int64{72707369} },
	}
	drizzleWriter = writer{
		up:   []string{"INSERT INTO TABLE (hash, created_at) VALUES (SUM, KEY)"},
		down: []string{"DELETE FROM TABLE WHERE created_at = KEY"},
		sum:  true,
	}
)

// javaHash is String.hashCode of Java.
func javaHash(text string) int32 {
	var h int32
	for _, r := range text {
		h = 31*h + r
	}
	return h
}

// ErrNotKept says that a tool's history cannot be written by kedge.
var ErrNotKept = errors.New("kedge cannot write this tool's history")

// Keeper keeps a tool's history in step. It is an apply.Companion.
type Keeper struct {
	table    Table
	files    *files
	with     Files
	database string
}

// Keep is a keeper of the table, for the database of this name.
func (t Table) Keep(with Files, database string) (*Keeper, error) {
	if t.Tool.write == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotKept, t.Tool.Name)
	}
	return &Keeper{table: t, files: &files{fsys: with.FS, shown: with.Shown}, with: with, database: database}, nil
}

// Name is the tool's.
func (k *Keeper) Name() string { return k.table.Tool.Name }

// Locks are the advisory locks that the tool takes.
func (k *Keeper) Locks() []int64 {
	if k.table.Tool.write.locks == nil {
		return nil
	}
	return k.table.Tool.write.locks(k.table, k.database)
}

// Record is the statements that write a migration into the tool's history.
func (k *Keeper) Record(m *migrate.Migration, d migrate.Direction) ([]string, error) {
	if m.Kind == migrate.Repeatable && k.Name() != "flyway" {
		return nil, nil // the tool has none
	}
	if m.Up == nil {
		for _, o := range k.with.Migrations { // of a migration whose file is gone only its version is known
			if o.Key() == m.Key() {
				m = o
			}
		}
	}
	key, err := k.table.Tool.keyOf(k.files, m)
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, fmt.Errorf("%w: %s cannot know %s", ErrNotKept, k.Name(), m.Key())
	}
	if k.integerKey() {
		if _, err := strconv.ParseInt(key, 10, 64); err != nil {
			return nil, fmt.Errorf("%w: %s counts in whole numbers, and the version is %s", ErrNotKept, k.Name(), key)
		}
	}
	w := k.table.Tool.write
	sum := ""
	if w.sum && d == migrate.Up {
		if sum, err = k.table.Tool.sum(k.files, m); err != nil {
			return nil, err
		}
	}
	version := "NULL"
	if m.Kind != migrate.Repeatable {
		version = ddl.QuoteLiteral(m.Version.String())
	}
	name := strings.ReplaceAll(m.Name, "_", " ")
	if k.Name() == "atlas" {
		name = m.Name
	}
	replace := strings.NewReplacer("TABLE", k.table.String(), "KEY", ddl.QuoteLiteral(key), "VERSION", version, "NAME", ddl.QuoteLiteral(name),
		"SUM", ddl.QuoteLiteral(sum), "FILE", ddl.QuoteLiteral(path.Base(m.Up.File)), "BEFORE", ddl.QuoteLiteral(k.before(m)))
	var list []string
	templates := w.up
	if d == migrate.Down {
		templates = w.down
	}
	for _, t := range templates {
		list = append(list, replace.Replace(t))
	}
	return list, nil
}

// integerKey tells whether the tool's versions are integers.
func (k *Keeper) integerKey() bool {
	switch k.Name() {
	case "golang-migrate", "goose", "tern", "sqlx":
		return true
	}
	return false
}

// before is the version below a migration's among the files; -1 for none.
func (k *Keeper) before(m *migrate.Migration) string {
	below := migrate.Version("")
	for _, o := range k.with.Migrations {
		if o.Kind == migrate.Versioned && o.Version.Compare(m.Version) < 0 && o.Version.Compare(below) > 0 {
			below = o.Version
		}
	}
	if below == "" {
		return "-1"
	}
	return below.String()
}

// stepTable holds which tool a database is kept in step with.
func stepTable(history apply.Table) string {
	schema := history.Schema
	if schema == "" {
		schema = "kedge"
	}
	return ddl.QualifiedName(schema, "in_step")
}

// KeepSQL is the statements that make kedge keep the table in step from now on.
func (t Table) KeepSQL(history apply.Table) []string {
	name := stepTable(history)
	return []string{
		"CREATE TABLE IF NOT EXISTS " + name + " (tool text PRIMARY KEY, table_schema text NOT NULL, table_name text NOT NULL, since timestamptz NOT NULL DEFAULT now())",
		"INSERT INTO " + name + " (tool, table_schema, table_name) VALUES (" + ddl.QuoteLiteral(t.Tool.Name) + ", " + ddl.QuoteLiteral(t.Schema) + ", " + ddl.QuoteLiteral(t.Name) + ") ON CONFLICT (tool) DO UPDATE SET table_schema = EXCLUDED.table_schema, table_name = EXCLUDED.table_name",
	}
}

// Kept is the table that a database is kept in step with, and false when there is none.
func Kept(ctx context.Context, conn *pgx.Conn, history apply.Table) (Table, bool, error) {
	name := stepTable(history)
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", name).Scan(&there); err != nil || !there {
		return Table{}, false, err
	}
	var t Table
	var tool string
	err := conn.QueryRow(ctx, "SELECT tool, table_schema, table_name FROM "+name).Scan(&tool, &t.Schema, &t.Name)
	if errors.Is(err, pgx.ErrNoRows) {
		return Table{}, false, nil
	}
	if err != nil {
		return Table{}, false, err
	}
	for i := range Tools {
		if Tools[i].Name == tool {
			t.Tool = &Tools[i]
			return t, true, nil
		}
	}
	return Table{}, false, fmt.Errorf("the database is kept in step with %s, which this kedge does not know", tool)
}

// Companion finds what a database is kept in step with; for apply.Options.
func Companion(history apply.Table, with Files) apply.CompanionFinder {
	return func(ctx context.Context, conn *pgx.Conn) (apply.Companion, error) {
		t, ok, err := Kept(ctx, conn, history)
		if err != nil || !ok {
			return nil, err
		}
		k, err := t.Keep(with, conn.Config().Database)
		if err != nil {
			return nil, err
		}
		return k, nil
	}
}

// Catch is the statements that bring a tool's history up to kedge's: what it lacks
// is added, what kedge has reverted is taken out.
func (k *Keeper) Catch(rows []Row, h migrate.History) ([]string, error) {
	var added, taken []string
	for _, m := range k.with.Migrations {
		if m.Kind == migrate.Baseline {
			continue
		}
		key, err := k.table.Tool.keyOf(k.files, m)
		if err != nil {
			return nil, err
		}
		has := false
		for _, r := range rows {
			v, bad := migrate.ParseVersion(r.Key)
			has = has || same(r.Key, key) || k.table.Tool.Single && bad == nil && m.Version.Compare(v) <= 0
		}
		_, applied := h.Applied(m.Key())
		if applied = applied || m.Kind == migrate.Versioned && h.Covers(m.Version); applied == has {
			continue
		}
		d := migrate.Up
		if has {
			d = migrate.Down
		}
		list, err := k.Record(m, d)
		if err != nil {
			return nil, err
		}
		if has { // the highest first, as they are reverted
			taken = append(list, taken...)
		} else {
			added = append(added, list...)
		}
	}
	return append(taken, added...), nil
}
