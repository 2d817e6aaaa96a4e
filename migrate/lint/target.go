package lint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

// askTime bounds each question to a target's rows.
const askTime = 2 * time.Second

// ReadTarget asks a database for what the rules want to know of it: relations with their sizes, columns, constraints
// and indexes; types, functions, traffic and sequences. It changes nothing and waits for no lock longer than it takes to
// give up. The target's Ask uses conn, one question at a time.
func ReadTarget(ctx context.Context, conn *pgx.Conn) (*rules.Target, error) {
	t := &targetReader{ctx: ctx, conn: conn, scene: &ddl.Scene{}, byOID: map[uint32]*ddl.Relation{}}
	for _, part := range []struct {
		what string
		read func() error
	}{
		{"settings", t.settings}, {"relations", t.relations}, {"columns", t.columns}, {"constraints", t.constraints}, {"indexes", t.indexes},
		{"inheritance", t.inheritance}, {"views", t.views}, {"triggers", t.triggers}, {"types", t.types}, {"functions", t.functions}, {"traffic", t.traffic}, {"sequences", t.sequences}, {"comments", t.comments},
	} {
		if err := part.read(); err != nil {
			return nil, fmt.Errorf("asking the database for its %s: %w", part.what, err)
		}
	}
	t.target.Scene = t.scene
	t.target.Ask = func(query string) (bool, error) { return ask(ctx, conn, query) }
	return &t.target, nil
}

// Major returns the major version of the server.
func Major(conn *pgx.Conn) ddl.Major {
	var major int
	if _, err := fmt.Sscanf(conn.PgConn().ParameterStatus("server_version"), "%d", &major); err != nil {
		return 0
	}
	return ddl.Major(major)
}

// ask runs a query of one boolean in a transaction that can change nothing and gives up in time.
func ask(ctx context.Context, conn *pgx.Conn, query string) (answer bool, err error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return false, fmt.Errorf("asking the database: %w", err)
	}
	defer func() {
		if e := tx.Rollback(context.WithoutCancel(ctx)); !errors.Is(e, pgx.ErrTxClosed) {
			err = errors.Join(err, e)
		}
	}()
	limits := fmt.Sprintf("SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = 200", askTime.Milliseconds())
	if _, err := conn.PgConn().Exec(ctx, limits).ReadAll(); err != nil {
		return false, fmt.Errorf("asking the database: %w", err)
	}
	if err := tx.QueryRow(ctx, query).Scan(&answer); err != nil {
		return false, fmt.Errorf("asking the database: %w", err)
	}
	return answer, nil
}

type targetReader struct {
	ctx    context.Context
	conn   *pgx.Conn
	scene  *ddl.Scene
	target rules.Target
	byOID  map[uint32]*ddl.Relation
}

// user leaves out the system's schemas.
const user = ` n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' `

// each runs a query and calls f for each row, with its values in to.
func (t *targetReader) each(query string, to []any, f func() error) error {
	rows, err := t.conn.Query(t.ctx, query, pgx.QueryExecModeExec)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, to, f)
	return err
}

func (t *targetReader) settings() error {
	return t.conn.QueryRow(t.ctx, "SHOW timezone").Scan(&t.scene.TimeZone)
}

var relationKinds = map[string]ddl.RelationKind{
	"r": ddl.Table, "p": ddl.PartitionedTable, "f": ddl.ForeignTable, "v": ddl.View, "m": ddl.MaterializedView, "i": ddl.Index,
	"I": ddl.Index, "S": ddl.Sequence, "c": ddl.Composite,
}

// relations reads sizes as the last VACUUM or ANALYZE left them in pg_class: asking for the files' sizes would wait for
// locks. A table that neither has seen yet is asked for its file, when nobody has it locked.
func (t *targetReader) relations() error {
	var oid uint32
	var schema, name, kind, persistence string
	var bytes, rows int64
	const locked = "EXISTS (SELECT FROM pg_locks l WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock')"
	return t.each(`SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text,
		CASE WHEN c.relkind NOT IN ('r', 'm') THEN 0
			WHEN c.relpages > 0 OR `+locked+` THEN (c.relpages + coalesce(tt.relpages, 0))::bigint * current_setting('block_size')::bigint
			ELSE coalesce(pg_relation_size(c.oid), 0) END,
		CASE WHEN c.reltuples > 0 THEN c.reltuples::bigint ELSE coalesce(pg_stat_get_live_tuples(c.oid), 0) END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class tt ON tt.oid = c.reltoastrelid
		WHERE`+user+`AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'I', 'S', 'c')`,
		[]any{&oid, &schema, &name, &kind, &persistence, &bytes, &rows}, func() error {
			r := &ddl.Relation{Name: ddl.Name{Schema: schema, Name: name}, Kind: relationKinds[kind], Bytes: bytes, Rows: rows}
			if persistence == "u" {
				r.Persistence = ddl.Unlogged
			}
			t.byOID[oid] = r
			t.scene.Relations = append(t.scene.Relations, r)
			return nil
		})
}

