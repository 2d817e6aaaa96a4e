package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Trigger is a trigger or constraint trigger of a table or view. What a
// partition has from its parent is not an object, unless it is enabled differently.
type Trigger struct {
	schema.Base
	Table      schema.ID `json:"table" diff:"-"`
	Definition string    `json:"definition,omitempty"`
	// Enabled is DISABLE, ENABLE REPLICA, ENABLE ALWAYS or empty for ENABLE.
	Enabled string `json:"enabled,omitempty"`
	// Cloned: the parent table's trigger made this one on a partition.
	Cloned bool `json:"cloned,omitempty"`
}

var triggerKind = Kind{
	Name:    "trigger",
	Catalog: "pg_trigger",
	New:     func() schema.Object { return &Trigger{} },
	Query: func(Server) string {
		return `SELECT g.oid, 0, 0, NULL, g.tgname, g.tgrelid, g.tgenabled, p.oid IS NOT NULL, CASE WHEN p.oid IS NULL THEN pg_get_triggerdef(g.oid) END
			FROM pg_trigger g LEFT JOIN pg_trigger p ON p.oid = g.tgparentid
			WHERE NOT coalesce(p.tgisinternal, g.tgisinternal) AND (p.oid IS NULL OR p.tgenabled <> g.tgenabled)`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		g := &Trigger{}
		name, table := r.Text(), rd.relations[r.OID()]
		if table == nil {
			return nil
		}
		g.Table = table.id
		g.Ident = schema.ID{Kind: "trigger", Schema: table.id.Schema, Table: table.id.Name, Name: name}
		g.Enabled, g.Cloned, g.Definition = enabledStates[r.Text()], r.Bool(), r.Text()
		return g
	},
}

var triggerTraits = schema.Traits{Rank: rankTrigger}

// Traits of triggers.
func (g *Trigger) Traits() *schema.Traits { return &triggerTraits }

// Parent is the trigger's relation.
func (g *Trigger) Parent() schema.ID { return g.Table }

// Target is TRIGGER name ON relation.
func (g *Trigger) Target() string {
	return "TRIGGER " + ddl.QuoteIdent(g.Ident.Name) + " ON " + relationName(g.Table)
}

// Create makes the trigger.
func (g *Trigger) Create(schema.Context) []schema.Statement {
	if g.Cloned {
		return g.enable()
	}
	out := schema.SQL(g.Definition)
	if g.Enabled != "" {
		out = append(out, g.enable()...)
	}
	return out
}

func (g *Trigger) enable() []schema.Statement {
	noun := "TABLE "
	if g.Table.Kind == "foreign_table" {
		noun = "FOREIGN TABLE "
	}
	return schema.SQL("ALTER " + noun + relationName(g.Table) + " " + enabling(g.Enabled) + " TRIGGER " + ddl.QuoteIdent(g.Ident.Name))
}

// Drop removes the trigger; a cloned one follows its parent's again.
func (g *Trigger) Drop(x schema.Context) []schema.Statement {
	if g.Cloned {
		for _, parent := range parents(x.To, g.Table) {
			if t, ok := x.To.Object(schema.ID{Kind: "trigger", Schema: parent.Schema, Table: parent.Name, Name: g.Ident.Name}).(*Trigger); ok {
				again := &Trigger{Base: g.Base, Table: g.Table, Enabled: t.Enabled}
				return again.enable()
			}
		}
		return nil
	}
	return schema.SQL("DROP " + g.Target())
}

// Alter enables and disables in place and replaces the definition.
func (g *Trigger) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*Trigger)
	var out []schema.Statement
	if g.Cloned != n.Cloned {
		return nil, false
	}
	if changes.Has("definition") {
		if x.Major() < 14 || strings.HasPrefix(n.Definition, "CREATE CONSTRAINT") || strings.HasPrefix(g.Definition, "CREATE CONSTRAINT") {
			return nil, false
		}
		out = append(out, schema.SQL(strings.Replace(n.Definition, "CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1))...)
		if n.Enabled != "" {
			out = append(out, n.enable()...)
		}
		return out, true
	}
	return n.enable(), true
}
