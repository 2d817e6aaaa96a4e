package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// moves reports whether a table's rows have to move to a new table of its
// name, since no ALTER TABLE makes it what it shall be: it is partitioned by
// another key (or by none, or has been by none), or it is a partition of such
// a table. Root is the table that the rows are read from.
func moves(x schema.Context, table schema.ID) (root schema.ID, ok bool) {
	old, ok := x.From.Object(table).(*Table)
	if !ok || old.foreign() {
		return table, false
	}
	to, kept := x.To.Object(table).(*Table)
	if link := partitionOf(x.From, table); link != nil {
		again := partitionOf(x.To, table)
		if root, ok := moves(x, link.Of); ok && (!kept || again != nil && again.Of == link.Of) {
			return root, true
		}
	}
	if !kept {
		return table, false
	}
	return table, to.PartitionBy != old.PartitionBy || old.keyChanges(to, x)
}

func partitionOf(m *schema.Model, table schema.ID) *Partition {
	p, _ := m.Object(schema.ID{Kind: "partition", Schema: table.Schema, Name: table.Name}).(*Partition)
	return p
}

// keyChanges reports whether a column of the partition key gets another type,
// which ALTER COLUMN … TYPE refuses.
func (t *Table) keyChanges(to *Table, x schema.Context) bool {
	if t.PartitionBy == "" {
		return false
	}
	for _, part := range x.From.Parts(t.Ident) {
		a, ok := part.(*Column)
		b, still := x.To.Object(part.ID()).(*Column)
		if !ok || !still || !mentions(t.PartitionBy, a.Ident.Name) {
			continue
		}
		if a.Type != b.Type && !moved(a.Type, b.Type, x) || a.Collation != b.Collation {
			return true
		}
		for on := range x.From.Dependencies(a.Ident) {
			if on.Kind != "enum" {
				continue
			}
			if made := x.To.Object(on); made != nil {
				enum := x.From.Object(on)
				if changes := schema.Compare(enum, made); len(changes) > 0 {
					if _, inPlace := enum.Alter(made, changes, x); !inPlace {
						return true
					}
				}
			}
		}
	}
	return false
}

// mentions reports whether an expression has a name among its tokens.
func mentions(expression, name string) bool {
	quoted := ddl.QuoteIdent(name)
	return slices.Contains(strings.FieldsFunc(expression, func(c rune) bool { return strings.ContainsRune(" (),", c) }), quoted) ||
		strings.HasPrefix(quoted, `"`) && strings.Contains(expression, quoted)
}

// fresh reports whether the statements make the table: it was not there, or
// its rows move to a new one.
func fresh(x schema.Context, table schema.ID) bool {
	if !x.From.Has(table) {
		return true
	}
	_, ok := moves(x, table)
	return ok
}

// Moves says from which table the rows move.
func (t *Table) Moves(x schema.Context) (root schema.ID, ok bool) { return moves(x, t.Ident) }

// asideSchema is where the old table of that name stands meanwhile, so that
// its indexes, constraints and identities leave their names, too.
func asideSchema(root schema.ID) string {
	name := "kedge_moved_" + root.Schema + "_" + root.Name
	return ddl.QuoteIdent(name[:min(len(name), 63)])
}

// Aside puts the table into a schema of its own. Sequences that stay leave it before.
func (t *Table) Aside(x schema.Context) []schema.Statement {
	root, _ := moves(x, t.Ident)
	space := asideSchema(root)
	out := schema.SQL("CREATE SCHEMA IF NOT EXISTS " + space)
	if link := partitionOf(x.From, t.Ident); link != nil && root == t.Ident {
		out = append(out, link.Drop(x)...)
	}
	for _, s := range ownedBy(x.From, t.Ident) {
		if s.Stays(x) {
			out = append(out, schema.SQL("ALTER "+s.Target()+" OWNED BY NONE")...)
		}
	}
	s := t.alter("SET SCHEMA " + space)
	s.Lock = "AccessExclusiveLock"
	out = append(out, s)
	if t.ForceRowSecurity {
		out = append(out, schema.SQL("ALTER TABLE "+space+"."+ddl.QuoteIdent(t.Ident.Name)+" NO FORCE ROW LEVEL SECURITY")...)
	}
	return out
}

func ownedBy(m *schema.Model, table schema.ID) []*Sequence {
	var out []*Sequence
	for _, o := range m.OfKind("sequence") {
		if s := o.(*Sequence); s.OwnedTable == table {
			out = append(out, s)
		}
	}
	return out
}

