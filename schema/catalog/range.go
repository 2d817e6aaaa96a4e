package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Range is a range type with its multirange type.
type Range struct {
	schema.Base
	Subtype       string `json:"subtype"`
	OperatorClass string `json:"operator_class,omitempty"` // empty: the subtype's default
	Collation     string `json:"collation,omitempty"`      // empty: the subtype's
	Canonical     string `json:"canonical,omitempty"`
	Difference    string `json:"subtype_diff,omitempty"`
	// Multirange is the name of the multirange type where it is not the one the server would give.
	Multirange string `json:"multirange,omitempty"`
}

var rangeKind = Kind{
	Name:    "range",
	Catalog: "pg_type",
	New:     func() schema.Object { return &Range{} },
	Query: func(s Server) string {
		multirange, join := "NULL", ""
		if s.Major >= 14 {
			multirange = "quote_ident(un.nspname) || '.' || quote_ident(u.typname), un.nspname = n.nspname AND u.typname = CASE WHEN t.typname LIKE '%range%' THEN regexp_replace(t.typname, 'range', 'multirange') ELSE t.typname || '_multirange' END"
			join = " JOIN pg_type u ON u.oid = r.rngmultitypid JOIN pg_namespace un ON un.oid = u.typnamespace"
		} else {
			multirange += ", true"
		}
		return `SELECT t.oid, 0, t.typowner, t.typacl, t.typname, n.nspname, format_type(r.rngsubtype, NULL),
			CASE WHEN NOT o.opcdefault OR o.opcintype <> r.rngsubtype THEN quote_ident(m.nspname) || '.' || quote_ident(o.opcname) END,
			CASE WHEN r.rngcollation <> y.typcollation THEN quote_ident(ln.nspname) || '.' || quote_ident(l.collname) END,
			CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical END::regproc, CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff END::regproc, ` + multirange + `
			FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type y ON y.oid = r.rngsubtype
			JOIN pg_opclass o ON o.oid = r.rngsubopc JOIN pg_namespace m ON m.oid = o.opcnamespace
			LEFT JOIN pg_collation l ON l.oid = r.rngcollation LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace` + join + `
			WHERE ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		g := &Range{}
		name, namespace := r.Text(), r.Text()
		g.Ident = schema.ID{Kind: "range", Schema: namespace, Name: name}
		g.Subtype, g.OperatorClass, g.Collation, g.Canonical, g.Difference, g.Multirange = r.Text(), r.Text(), r.Text(), r.Text(), r.Text(), r.Text()
		g.OperatorClass = strings.TrimPrefix(g.OperatorClass, "pg_catalog.")
		if usual := r.Bool(); usual {
			g.Multirange = ""
		}
		return g
	},
}

// Traits of ranges.
func (g *Range) Traits() *schema.Traits { return &typeTraits }

// Target is TYPE name.
func (g *Range) Target() string { return "TYPE " + relationName(g.Ident) }

// Create makes the type and its multirange type.
func (g *Range) Create(schema.Context) []schema.Statement {
	lines := []string{"SUBTYPE = " + g.Subtype}
	for _, option := range [][2]string{
		{"SUBTYPE_OPCLASS", g.OperatorClass}, {"COLLATION", g.Collation}, {"CANONICAL", g.Canonical},
		{"SUBTYPE_DIFF", g.Difference}, {"MULTIRANGE_TYPE_NAME", g.Multirange},
	} {
		if option[1] != "" {
			lines = append(lines, option[0]+" = "+option[1])
		}
	}
	return schema.SQL("CREATE " + g.Target() + " AS RANGE (\n    " + strings.Join(lines, ",\n    ") + "\n)")
}

// Early makes a shell type, for the canonical function to be written with.
func (g *Range) Early(schema.Context) []schema.Statement {
	if g.Canonical == "" {
		return nil
	}
	return schema.SQL("CREATE " + g.Target())
}

// Late makes the type of the shell.
func (g *Range) Late(c schema.Context) []schema.Statement { return g.Create(c) }

// Takes reports which drops the type's own drop includes: the canonical function's.
func (g *Range) Takes(user schema.Object) bool {
	f, ok := user.(*Function)
	return ok && f.Ident.Args == "("+relationName(g.Ident)+")" && relationName(f.Ident) == g.Canonical
}

// Drop removes the type.
func (g *Range) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + g.Target() + g.cascade())
}

func (g *Range) cascade() string {
	if g.Canonical != "" {
		return " CASCADE"
	}
	return ""
}

// Aside renames the type with its multirange type and the functions that make
// its values, to move what uses it to a new one of its name.
func (g *Range) Aside(x schema.Context) []schema.Statement {
	out := aside(g)
	name := g.Ident.Name
	rename := func(schemaName, function, arguments string) {
		out = append(out, schema.SQL("ALTER FUNCTION "+ddl.QualifiedName(schemaName, function)+"("+arguments+") RENAME TO "+ddl.QuoteIdent(asideName(schema.ID{Name: function})))...)
	}
	rename(g.Ident.Schema, name, g.Subtype+", "+g.Subtype)
	rename(g.Ident.Schema, name, g.Subtype+", "+g.Subtype+", text")
	if x.Major() < 14 {
		return out
	}
	namespace, multirange := g.Ident.Schema, name+"_multirange"
	if strings.Contains(name, "range") {
		multirange = strings.Replace(name, "range", "multirange", 1)
	}
	if g.Multirange != "" {
		id, err := schema.ParseID("type:" + g.Multirange)
		if err != nil {
			return nil
		}
		namespace, multirange = id.Schema, id.Name
	}
	rename(namespace, multirange, "")
	return append(out, schema.SQL("ALTER TYPE "+ddl.QualifiedName(namespace, multirange)+" RENAME TO "+ddl.QuoteIdent(asideName(schema.ID{Name: "multi_" + name})))...)
}

// DropAside removes the renamed type.
func (g *Range) DropAside(schema.Context) []schema.Statement { return dropAside(g, g.cascade()) }

// Alter cannot: another definition takes another type.
func (g *Range) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}
