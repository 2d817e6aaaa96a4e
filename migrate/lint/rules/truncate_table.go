package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var truncateTable = Rule{
	Name: "truncate-table", Family: Loss, Severity: finding.Error, LosesData: true,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Truncate)
		if !ok {
			return
		}
		for _, t := range n.Tables {
			if p.New(t) {
				continue
			}
			message := fmt.Sprintf("every row of %s is lost, and everybody waits for ACCESS EXCLUSIVE on it", t)
			if n.Behavior == ddl.Cascade {
				message += "; CASCADE empties the tables that refer to it, too"
			}
			p.Report(Found{Span: t.Span, Object: t, Lock: ddl.AccessExclusive, Message: message})
		}
	},
}
