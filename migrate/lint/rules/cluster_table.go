package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var clusterTable = Rule{
	Name: "cluster-table", Family: Blocking, Severity: finding.Error, OnDown: true,
	Check: func(p *Pass) {
		if n, ok := p.Node.(*ddl.Cluster); ok && !p.New(n.Table) {
			p.Report(Found{Object: n.Table, Lock: ddl.AccessExclusive, Work: Rewrites, Fix: "-- pg_repack --order-by orders rows beside traffic",
				Message: fmt.Sprintf("CLUSTER writes all of %s anew while nobody reads or writes it", orText(n.Table.String(), "every clustered table"))})
		}
	},
}
