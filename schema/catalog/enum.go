package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Enum is an enumerated type.
type Enum struct {
	schema.Base
	Values []string `json:"values"`
	// Oids are those of the values, in their order.
	Oids []uint32 `json:"oids,omitempty" diff:"-"`
}

var enumKind = Kind{
	Name:    "enum",
	Catalog: "pg_type",
	New:     func() schema.Object { return &Enum{} },
	Query: func(Server) string {
		return `SELECT t.oid, 0, t.typowner, t.typacl, t.typname, n.nspname, e.labels, e.oids
			FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
			LEFT JOIN (SELECT enumtypid, array_agg(enumlabel ORDER BY enumsortorder) AS labels, array_agg(oid ORDER BY enumsortorder) AS oids
				FROM pg_enum GROUP BY enumtypid) e ON e.enumtypid = t.oid
			WHERE t.typtype = 'e' AND ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		e := &Enum{}
		name, namespace := r.Text(), r.Text()
		e.Ident = schema.ID{Kind: "enum", Schema: namespace, Name: name}
		e.Values, e.Oids = r.Texts(), r.OIDs()
		return e
	},
}

// typeTraits are those of all types but domains.
var typeTraits = schema.Traits{Rank: rankType, Spaces: []string{"type"}, Owned: true, Class: "TYPE"}

// Traits of enums.
func (e *Enum) Traits() *schema.Traits { return &typeTraits }

// Target is TYPE name.
func (e *Enum) Target() string { return "TYPE " + relationName(e.Ident) }

// Create makes the type.
func (e *Enum) Create(schema.Context) []schema.Statement {
	values := make([]string, len(e.Values))
	for i, v := range e.Values {
		values[i] = ddl.QuoteLiteral(v)
	}
	return schema.SQL("CREATE " + e.Target() + " AS ENUM (" + strings.Join(values, ", ") + ")")
}

// Drop removes the type.
func (e *Enum) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + e.Target()) }

// Aside renames the type, to move what uses it to a new one of its name.
func (e *Enum) Aside(schema.Context) []schema.Statement { return aside(e) }

// DropAside removes the renamed type.
func (e *Enum) DropAside(schema.Context) []schema.Statement { return dropAside(e, "") }

// Alter adds values. Values that go or move take another type.
func (e *Enum) Alter(to schema.Object, _ schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Enum)
	current := slices.Clone(e.Values)
	var out []schema.Statement
	for i, value := range n.Values {
		if i < len(current) && current[i] == value {
			continue
		}
		if slices.Contains(current, value) {
			return nil, false
		}
		text := fmt.Sprintf("ALTER %s ADD VALUE %s", n.Target(), ddl.QuoteLiteral(value))
		if i < len(current) {
			text += " BEFORE " + ddl.QuoteLiteral(current[i])
		}
		// A new value cannot be used before it is committed.
		out = append(out, schema.Statement{SQL: text, Transaction: schema.Outside})
		current = slices.Insert(current, i, value)
	}
	return out, len(current) == len(n.Values)
}

// asideName is the name of a type that makes room for another one of its name.
func asideName(id schema.ID) string {
	const suffix = "__replaced"
	name := id.Name
	for len(name) > 63-len(suffix) {
		name = name[:len(name)-1]
	}
	return strings.ToValidUTF8(name, "") + suffix
}

func aside(o schema.Object) []schema.Statement {
	return schema.SQL("ALTER " + o.Target() + " RENAME TO " + ddl.QuoteIdent(asideName(o.ID())))
}

func dropAside(o schema.Object, how string) []schema.Statement {
	id := o.ID()
	noun, _, _ := strings.Cut(o.Target(), " ")
	return schema.SQL("DROP " + noun + " " + ddl.QualifiedName(id.Schema, asideName(id)) + how)
}
