package judge_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// content is what a database's tables and sequences hold.
type content struct {
	tables    map[string]*tableContent
	sequences map[string]place // of those that were used
}

// place is where a sequence has come to.
type place struct{ last, increment int64 }

type tableContent struct {
	relation string // schema.table as regclass prints it with an empty search_path
	kind     string
	columns  map[string]string // name to type
	rows     int
	// values are the sorted values of a column, hashed, in each of the ways in
	// which it may be told after its type changed; the first is plain text.
	values map[string][]string
	// converted are the columns whose later type has no cast from the present
	// one: what their values become is the difference's choice.
	converted []string
}

// cannotCoerce is the SQLSTATE of a cast that does not exist.
const cannotCoerce = "42846"

const tablesQuery = `
SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text, coalesce(
	(SELECT jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1`

func (d *database) tables(ctx context.Context) (map[string]*tableContent, error) {
	rows, err := d.conn.Query(ctx, tablesQuery)
	if err != nil {
		return nil, err
	}
	tables := map[string]*tableContent{}
	var relation, kind string
	var columns map[string]string
	_, err = pgx.ForEachRow(rows, []any{&relation, &kind, &columns}, func() error {
		tables[strings.ReplaceAll(relation, `"`, "")] = &tableContent{relation: relation, kind: kind, columns: columns, values: map[string][]string{}}
		columns = nil
		return nil
	})
	return tables, err
}

// content reads what the tables hold. With then, the tables as they will be,
// columns are also read in the ways that their later types allow.
func (d *database) content(ctx context.Context, then map[string]*tableContent) (*content, error) {
	tables, err := d.tables(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading tables: %w", err)
	}
	c := &content{tables: tables, sequences: map[string]place{}}
	for name, t := range tables {
		if err := d.readRows(ctx, t, then[name]); err != nil {
			return nil, fmt.Errorf("reading rows of %s: %w", name, err)
		}
	}
	rows, err := d.conn.Query(ctx, `SELECT format('%I.%I', schemaname, sequencename), last_value, increment_by FROM pg_sequences WHERE last_value IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("reading sequences: %w", err)
	}
	var name string
	var at place
	_, err = pgx.ForEachRow(rows, []any{&name, &at.last, &at.increment}, func() error {
		c.sequences[name] = at
		return nil
	})
	return c, err
}

func (d *database) readRows(ctx context.Context, t, then *tableContent) error {
	from := " FROM ONLY " + t.relation
	if t.kind == "p" {
		from = " FROM " + t.relation
	}
	err := d.conn.QueryRow(ctx, "SELECT count(*)"+from, pgx.QueryExecModeSimpleProtocol).Scan(&t.rows)
	if err != nil && t.kind == "p" {
		return nil // a foreign partition out of reach
	}
	if err != nil || t.rows == 0 {
		return err
	}
	for column, typ := range t.columns {
		ident := pgx.Identifier{column}.Sanitize()
		ways := []string{ident + "::text"}
		if then != nil && then.columns[column] != "" && then.columns[column] != typ {
			ways = append(ways, fmt.Sprintf("(%s::%s)::text", ident, then.columns[column]), fmt.Sprintf("(%s::text::%s)::text", ident, then.columns[column]))
		}
		for i, way := range ways {
			value, err := d.hash(ctx, "SELECT "+way+from)
			var pgErr *pgconn.PgError
			switch {
			case err == nil:
				t.values[column] = append(t.values[column], value)
			case i == 0:
				return err
			case i == 1 && errors.As(err, &pgErr) && pgErr.Code == cannotCoerce:
				t.converted = append(t.converted, column)
			}
		}
	}
	return nil
}

func (d *database) hash(ctx context.Context, query string) (string, error) {
	rows, err := d.conn.Query(ctx, query, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return "", err
	}
	values, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var s *string
		if err := row.Scan(&s); err != nil || s == nil {
			return "NULL", err
		}
		return "=" + *s, nil
	})
	if err != nil {
		return "", err
	}
	slices.Sort(values)
	sum := sha256.Sum256([]byte(strings.Join(values, "\x00")))
	return hex.EncodeToString(sum[:8]), nil
}

// survives tells what of the content before is not in the content after though
// its table, column or sequence still is.
func (before *content) survives(after *content, lost []string) []string {
	var missing []string
	for name, was := range before.tables {
		is := after.tables[name]
		if is == nil || slices.Contains(lost, name) || was.kind == "p" && is.kind == "p" { // the partitions have the rows
			continue
		}
		if is.rows != was.rows {
			missing = append(missing, fmt.Sprintf("%s had %d rows and has %d", name, was.rows, is.rows))
			continue
		}
		for column, values := range was.values {
			if is.columns[column] == "" || len(is.values[column]) == 0 || slices.Contains(lost, name+"."+column) {
				continue
			}
			if !slices.Contains(values, is.values[column][0]) && !slices.Contains(was.converted, column) {
				missing = append(missing, fmt.Sprintf("the values of %s.%s changed", name, column))
			}
		}
	}
	for name, was := range before.sequences {
		// New rows' defaults may have taken it further.
		if now, still := after.sequences[name]; still && (was.increment > 0 && now.last < was.last || was.increment < 0 && now.last > was.last) {
			missing = append(missing, fmt.Sprintf("sequence %s was at %d and is at %d", name, was.last, now.last))
		}
	}
	slices.Sort(missing)
	return missing
}

func collectStrings(rows pgx.Rows) ([]string, error) {
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
