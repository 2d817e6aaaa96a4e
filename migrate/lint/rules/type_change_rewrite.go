package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var typeChangeRewrite = Rule{
	Name: "type-change-rewrite", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AlterColumnType {
				return
			}
			e := p.family(n)
			known := p.Known(n.Name).Column(c.Column)
			f := Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Fix: newColumn(n.Name, c)}
			switch {
			case e.Rewrite && !e.Assumed:
				f.Work = Rewrites
				f.Message = fmt.Sprintf("changing %s to %s writes every row of %s, and all its indexes, anew while nobody reads or writes it", ddl.QuoteIdent(c.Column), c.Type.Text, n.Name)
			case e.Rewrite && known == nil && alwaysWritten(c.Type):
				f.Work = Rewrites
				f.Message = fmt.Sprintf("changing %s to %s writes every row of %s, and all its indexes, anew while nobody reads or writes it, unless it is that already", ddl.QuoteIdent(c.Column), c.Type.Text, n.Name)
			case e.Rewrite && known == nil:
				f.Work = Rewrites
				f.Message = fmt.Sprintf("changing %s to %s may write every row of %s anew while nobody reads or writes it: that depends on its present type, which is not known here", ddl.QuoteIdent(c.Column), c.Type.Text, n.Name)
				f.Severity = finding.Warning
			case e.Rewrite:
				f.Work, f.Severity = Rewrites, finding.Warning
				f.Message = fmt.Sprintf("changing %s from %s to %s may write every row of %s anew while nobody reads or writes it", ddl.QuoteIdent(c.Column), known.Type.Text, c.Type.Text, n.Name)
			default:
				return
			}
			p.Report(f)
		})
	},
}

// family returns what the ALTER does to the table and its partitions, all in one.
func (p *Pass) family(n *ddl.AlterTable) ddl.Effect {
	all, _ := p.Effect(n.Name)
	for _, r := range p.Scene.Descendants(n.Name) {
		if e, ok := p.Effect(r.Name); ok {
			all.Rewrite, all.Scan = all.Rewrite || e.Rewrite, all.Scan || e.Scan
		}
	}
	return all
}

func newColumn(table ddl.Name, c *ddl.Command) string {
	return sql("-- add a column of the new type, keep it filled by a trigger, fill the old rows in batches,\n-- let the code use it, and drop the old one in a later release:\nALTER TABLE %s ADD COLUMN %s %s;", table, ddl.QuoteIdent(c.Column+"_new"), c.Type.Text)
}

// alwaysWritten tells whether no other type keeps its bytes when it becomes this one.
func alwaysWritten(t ddl.TypeName) bool {
	switch t.Name {
	case "int2", "int4", "int8", "float4", "float8", "bool", "date", "uuid", "json", "jsonb", "bytea", "money", "bpchar":
		return t.Schema == ""
	}
	return false
}
