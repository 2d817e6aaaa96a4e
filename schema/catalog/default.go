package catalog

import (
	"github.com/kedgedb/kedge/schema"
)

// Default is a column's default.
type Default struct {
	schema.Base
	Column     schema.ID `json:"column" diff:"-"`
	Table      schema.ID `json:"table" diff:"-"`
	Expression string    `json:"expression"`
}

var defaultKind = Kind{
	Name:    "default",
	Catalog: "pg_attrdef",
	New:     func() schema.Object { return &Default{} },
	Query: func(Server) string {
		// A default has no columns in it, so equal trees have equal texts, and
		// most defaults of a database are a few expressions.
		return `WITH trees AS MATERIALIZED (SELECT d.oid, d.adrelid, d.adnum, md5(d.adbin::text) AS tree FROM pg_attrdef d
				JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated = '' AND d.oid >= 16384),
			texts AS MATERIALIZED (SELECT u.tree, pg_get_expr(d.adbin, d.adrelid) AS text FROM (SELECT tree, min(oid) AS oid FROM trees GROUP BY tree) u JOIN pg_attrdef d ON d.oid = u.oid)
			SELECT t.oid, 0, 0, NULL, t.adrelid, t.adnum, x.text FROM trees t JOIN texts x ON x.tree = t.tree`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		relid, attnum := r.OID(), int(r.Int())
		relation := rd.relations[relid]
		if relation == nil || !rd.model.Has(relation.id) {
			return nil
		}
		d := &Default{Table: relation.id, Column: columnID(relation.id, rd.columnName(relid, attnum))}
		d.Ident = d.Column
		d.Ident.Kind = "default"
		d.Expression = r.Text()
		return d
	},
}

var defaultTraits = schema.Traits{Rank: rankDefault}

// Traits of defaults.
func (d *Default) Traits() *schema.Traits { return &defaultTraits }

// Parent is the column.
func (d *Default) Parent() schema.ID { return d.Column }

// Occupies names the slots it takes: a column has one of default, identity and generation expression.
func (d *Default) Occupies() []schema.Slot { return []schema.Slot{valueSlot(d.Column)} }

// Target is the column's; a default has no comment.
func (d *Default) Target() string { return d.column().Target() }

func (d *Default) column() *Column {
	c := &Column{Table: d.Table}
	c.Ident = d.Column
	return c
}

// Inline says where the part is written: a default is written with its column.
func (d *Default) Inline(x schema.Context) schema.Inline {
	c, ok := x.To.Object(d.Column).(*Column)
	if !ok || c.ofView() {
		return schema.Apart
	}
	if t, ok := x.To.Object(d.Table).(*Table); ok && c.inherits(t) {
		if fresh(x, d.Table) && c.parentDefault(x) == d.Expression {
			return schema.Fixed // comes with the parent's
		}
		return schema.Apart
	}
	return schema.Firm
}

// Create sets the default, unless the column just got it from the parent's.
func (d *Default) Create(x schema.Context) []schema.Statement {
	if c, ok := x.To.Object(d.Column).(*Column); ok && !x.From.Has(d.Column) && c.follows(x) && c.parentDefault(x) == d.Expression {
		return nil
	}
	return []schema.Statement{d.column().alterOnly("SET DEFAULT " + d.Expression)}
}

// Drop removes it.
func (d *Default) Drop(schema.Context) []schema.Statement {
	return []schema.Statement{d.column().alterOnly("DROP DEFAULT")}
}

// Alter sets the other expression.
func (d *Default) Alter(to schema.Object, _ schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	return to.Create(x), true
}
