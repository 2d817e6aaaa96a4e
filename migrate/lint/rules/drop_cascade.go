package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var dropCascade = Rule{
	Name: "drop-cascade", Family: Loss, Severity: finding.Warning,
	Check: func(p *Pass) {
		if n, ok := p.Node.(*ddl.Drop); ok && n.Behavior == ddl.Cascade && n.Kind != "SCHEMA" && n.Kind != "OWNED" {
			if len(n.Names) > 0 && (p.New(n.Names[0]) || n.Kind == "TABLE" && p.recreated(n.Names[0])) {
				return
			}
			p.Report(Found{Message: "CASCADE also drops whatever depends on this, without naming it: views, foreign keys, columns of a type", Fix: "-- drop what depends on it by name first"})
		}
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if (c.Action == ddl.DropColumn || c.Action == ddl.DropConstraint) && c.Behavior == ddl.Cascade {
				p.Report(Found{Span: c.Span, Object: n.Name, Message: "CASCADE also drops whatever depends on this, without naming it: views, foreign keys", Fix: "-- drop what depends on it by name first"})
			}
		})
	},
}
