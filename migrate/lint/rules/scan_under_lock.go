package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var scanUnderLock = Rule{
	Name: "scan-under-lock", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		if p.Traced {
			p.otherWork(false)
			return
		}
		n, ok := p.Node.(*ddl.AlterTable)
		if !ok || n.Kind != "TABLE" || p.New(n.Name) || p.Others(Blocking) {
			return
		}
		for i := range n.Commands {
			c := &n.Commands[i]
			if c.Action != ddl.AlterConstraint || !c.Constraint.Enforced {
				continue
			}
			p.Report(Found{
				Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Reads,
				Message: fmt.Sprintf("every row of %s is checked while nobody reads or writes it", n.Name),
				Fix:     "-- drop the constraint, add it NOT VALID, and validate it in another transaction",
			})
		}
	},
}
