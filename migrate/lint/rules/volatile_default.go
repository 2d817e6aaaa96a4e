package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var volatileDefault = Rule{
	Name: "volatile-default", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AddColumn || c.Definition == nil {
				return
			}
			col := c.Definition
			def := col.Find(ddl.Default)
			if def == nil || col.Type.IsSerial() || col.Find(ddl.Identity) != nil || col.Find(ddl.Generated) != nil {
				return
			}
			if len(def.Expr.Calls()) == 0 {
				return
			}
			// By itself, so that no other part of the statement is taken for it.
			alone := &ddl.AlterTable{Kind: "TABLE", Name: n.Name, Commands: []ddl.Command{{Action: ddl.AddColumn, Definition: &ddl.Column{
				Name: col.Name, Type: ddl.TypeName{Name: "text", Text: "text"}, Constraints: []ddl.Constraint{*def}}}}}
			for _, e := range ddl.Effects(alone, p.Major, p.Scene) {
				if !e.Rewrite || e.Kind == ddl.Sequence || !e.Object.Same(n.Name) {
					continue
				}
				f := Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Rewrites,
					Message: fmt.Sprintf("the default %s differs from row to row, so every row of %s is written anew while nobody reads or writes it", def.Expr.Text, n.Name),
					Fix:     sql("ALTER TABLE %[1]s ADD COLUMN %[2]s %[3]s;\nALTER TABLE %[1]s ALTER COLUMN %[2]s SET DEFAULT %[4]s;\n-- then fill the old rows in batches", n.Name, ddl.QuoteIdent(col.Name), col.Type.Text, def.Expr.Text)}
				if e.Assumed {
					f.Severity = finding.Warning
					f.Message = fmt.Sprintf("if %s is volatile, every row of %s is written anew while nobody reads or writes it", def.Expr.Text, n.Name)
				}
				p.Report(f)
				return
			}
		})
	},
}
