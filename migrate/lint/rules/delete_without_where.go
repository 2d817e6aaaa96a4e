package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var deleteWithoutWhere = Rule{
	Name: "delete-without-where", Family: Loss, Severity: finding.Error, LosesData: true,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Query)
		if !ok {
			return
		}
		for _, w := range n.Writes {
			if w.Verb == "DELETE" && (!w.Where || p.everyRow()) && !p.New(w.Table) {
				p.Report(Found{Object: w.Table, Lock: ddl.RowExclusive, Work: Rewrites, Message: fmt.Sprintf("every row of %s is lost", w.Table)})
			}
		}
	},
}
