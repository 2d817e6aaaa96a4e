package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// enabledStates are the values of ev_enabled and tgenabled; "" is ENABLE.
var enabledStates = map[string]string{"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}

func enabling(state string) string {
	if state == "" {
		return "ENABLE"
	}
	return state
}

// Rule is a rewrite rule other than that of a view.
type Rule struct {
	schema.Base
	Table      schema.ID `json:"table" diff:"-"`
	Definition string    `json:"definition"`
	// Enabled is DISABLE, ENABLE REPLICA, ENABLE ALWAYS or empty for ENABLE.
	Enabled string `json:"enabled,omitempty"`
}

var ruleKind = Kind{
	Name:    "rule",
	Catalog: "pg_rewrite",
	New:     func() schema.Object { return &Rule{} },
	Query: func(Server) string {
		return `SELECT w.oid, 0, 0, NULL, w.rulename, w.ev_class, w.ev_enabled, pg_get_ruledef(w.oid) FROM pg_rewrite w
			WHERE w.oid >= 16384 AND w.rulename <> '_RETURN'`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		w := &Rule{}
		name, table := r.Text(), rd.relations[r.OID()]
		if table == nil {
			return nil
		}
		w.Table = table.id
		w.Ident = schema.ID{Kind: "rule", Schema: table.id.Schema, Table: table.id.Name, Name: name}
		w.Enabled = enabledStates[r.Text()]
		w.Definition = strings.TrimSuffix(strings.TrimSpace(r.Text()), ";")
		return w
	},
}

var ruleTraits = schema.Traits{Rank: rankRule}

// Traits of rules.
func (w *Rule) Traits() *schema.Traits { return &ruleTraits }

// Parent is the rule's relation.
func (w *Rule) Parent() schema.ID { return w.Table }

// Target is RULE name ON relation.
func (w *Rule) Target() string {
	return "RULE " + ddl.QuoteIdent(w.Ident.Name) + " ON " + relationName(w.Table)
}

// Create makes the rule.
func (w *Rule) Create(schema.Context) []schema.Statement {
	out := schema.SQL(w.Definition)
	if w.Enabled != "" {
		out = append(out, w.enable()...)
	}
	return out
}

func (w *Rule) enable() []schema.Statement {
	return schema.SQL("ALTER TABLE " + relationName(w.Table) + " " + enabling(w.Enabled) + " RULE " + ddl.QuoteIdent(w.Ident.Name))
}

// Drop removes the rule.
func (w *Rule) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + w.Target()) }

// Alter replaces the definition.
func (w *Rule) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Rule)
	var out []schema.Statement
	if changes.Has("definition") {
		out = append(out, schema.SQL(strings.Replace(n.Definition, "CREATE RULE", "CREATE OR REPLACE RULE", 1))...)
	}
	if changes.Has("enabled") {
		out = append(out, n.enable()...)
	}
	return out, true
}
