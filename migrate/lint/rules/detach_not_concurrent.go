package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var detachNotConcurrent = Rule{
	Name: "detach-not-concurrent", Family: Blocking, Severity: finding.Warning,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.DetachPartition || c.Concurrently || c.Finalize || p.Set.Major != 0 && p.Set.Major < 14 || n.Kind != "TABLE" {
				return
			}
			f := Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive,
				Message: fmt.Sprintf("DETACH PARTITION waits for every query on any partition of %s, and everything else waits behind it", n.Name),
				Fix:     sql("ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;", n.Name, c.Table)}
			if r := p.Known(n.Name); r != nil && !r.DefaultPartition.IsZero() {
				f.Fix = "" // refused beside a default partition
			} else if len(n.Commands) == 1 && !p.InBlock {
				end := len(p.SQL)
				f.Edits, f.Alone = []Edit{{ddl.Span{Start: end, End: end}, " CONCURRENTLY"}}, true
			}
			p.Report(f)
		})
	},
}
