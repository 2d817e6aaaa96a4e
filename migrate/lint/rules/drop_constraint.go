package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var dropConstraint = Rule{
	Name: "drop-constraint", Family: Loss, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.DropConstraint || slices.ContainsFunc(n.Commands, func(o ddl.Command) bool { return o.Action == ddl.AddConstraint }) {
				return
			}
			known := p.Known(n.Name).Constraint(c.Object)
			if known == nil || known.Kind == ddl.Check || p.Later(func(o ddl.Node) bool {
				a, ok := o.(*ddl.AlterTable)
				return ok && a.Name.Same(n.Name) && slices.ContainsFunc(a.Commands, func(o ddl.Command) bool { return o.Action == ddl.AddConstraint })
			}) != nil {
				return
			}
			p.Report(Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive,
				Message: fmt.Sprintf("nothing keeps %s of %s any more: rows that break it can come in, and it cannot be added again while they are there", known.Kind, n.Name)})
		})
	},
}