// typeName reads a type as format_type writes it.
func typeName(cache map[string]ddl.TypeName, text string) ddl.TypeName {
	if t, ok := cache[text]; ok {
		return t
	}
	t := ddl.TypeName{Text: text, Name: text}
	node, err := ddl.Parse("ALTER TABLE t ALTER COLUMN c TYPE " + text)
	if n, ok := node.(*ddl.AlterTable); err == nil && ok && len(n.Commands) == 1 && !n.Commands[0].Type.IsZero() {
		t = n.Commands[0].Type
	}
	cache[text] = t
	return t
}

func (t *targetReader) columns() error {
	cache := map[string]ddl.TypeName{}
	var oid uint32
	var name, kind, collation, generated string
	var notNull bool
	return t.each(`SELECT a.attrelid, a.attname::text, format_type(a.atttypid, a.atttypmod),
		CASE WHEN a.attcollation <> ty.typcollation THEN coalesce(co.collname::text, '') ELSE '' END, a.attgenerated::text, a.attnotnull
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_type ty ON ty.oid = a.atttypid LEFT JOIN pg_collation co ON co.oid = a.attcollation
		WHERE`+user+`AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'm', 'c') ORDER BY a.attrelid, a.attnum`,
		[]any{&oid, &name, &kind, &collation, &generated, &notNull}, func() error {
			if r := t.byOID[oid]; r != nil {
				r.Columns = append(r.Columns, ddl.SceneColumn{Name: name, Type: typeName(cache, kind), Collation: collation,
					NotNull: notNull, Generated: generated != "", Virtual: generated == "v"})
			}
			return nil
		})
}

var constraintKinds = map[string]ddl.ConstraintKind{
	"c": ddl.Check, "f": ddl.ForeignKey, "p": ddl.PrimaryKey, "u": ddl.Unique, "x": ddl.Exclude, "n": ddl.NotNull,
}

func (t *targetReader) constraints() error {
	var oid, other, index uint32
	var name, kind, expr string
	var columns []string
	var validated bool
	return t.each(`SELECT k.conrelid, k.conname::text, k.contype::text, k.confrelid, k.conindid, k.convalidated,
		coalesce(pg_get_expr(k.conbin, k.conrelid), ''),
		coalesce((SELECT array_agg(a.attname::text ORDER BY o.i) FROM unnest(k.conkey) WITH ORDINALITY o(n, i)
			JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.n), '{}')
		FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE`+user+`AND k.conrelid <> 0 AND k.contype IN ('c', 'f', 'p', 'u', 'x', 'n') ORDER BY k.oid`,
		[]any{&oid, &name, &kind, &other, &index, &validated, &expr, &columns}, func() error {
			r := t.byOID[oid]
			if r == nil {
				return nil
			}
			c := ddl.SceneConstraint{Name: name, Kind: constraintKinds[kind], Columns: columns, Expr: expr, Validated: validated}
			if o := t.byOID[other]; o != nil {
				c.References = o.Name
			}
			if x := t.byOID[index]; x != nil && kind != "f" {
				c.Index = x.Name
			}
			columns = nil
			r.Constraints = append(r.Constraints, c)
			return nil
		})
}

func (t *targetReader) indexes() error {
	var oid, table uint32
	var columns []string
	var unique, partial bool
	err := t.each(`SELECT x.indexrelid, x.indrelid, x.indisunique, x.indpred IS NOT NULL,
		coalesce((SELECT array_agg(coalesce(a.attname::text, '') ORDER BY o.i) FROM unnest(x.indkey::int2[]) WITH ORDINALITY o(n, i)
			LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = o.n AND o.n > 0 WHERE o.i <= x.indnkeyatts), '{}')
		FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE`+user,
		[]any{&oid, &table, &unique, &partial, &columns}, func() error {
			if r, of := t.byOID[oid], t.byOID[table]; r != nil && of != nil {
				r.Index = &ddl.SceneIndex{Table: of.Name, Columns: columns, Unique: unique, Where: partial}
			}
			columns = nil
			return nil
		})
	for _, r := range t.scene.Relations {
		if r.Kind == ddl.Index && r.Index == nil {
			r.Index = &ddl.SceneIndex{}
		}
	}
	return err
}

func (t *targetReader) inheritance() error {
	var child, parent uint32
	var isDefault bool
	return t.each(`SELECT i.inhrelid, i.inhparent, coalesce(p.partdefid = i.inhrelid, false)
		FROM pg_inherits i LEFT JOIN pg_partitioned_table p ON p.partrelid = i.inhparent ORDER BY i.inhrelid, i.inhseqno`, []any{&child, &parent, &isDefault}, func() error {
		c, p := t.byOID[child], t.byOID[parent]
		if c == nil || p == nil || c.Kind == ddl.Index {
			return nil
		}
		c.Parents, p.Children = append(c.Parents, p.Name), append(p.Children, c.Name)
		if isDefault {
			p.DefaultPartition = c.Name
		}
		return nil
	})
}

