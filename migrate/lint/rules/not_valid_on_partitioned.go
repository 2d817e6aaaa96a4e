package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var notValidOnPartitioned = Rule{
	Name: "not-valid-on-partitioned", Family: Broken, Severity: finding.Error,
	Check: func(p *Pass) {
		p.AnyAlter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AddConstraint || c.Constraint.Kind != ddl.ForeignKey || !c.Constraint.NotValid || !p.Partitioned(n.Name) || p.Set.Major >= 18 {
				return
			}
			f := Found{Span: c.Span, Object: n.Name, Message: fmt.Sprintf("before PostgreSQL 18, a foreign key of a partitioned table such as %s cannot be NOT VALID", n.Name),
				Fix: "-- add it NOT VALID to each partition and validate it there; then add it to the parent, which takes them over"}
			if p.Set.Major == 0 {
				f.Severity = finding.Warning
			}
			p.Report(f)
		})
	},
}
