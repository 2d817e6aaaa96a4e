package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var typeChangeScan = Rule{
	Name: "type-change-scan", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AlterColumnType {
				return
			}
			for _, e := range p.Effects {
				if !e.Scan || e.Rewrite || e.Assumed {
					continue
				}
				work, what := Reads, "is read again to check its constraints"
				if e.Builds > 0 {
					work, what = Builds, "has indexes built again"
				}
				p.Report(Found{
					Span: c.Span, Object: e.Object, Lock: e.Mode, Work: work, Fix: newColumn(n.Name, c),
					Message: fmt.Sprintf("the rows of %s stay as they are, but %s %s while nobody reads or writes it", n.Name, e.Object, what),
				})
				return
			}
		})
	},
}