func (t *targetReader) views() error {
	var view, read uint32
	return t.each(`SELECT DISTINCT r.ev_class, d.refobjid FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
		WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class AND r.rulename = '_RETURN' ORDER BY 1, 2`, []any{&view, &read}, func() error {
		if v, r := t.byOID[view], t.byOID[read]; v != nil && r != nil {
			v.Reads = append(v.Reads, r.Name)
		}
		return nil
	})
}

func (t *targetReader) triggers() error {
	var table uint32
	var schema, name string
	return t.each(`SELECT g.tgrelid, n.nspname::text, p.proname::text FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
		JOIN pg_namespace n ON n.oid = p.pronamespace WHERE NOT g.tgisinternal`, []any{&table, &schema, &name}, func() error {
		if r := t.byOID[table]; r != nil {
			r.Triggers = append(r.Triggers, ddl.Name{Schema: schema, Name: name})
		}
		return nil
	})
}

func (t *targetReader) types() error {
	cache := map[string]ddl.TypeName{}
	var schema, name, base string
	var constrained bool
	return t.each(`SELECT n.nspname::text, ty.typname::text, CASE WHEN ty.typtype = 'd' THEN format_type(ty.typbasetype, ty.typtypmod) ELSE '' END,
		ty.typtype = 'd' AND (ty.typnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = ty.oid))
		FROM pg_type ty JOIN pg_namespace n ON n.oid = ty.typnamespace WHERE`+user+`AND ty.typtype IN ('d', 'e', 'r')`, []any{&schema, &name, &base, &constrained}, func() error {
		s := ddl.SceneType{Name: ddl.Name{Schema: schema, Name: name}, Constrained: constrained}
		if base != "" {
			s.Base = typeName(cache, base)
		}
		t.scene.Types = append(t.scene.Types, s)
		return nil
	})
}

func (t *targetReader) functions() error {
	var schema, name, volatility, language string
	return t.each(`SELECT n.nspname::text, p.proname::text, CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END, l.lanname::text
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang WHERE`+user, []any{&schema, &name, &volatility, &language}, func() error {
		t.scene.Functions = append(t.scene.Functions, ddl.SceneFunction{Name: ddl.Name{Schema: schema, Name: name}, Volatility: volatility, Language: language})
		return nil
	})
}

func (t *targetReader) traffic() error {
	t.target.Traffic = map[string]rules.Traffic{}
	var oid uint32
	var reads, writes, seconds float64
	return t.each(`SELECT s.relid, (coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0))::float8, (s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::float8,
		greatest(extract(epoch FROM now() - coalesce(d.stats_reset, pg_postmaster_start_time())), 1)::float8
		FROM pg_stat_user_tables s, pg_stat_database d WHERE d.datname = current_database()`, []any{&oid, &reads, &writes, &seconds}, func() error {
		if r := t.byOID[oid]; r != nil {
			t.target.Traffic[r.Name.String()] = rules.Traffic{ReadsPerSecond: reads / seconds, WritesPerSecond: writes / seconds}
		}
		return nil
	})
}

// sequences reads how far the sequences of small keys are. What may not be read is left out.
func (t *targetReader) sequences() error {
	var sequence, table uint32
	var column string
	var last, highest int64
	err := t.each(`SELECT d.objid, d.refobjid, a.attname::text, coalesce(pg_sequence_last_value(d.objid), 0),
		CASE a.atttypid WHEN 'int2'::regtype THEN 32767::bigint WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END
		FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
		JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
		WHERE`+user+`AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
		AND has_sequence_privilege(d.objid, 'USAGE, SELECT')`, []any{&sequence, &table, &column, &last, &highest}, func() error {
		s, of := t.byOID[sequence], t.byOID[table]
		if s == nil || of == nil {
			return nil
		}
		s.Owner, s.OwnerColumn = of.Name, column
		t.target.Sequences = append(t.target.Sequences, rules.Sequence{Name: s.Name, Table: of.Name, Column: column, Last: last, Max: highest})
		return nil
	})
	if denied(err) {
		return nil
	}
	return err
}

// comments reads those of columns, by "schema.table.column".
func (t *targetReader) comments() error {
	t.target.Comments = map[string]string{}
	var oid uint32
	var column, comment string
	return t.each(`SELECT d.objoid, a.attname::text, d.description FROM pg_description d JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
		WHERE d.classoid = 'pg_class'::regclass AND d.objsubid > 0 AND d.objoid >= 16384`, []any{&oid, &column, &comment}, func() error {
		if r := t.byOID[oid]; r != nil {
			t.target.Comments[strings.Join([]string{r.Name.Schema, r.Name.Name, column}, ".")] = comment
		}
		return nil
	})
}

// denied tells whether the role may not do what it tried.
func denied(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}
