package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var updateWithoutWhere = Rule{
	Name: "update-without-where", Family: Loss, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Query)
		if !ok {
			return
		}
		for _, w := range n.Writes {
			if w.Verb == "UPDATE" && !w.Where && !p.New(w.Table) {
				p.Report(Found{Object: w.Table, Lock: ddl.RowExclusive, Work: Rewrites,
					Message: fmt.Sprintf("every row of %s is changed in one transaction: its rows stay locked, the table grows to twice its size, replicas fall behind", w.Table),
					Fix:     "-- in batches, each committed by itself"})
			}
		}
	},
}
