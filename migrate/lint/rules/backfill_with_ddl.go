package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var backfillWithDDL = Rule{
	Name: "backfill-with-ddl", Family: Blocking, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Query)
		if !ok {
			return
		}
		for _, w := range n.Writes {
			if w.Verb == "INSERT" || p.New(w.Table) {
				continue
			}
			for _, s := range p.Earlier() {
				e, ok := p.strong(s)
				if !ok {
					continue
				}
				f := Found{Object: e.Object, Lock: e.Mode, Work: Rewrites,
					Message: fmt.Sprintf("%s, locked on line %d, stays locked while rows of %s are changed", e.Object, p.fileLine(s), w.Table),
					Fix:     "-- a migration of its own that changes rows in batches, each committed by itself"}
				if w.Where {
					f.Severity = finding.Notice
				}
				p.Report(f)
				return
			}
		}
	},
}
