package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/schema"
)

// Uncovered are the system catalogs whose rows are objects (they have an oid)
// but no kind of their own, each with the reason.
var Uncovered = map[string]string{
	"pg_amop":                 "read with operator classes and families",
	"pg_amproc":               "read with operator classes and families",
	"pg_database":             "the database itself; its settings are read",
	"pg_enum":                 "read with enums",
	"pg_largeobject_metadata": "large objects are data; they are counted",
	"pg_parameter_acl":        "the cluster's",
	"pg_tablespace":           "the cluster's; tables and indexes name theirs",
}

// folded are the catalogs whose rows are often parts of other objects without
// pg_depend saying so.
var folded = []string{"pg_rewrite", "pg_enum", "pg_amop", "pg_amproc", "pg_user_mapping", "pg_largeobject_metadata", "pg_init_privs"}

// standing are the catalogs whose rows are dumped and dropped with what they are on.
var standing = []string{"pg_constraint", "pg_attrdef", "pg_trigger", "pg_rewrite", "pg_policy", "pg_class", "pg_statistic_ext"}

// unresolved notes that a catalog row depends on something and is no object of
// the model.
type unresolved struct{ from, on address }

// findUnmodelled reports the objects of the database that no kind covers: what
// pg_depend knows of, that is not in the model, and that belongs neither to an
// extension nor to a schema that is left out.
func (rd *Reader) findUnmodelled(ctx context.Context, conn *pgconn.PgConn, rows []dependency) error {
	left := map[address]bool{}
	namespace := rd.catalogs["pg_namespace"]
	for oid, name := range rd.namespaces {
		if rd.excluded[name] || strings.HasPrefix(name, "pg_") || name == "information_schema" {
			left[address{class: namespace, oid: oid}] = true
		}
	}
	var missing []unresolved
	for _, d := range rows {
		if slices.Contains(folded, rd.names[d.from.class]) {
			continue
		}
		if _, ok := rd.resolve(d.from); ok {
			continue
		}
		if d.kind == 'P' || d.kind == 'S' {
			// A partition's clone of the partitioned table's trigger or key.
			left[address{class: d.from.class, oid: d.from.oid}] = true
			continue
		}
		if _, member := rd.members[address{class: d.from.class, oid: d.from.oid}]; !member {
			missing = append(missing, unresolved{d.from, d.on})
		}
	}
	// What depends on something that is left out is left out with it.
	for grown := len(missing) > 0; grown; {
		grown = false
		for _, m := range missing {
			from, on := m.from, m.on
			from.sub, on.sub = 0, 0
			if left[from] {
				continue
			}
			_, known := rd.resolve(on)
			into, part := rd.alias[on]
			// The index of a TOAST table is a part of a part.
			toast := known && part && from.class == on.class && rd.names[on.class] == "pg_class"
			// So is what stands on a table or domain of an extension.
			_, member := rd.members[address{class: on.class, oid: on.oid}]
			if left[on] || toast || member && slices.Contains(standing, rd.names[from.class]) || !known && left[into] {
				left[from], grown = true, true
			}
		}
	}
	seen := map[address]bool{}
	var classes, oids []string
	for _, m := range missing {
		a := m.from
		a.sub = 0
		if left[a] || seen[a] {
			continue
		}
		seen[a] = true
		classes, oids = append(classes, fmt.Sprint(a.class)), append(oids, fmt.Sprint(a.oid))
	}
	if len(classes) == 0 {
		return nil
	}
	result := conn.ExecParams(ctx, `SELECT c.relname, pg_describe_object(o.class, o.oid, 0) FROM unnest($1::oid[], $2::oid[]) o(class, oid)
		JOIN pg_class c ON c.oid = o.class WHERE pg_describe_object(o.class, o.oid, 0) IS NOT NULL
		AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.oid = o.oid AND c.relname = 'pg_constraint' AND k.contype = 'n') ORDER BY 1, 2`,
		[][]byte{[]byte("{" + strings.Join(classes, ",") + "}"), []byte("{" + strings.Join(oids, ",") + "}")}, nil, nil, nil)
	return each(result, func(r *Row) {
		u := schema.Unmodelled{Catalog: r.Text(), Description: r.Text()}
		u.Reason = "no kind covers it"
		if why, ok := Uncovered[u.Catalog]; ok {
			u.Reason = why
		}
		rd.model.Unmodelled = append(rd.model.Unmodelled, u)
	})
}
