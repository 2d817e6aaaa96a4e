package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var refreshNotConcurrent = Rule{
	Name: "refresh-not-concurrent", Family: Blocking, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.RefreshMaterializedView)
		if !ok || n.Concurrently || n.NoData || p.New(n.Name) {
			return
		}
		edits := p.after("VIEW", " CONCURRENTLY")
		p.Report(Found{Object: n.Name, Lock: ddl.AccessExclusive, Work: Rewrites, Edits: edits, Fix: Apply(p.SQL, edits) + ";",
			Message: fmt.Sprintf("nobody reads %s while its query runs", n.Name)})
	},
}
