// Package adopt knows the histories of other migration tools: how to find them in
// a database, what they say was applied, how their checksums are worked out, and
// how to write them on. It does not know how kedge records what it takes over; see package apply for that.
package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/schema/ddl"
)

// Table is a history table of a tool, found in a database.
type Table struct {
	Tool   *Tool
	Schema string
	Name   string
}

// String is the qualified name, quoted where needed.
func (t Table) String() string { return ddl.QualifiedName(t.Schema, t.Name) }

// ErrNotFound says that no history table of a tool that kedge knows is there.
var ErrNotFound = errors.New("no history of a tool that kedge knows is in the database")

// ErrAmbiguous says that there are several, and nobody said which.
var ErrAmbiguous = errors.New("several tools have a history in the database")

// relation is a table of the database with its columns, name to type.
type relation struct {
	schema, name string
	columns      map[string]string
}

// Find looks for the history tables of all tools by their columns, whatever
// their names are. own is the schema of kedge's own history.
func Find(ctx context.Context, conn *pgx.Conn, own string) ([]Table, error) {
	rows, err := conn.Query(ctx, `SELECT n.nspname::text, c.relname::text, string_agg(a.attname || ' ' || format_type(a.atttypid, NULL), ',' ORDER BY a.attnum)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', $1)
GROUP BY 1, 2, c.oid HAVING bool_or(a.attname = ANY ($2)) ORDER BY 1, 2`, own, telling())
	if err != nil {
		return nil, fmt.Errorf("looking for the history of another tool: %w", err)
	}
	relations, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (relation, error) {
		r := relation{columns: map[string]string{}}
		var columns string
		err := row.Scan(&r.schema, &r.name, &columns)
		for _, c := range strings.Split(columns, ",") {
			name, kind, _ := strings.Cut(c, " ")
			r.columns[name] = kind
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the history of another tool: %w", err)
	}
	rails := slices.ContainsFunc(relations, func(r relation) bool { return r.name == "ar_internal_metadata" })
	var list []Table
	for _, r := range relations {
		if tool := recognise(r, rails); tool != nil {
			list = append(list, Table{Tool: tool, Schema: r.schema, Name: r.name})
		}
	}
	return list, nil
}

// Choose is the one table of a tool, or the only one there is when tool is "".
func Choose(tables []Table, tool string) (Table, error) {
	var fits []Table
	var names []string
	for _, t := range tables {
		names = append(names, t.Tool.Name+" ("+t.String()+")")
		if tool == "" || t.Tool.Name == tool {
			fits = append(fits, t)
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1:
		return Table{}, fmt.Errorf("%w: %s", ErrAmbiguous, strings.Join(names, ", "))
	case len(tables) > 0:
		return Table{}, fmt.Errorf("%w: there is %s", ErrNotFound, strings.Join(names, ", "))
	}
	return Table{}, ErrNotFound
}

// recognise is the tool that a table belongs to by its columns.
func recognise(r relation, rails bool) *Tool {
	for i := range Tools {
		t := &Tools[i]
		if len(r.columns) < len(t.columns) || t.exact && len(r.columns) != len(t.columns) || t.table != "" && t.table != r.name || t.rails && !rails {
			continue
		}
		fits := true
		for name, kind := range t.columns {
			have, there := r.columns[name]
			fits = fits && there && (kind == "" || slices.Contains(strings.Split(kind, "|"), have))
		}
		if fits {
			return t
		}
	}
	return nil
}

// telling are the names of columns by which tables are looked at more closely.
func telling() []string {
	list := []string{"key"} // of ar_internal_metadata
	for _, t := range Tools {
		for name := range t.columns {
			if name != "id" && name != "name" && name != "description" {
				list = append(list, name)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Row is what a tool has recorded of one migration.
type Row struct {
	Key        string // the tool's own: a version, or a name
	Name       string
	Checksum   string
	AppliedAt  string // RFC 3339, in UTC; "" where the tool does not keep it
	By         string
	State      RowState
	Repeatable bool
}

// RowState is what a tool says of a migration.
type RowState string

// The states.
const (
	RowApplied  RowState = "applied"
	RowFailed   RowState = "failed"
	RowBaseline RowState = "baseline" // everything up to it is present
)

// Rows reads a tool's history: what is applied, in the order of application.
func (t Table) Rows(ctx context.Context, conn *pgx.Conn) ([]Row, error) {
	rows, err := conn.Query(ctx, strings.ReplaceAll(t.Tool.query, "TABLE", t.String()))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Row, error) {
		var r Row
		err := row.Scan(&r.Key, &r.Name, &r.Checksum, &r.AppliedAt, &r.By, &r.State, &r.Repeatable)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t, err)
	}
	return list, nil
}
