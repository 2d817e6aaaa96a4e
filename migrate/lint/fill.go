package lint

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/schema/ddl"
)

// fillRows is how many rows Fill puts into a table.
const fillRows = 3

// Fill puts a few rows into every empty table of a shadow, with whatever values its types take, so that a statement
// that looks at rows finds some. A table whose constraints take none of them stays empty: statements still read it.
// It returns how many tables got rows.
func Fill(ctx context.Context, conn *pgx.Conn, exceptSchema string) (int, error) {
	target, err := ReadTarget(ctx, conn)
	if err != nil {
		return 0, err
	}
	exec := func(sql string) error {
		_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		return err
	}
	if err := exec("SET session_replication_role = replica; BEGIN"); err != nil {
		return 0, fmt.Errorf("filling the shadow: %w", err)
	}
	filled := 0
	for _, r := range target.Scene.Relations {
		if r.Kind != ddl.Table || r.Name.Schema == exceptSchema || len(r.Parents) > 0 {
			continue
		}
		var has bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+r.Name.String()+")").Scan(&has); err != nil {
			return filled, fmt.Errorf("filling the shadow: %w", err)
		}
		if has {
			continue
		}
		any := false
		for i := 1; i <= fillRows; i++ {
			if exec("SAVEPOINT fill; "+insertRow(r, i)) == nil {
				any = true
				continue
			}
			if err := exec("ROLLBACK TO fill"); err != nil {
				return filled, fmt.Errorf("filling the shadow: %w", err)
			}
		}
		if any {
			filled++
		}
	}
	if err := exec("COMMIT; RESET session_replication_role"); err != nil {
		return filled, fmt.Errorf("filling the shadow: %w", err)
	}
	return filled, nil
}

func insertRow(r *ddl.Relation, i int) string {
	var columns, values []string
	for _, c := range r.Columns {
		if !c.Generated {
			columns, values = append(columns, ddl.QuoteIdent(c.Name)), append(values, sample(c.Type, i))
		}
	}
	if len(columns) == 0 {
		return "INSERT INTO " + r.Name.String() + " DEFAULT VALUES"
	}
	return fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)", r.Name, strings.Join(columns, ", "), strings.Join(values, ", "))
}

// sample is a value of the type, another one for each i; the column's default for types that are not known.
func sample(t ddl.TypeName, i int) string {
	if t.Array {
		return "'{}'"
	}
	switch t.Name {
	case "int2", "int4", "int8", "numeric", "float4", "float8", "oid":
		return fmt.Sprint(i)
	case "money":
		return fmt.Sprintf("'%d'", i)
	case "text", "varchar", "bpchar", "name", "citext", "char":
		return fmt.Sprintf("'%d'", i)
	case "bool":
		return "true"
	case "date", "timestamp", "timestamptz":
		return fmt.Sprintf("'2026-01-%02d'", i)
	case "time", "timetz":
		return fmt.Sprintf("'%02d:00'", i)
	case "interval":
		return fmt.Sprintf("'%d days'", i)
	case "uuid":
		return fmt.Sprintf("'00000000-0000-0000-0000-%012d'", i)
	case "json", "jsonb":
		return "'{}'"
	case "bytea":
		return fmt.Sprintf(`'\x%02x'`, i)
	case "inet", "cidr":
		return fmt.Sprintf("'10.0.0.%d'", i)
	}
	return "DEFAULT"
}