// DropAside moves the rows and drops the old table with its partitions.
func (t *Table) DropAside(x schema.Context) []schema.Statement {
	if root, _ := moves(x, t.Ident); root != t.Ident {
		return nil // goes with the table that it is a partition of
	}
	space := asideSchema(t.Ident)
	old := space + "." + ddl.QuoteIdent(t.Ident.Name)
	var columns, values, lost []string
	for _, part := range x.From.Parts(t.Ident) {
		a, ok := part.(*Column)
		if !ok {
			continue
		}
		name := ddl.QuoteIdent(a.Ident.Name)
		b, still := x.To.Object(a.Ident).(*Column)
		switch {
		case !still:
			if a.Generated == "" {
				lost = append(lost, name)
			}
		case b.Generated == "":
			value := name
			if a.Type != b.Type {
				value = converted(name, a.Type, b.Type, x)
			} else if a.Generated == "" && t.keyReplaced(a, x) {
				value = name + "::text::" + b.Type
			}
			columns, values = append(columns, name), append(values, value)
		}
	}
	var out []schema.Statement
	if len(columns) > 0 {
		copying := schema.Statement{
			SQL: "INSERT INTO " + t.name() + " (" + strings.Join(columns, ", ") + ") OVERRIDING SYSTEM VALUE SELECT " +
				strings.Join(values, ", ") + " FROM " + old,
			Lock: "AccessExclusiveLock",
			Hazards: []schema.Hazard{{Kind: schema.TableRewrite, Message: "copies all rows of " + t.name() +
				" to a new table, while nobody can use it; fails, and changes nothing, when a row fits no partition"}},
		}
		out = append(out, copying)
	}
	for _, s := range ownedBy(x.From, t.Ident) {
		n, ok := x.To.Object(s.Ident).(*Sequence)
		if !ok {
			continue
		}
		if s.Stays(x) {
			if n.OwnedBy == s.OwnedBy {
				out = append(out, n.own(x)...)
			}
			continue
		}
		out = append(out, schema.SQL("SELECT pg_catalog.setval("+ddl.QuoteLiteral(n.name())+", last_value, is_called) FROM "+space+"."+ddl.QuoteIdent(s.Ident.Name))...)
	}
	drop := schema.Statement{SQL: "DROP TABLE " + old, Lock: "AccessExclusiveLock"}
	if len(lost) > 0 {
		drop.Hazards = []schema.Hazard{{Kind: schema.DataLoss, Message: "drops the values of " + strings.Join(lost, ", ") + " of " + t.name()}}
	}
	return append(out, drop, schema.Statement{SQL: "DROP SCHEMA " + space})
}

// keyReplaced reports whether a column's enum is made anew.
func (t *Table) keyReplaced(a *Column, x schema.Context) bool {
	for on := range x.From.Dependencies(a.Ident) {
		if on.Kind == "enum" && x.To.Has(on) && len(schema.Compare(x.From.Object(on), x.To.Object(on))) > 0 {
			return true
		}
	}
	return false
}

// Stays tells that a sequence outlives the table that owns it, when that moves.
func (s *Sequence) Stays(x schema.Context) bool {
	n, ok := x.To.Object(s.Ident).(*Sequence)
	if !ok || s.Identity != "" || n.Identity != "" || s.OwnedBy.IsZero() {
		return false
	}
	_, moving := moves(x, s.OwnedTable)
	return moving
}

// DataOrder of what must not see, or needs to see, the rows that move.
func (g *Trigger) DataOrder() schema.DataOrder { return schema.AfterData }

// DataOrder of a rule: it must not take the rows.
func (w *Rule) DataOrder() schema.DataOrder { return schema.AfterData }

// DataOrder of a policy: it must not hide the rows.
func (p *Policy) DataOrder() schema.DataOrder { return schema.AfterData }

// DataOrder of a partition: the rows go there.
func (p *Partition) DataOrder() schema.DataOrder { return schema.BeforeData }

// DataOrder of a materialized view: it is filled from the rows.
func (v *MaterializedView) DataOrder() schema.DataOrder { return schema.AfterData }

// DataOrder of a constraint: a foreign key looks for the rows.
func (k *Constraint) DataOrder() schema.DataOrder {
	if k.Type == ForeignKey {
		return schema.AfterData
	}
	return schema.AnyTime
}
