package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Attribute is an attribute of a composite type.
type Attribute struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Collation string `json:"collation,omitempty"` // empty: the type's
	Comment   string `json:"comment,omitempty"`
}

// Composite is a composite type that stands alone (no table's row type).
type Composite struct {
	schema.Base
	Attributed []Attribute `json:"attributes,omitempty"`
}

var compositeKind = Kind{
	Name:    "composite_type",
	Catalog: "pg_type",
	New:     func() schema.Object { return &Composite{} },
	Query: func(Server) string {
		return `SELECT t.oid, 0, t.typowner, t.typacl, t.typname, n.nspname, a.names, a.types, a.collations, a.comments
			FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
			LEFT JOIN (SELECT a.attrelid, array_agg(a.attname::text ORDER BY a.attnum) AS names, array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types,
				array_agg(CASE WHEN a.attcollation <> y.typcollation THEN quote_ident(m.nspname) || '.' || quote_ident(l.collname) ELSE '' END ORDER BY a.attnum) AS collations,
				array_agg(coalesce(d.description, '') ORDER BY a.attnum) AS comments
				FROM pg_attribute a JOIN pg_class k ON k.oid = a.attrelid AND k.relkind = 'c' JOIN pg_type y ON y.oid = a.atttypid
				LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_namespace m ON m.oid = l.collnamespace
				LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
				WHERE a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid) a ON a.attrelid = c.oid
			WHERE t.typtype = 'c' AND ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		c := &Composite{}
		name, namespace := r.Text(), r.Text()
		c.Ident = schema.ID{Kind: "composite_type", Schema: namespace, Name: name}
		names, types, collations, comments := r.Texts(), r.Texts(), r.Texts(), r.Texts()
		for i := range names {
			c.Attributed = append(c.Attributed, Attribute{names[i], types[i], collations[i], comments[i]})
		}
		return c
	},
}

var compositeTraits = schema.Traits{Rank: rankType, Spaces: []string{"type", "relation"}, Owned: true, Class: "TYPE"}

// Traits of composite types.
func (c *Composite) Traits() *schema.Traits { return &compositeTraits }

// Target is TYPE name.
func (c *Composite) Target() string { return "TYPE " + relationName(c.Ident) }

// Create makes the type.
func (c *Composite) Create(schema.Context) []schema.Statement {
	lines := make([]string, len(c.Attributed))
	var comments []schema.Statement
	for i, a := range c.Attributed {
		lines[i] = "\n    " + a.definition()
		comments = append(comments, c.comment(Attribute{}, a)...)
	}
	text := "CREATE " + c.Target() + " AS (" + strings.Join(lines, ",")
	if len(lines) > 0 {
		text += "\n"
	}
	return append(schema.SQL(text+")"), comments...)
}

func (a Attribute) definition() string {
	text := ddl.QuoteIdent(a.Name) + " " + a.Type
	if a.Collation != "" {
		text += " COLLATE " + a.Collation
	}
	return text
}

func (c *Composite) comment(from, to Attribute) []schema.Statement {
	if from.Comment == to.Comment {
		return nil
	}
	text := "NULL"
	if to.Comment != "" {
		text = ddl.QuoteLiteral(to.Comment)
	}
	return schema.SQL("COMMENT ON COLUMN " + relationName(c.Ident) + "." + ddl.QuoteIdent(to.Name) + " IS " + text)
}

// Drop removes the type.
func (c *Composite) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + c.Target()) }

// Aside renames the type, to move what uses it to a new one of its name.
func (c *Composite) Aside(schema.Context) []schema.Statement { return aside(c) }

// DropAside removes the renamed type.
func (c *Composite) DropAside(schema.Context) []schema.Statement { return dropAside(c, "") }

// Alter drops, adds and changes attributes; where a column has the type and an
// attribute's type changes, only another type helps. New attributes can only
// come last.
func (c *Composite) Alter(to schema.Object, _ schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*Composite)
	var out, comments []schema.Statement
	var names []string
	alter := func(action string, hazards ...schema.Hazard) {
		out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " " + action + " CASCADE", Hazards: hazards})
	}
	stored := c.stored(x)
	for _, a := range c.Attributed {
		i := n.attribute(a.Name)
		if i < 0 {
			alter("DROP ATTRIBUTE "+ddl.QuoteIdent(a.Name),
				schema.Hazard{Kind: schema.DataLoss, Message: "values of " + relationName(n.Ident) + " lose their " + ddl.QuoteIdent(a.Name)})
			continue
		}
		names = append(names, a.Name)
		b := n.Attributed[i]
		if a.Type != b.Type || a.Collation != b.Collation {
			if stored {
				return nil, false
			}
			action := "ALTER ATTRIBUTE " + ddl.QuoteIdent(a.Name) + " TYPE " + b.Type
			if b.Collation != "" {
				action += " COLLATE " + b.Collation
			}
			alter(action)
		}
		comments = append(comments, n.comment(a, b)...)
	}
	for _, b := range n.Attributed {
		if c.attribute(b.Name) < 0 {
			alter("ADD ATTRIBUTE " + b.definition())
			names = append(names, b.Name)
			comments = append(comments, n.comment(Attribute{}, b)...)
		}
	}
	for i, b := range n.Attributed {
		if names[i] != b.Name && !within(c.Ident, x) {
			return nil, false
		}
	}
	return append(out, comments...), true
}

func (c *Composite) attribute(name string) int {
	for i, a := range c.Attributed {
		if a.Name == name {
			return i
		}
	}
	return -1
}

// stored reports whether a table's column has the type, by itself or within another type.
func (c *Composite) stored(x schema.Context) bool {
	alone, within := storage(c.Ident, x)
	return alone || within
}

// within reports whether a table's column has values of the type inside of
// values of another one.
func within(typ schema.ID, x schema.Context) bool {
	_, within := storage(typ, x)
	return within
}

// storage finds the tables' columns of a type: those of the type itself, and
// those of arrays and types made of it.
func storage(typ schema.ID, x schema.Context) (alone, within bool) {
	seen := map[schema.ID]bool{typ: true}
	for grown := x.From.Has(typ); grown; {
		grown = false
		for _, o := range x.From.Objects() {
			id := o.ID()
			if seen[id] {
				continue
			}
			for on := range x.From.Dependencies(id) {
				if !seen[on] {
					continue
				}
				switch o := o.(type) {
				case *Column:
					switch {
					case o.ofView():
					case o.Type == relationName(typ):
						alone = true
					case strings.Contains(o.Type, relationName(on)):
						within = true
					}
				case *Composite, *Domain, *Range:
					seen[id], grown = true, true
				}
			}
		}
	}
	return alone, within
}

// recast is the expression that makes a value of the type from one of what it
// was, attribute by attribute.
func (c *Composite) recast(from *Composite, value string) string {
	parts := make([]string, len(c.Attributed))
	for i, a := range c.Attributed {
		at := from.attribute(a.Name)
		if at < 0 {
			parts[i] = "NULL::" + a.Type
			continue
		}
		parts[i] = "(" + value + ")." + ddl.QuoteIdent(a.Name)
		if old := from.Attributed[at].Type; old != a.Type {
			parts[i] = conversion(parts[i], old, a.Type)
		}
	}
	return "CASE WHEN " + value + " IS NOT DISTINCT FROM NULL THEN NULL ELSE ROW(" + strings.Join(parts, ", ") + ")::" + relationName(c.Ident) + " END"
}
