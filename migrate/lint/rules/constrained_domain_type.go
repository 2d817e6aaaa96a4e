package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var constrainedDomainType = Rule{
	Name: "constrained-domain-type", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		if n, ok := p.Node.(*ddl.CreateDomain); ok && slices.ContainsFunc(n.Constraints, func(c ddl.Constraint) bool { return c.Kind == ddl.Check || c.Kind == ddl.NotNull }) {
			p.Report(Found{Span: n.Name.Span, Message: fmt.Sprintf("adding a column of domain %s to a table, or changing its constraints, looks at every row of every table that uses it", n.Name), Fix: "-- a CHECK of the table can be added NOT VALID and validated beside traffic"})
		}
	},
}
