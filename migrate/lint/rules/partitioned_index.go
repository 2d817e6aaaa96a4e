package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var partitionedIndex = Rule{
	Name: "partitioned-index", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateIndex)
		if !ok || n.Only || p.New(n.Table) || !p.Partitioned(n.Table) {
			return
		}
		fix := sql("CREATE INDEX %s ON ONLY %s (…);\n-- for each partition:\nCREATE INDEX CONCURRENTLY partition_index ON the_partition (…);\nALTER INDEX %s ATTACH PARTITION partition_index;",
			ddl.QuoteIdent(orText(n.Name, "name")), n.Table, ddl.QuoteIdent(orText(n.Name, "name")))
		if n.Concurrently {
			p.Report(Found{Message: fmt.Sprintf("%s is partitioned: PostgreSQL refuses CREATE INDEX CONCURRENTLY on it", n.Table), Object: n.Table, Fix: fix})
			return
		}
		p.Report(Found{
			Message: fmt.Sprintf("the index is built on every partition of %s at once, and nobody writes to any of them until all are done", n.Table),
			Object:  n.Table, Lock: ddl.Share, Work: Builds, Fix: fix,
		})
	},
}
