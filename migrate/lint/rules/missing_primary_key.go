package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var missingPrimaryKey = Rule{
	Name: "missing-primary-key", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateTable)
		if !ok || n.Persistence == ddl.Temporary || n.Foreign || !n.PartitionOf.IsZero() || len(n.Inherits) > 0 || len(n.Like) > 0 || !n.OfType.IsZero() {
			return
		}
		for i := range n.Columns {
			if n.Columns[i].Find(ddl.PrimaryKey) != nil {
				return
			}
		}
		if slices.ContainsFunc(n.Constraints, func(c ddl.Constraint) bool { return c.Kind == ddl.PrimaryKey }) {
			return
		}
		if p.Later(func(o ddl.Node) bool {
			a, ok := o.(*ddl.AlterTable)
			return ok && a.Name.Same(n.Name) && slices.ContainsFunc(a.Commands, func(c ddl.Command) bool { return addedConstraint(&c, ddl.PrimaryKey) != nil })
		}) != nil {
			return
		}
		p.Report(Found{Span: n.Name.Span, Object: n.Name, Message: fmt.Sprintf("%s has no primary key: its rows cannot be told apart, nor updated by logical replication", n.Name)})
	},
}
