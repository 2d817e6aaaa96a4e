package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/schema/ddl"
)

// filledTable is a table with rows, and the tables that its foreign keys point to.
type filledTable struct {
	name    string // qualified
	columns []string
	refers  []string
}

// filledTables are the tables with rows outside of a schema, those before them
// that they refer to.
func filledTables(ctx context.Context, conn *pgx.Conn, without string) ([]filledTable, error) {
	all, err := pgx.CollectRows(must(conn.Query(ctx, `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname),
 ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum),
 ARRAY(SELECT quote_ident(fn.nspname) || '.' || quote_ident(fc.relname) FROM pg_constraint f JOIN pg_class fc ON fc.oid = f.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace WHERE f.conrelid = c.oid AND f.contype = 'f')
 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', $1)
 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1`, without)),
		func(row pgx.CollectableRow) (filledTable, error) {
			var t filledTable
			return t, row.Scan(&t.name, &t.columns, &t.refers)
		})
	if err != nil {
		return nil, fmt.Errorf("looking for rows: %w", err)
	}
	var filled []filledTable
	for _, t := range all {
		var any bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM ONLY "+t.name+")").Scan(&any); err != nil {
			return nil, fmt.Errorf("looking for rows: %w", err)
		}
		if any {
			filled = append(filled, t)
		}
	}
	return inOrder(filled)
}

// inOrder sorts tables so that each stands after those that it refers to.
func inOrder(tables []filledTable) ([]filledTable, error) {
	var list []filledTable
	placed := map[string]bool{}
	for len(list) < len(tables) {
		before := len(list)
		for _, t := range tables {
			waits := slices.ContainsFunc(t.refers, func(name string) bool {
				return name != t.name && !placed[name] && slices.ContainsFunc(tables, func(o filledTable) bool { return o.name == name })
			})
			if !placed[t.name] && !waits {
				placed[t.name] = true
				list = append(list, t)
			}
		}
		if len(list) == before {
			return nil, refusef("tables with rows refer to each other in a circle: their rows cannot be written down in order")
		}
	}
	return list, nil
}

// rowsSQL is the SQL of every row, and where sequences stand.
func rowsSQL(ctx context.Context, conn *pgx.Conn, without string) (string, error) {
	tables, err := filledTables(ctx, conn, without)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	for _, t := range tables {
		columns := make([]string, len(t.columns))
		for i, c := range t.columns {
			columns[i] = ddl.QuoteIdent(c)
		}
		list := strings.Join(columns, ", ")
		fmt.Fprintf(&b, "\nALTER TABLE %s DISABLE TRIGGER USER;\nCOPY %s (%s) FROM stdin;\n", t.name, t.name, list)
		if _, err := conn.PgConn().CopyTo(ctx, &b, "COPY (SELECT "+list+" FROM ONLY "+t.name+" ORDER BY ctid) TO STDOUT"); err != nil {
			return "", fmt.Errorf("reading the rows of %s: %w", t.name, err)
		}
		fmt.Fprintf(&b, "\\.\nALTER TABLE %s ENABLE TRIGGER USER;\n", t.name)
	}
	sequences, err := pgx.CollectRows(must(conn.Query(ctx, `SELECT format('SELECT pg_catalog.setval(%L, %s);', quote_ident(schemaname) || '.' || quote_ident(sequencename), last_value)
 FROM pg_sequences WHERE last_value IS NOT NULL AND schemaname !~ '^pg_' AND schemaname <> $1 ORDER BY schemaname, sequencename`, without)), pgx.RowTo[string])
	if err != nil {
		return "", fmt.Errorf("reading sequences: %w", err)
	}
	for _, s := range sequences {
		b.WriteString(s + "\n")
	}
	return b.String(), nil
}

// rowDigests is a checksum of every table's rows.
func rowDigests(ctx context.Context, conn *pgx.Conn, without string) (map[string]string, error) {
	tables, err := filledTables(ctx, conn, without)
	if err != nil {
		return nil, err
	}
	digests := map[string]string{}
	for _, t := range tables {
		var sum string
		if err := conn.QueryRow(ctx, "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM ONLY "+t.name+" t").Scan(&sum); err != nil {
			return nil, fmt.Errorf("comparing the rows of %s: %w", t.name, err)
		}
		digests[t.name] = sum
	}
	return digests, nil
}
