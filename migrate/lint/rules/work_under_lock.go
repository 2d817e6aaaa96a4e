package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var workUnderLock = Rule{
	Name: "work-under-lock", Family: Blocking, Severity: finding.Warning,
	Check: func(p *Pass) {
		if _, ok := p.Node.(*ddl.AlterTable); ok {
			if p.validates() != "" {
				return // validate-same-transaction
			}
		}
		var work *ddl.Effect
		for i, e := range p.Effects {
			if (e.Scan || e.Rewrite) && !e.Assumed && e.Kind != ddl.Index && !p.New(e.Object) && e.Mode > ddl.RowExclusive {
				work = &p.Effects[i]
				break
			}
		}
		if work == nil {
			return
		}
		for _, s := range p.Earlier() {
			if e, ok := p.strong(s); ok && !e.Object.Same(work.Object) {
				p.Report(Found{Object: e.Object, Lock: e.Mode, Work: Reads,
					Message: fmt.Sprintf("%s, locked on line %d, stays locked while all of %s is read", e.Object, p.fileLine(s), work.Object)})
				return
			}
		}
	},
}

// fileLine is the line of the file on which a statement starts.
func (p *Pass) fileLine(s *Statement) int { return s.Line + max(p.Script.Line, 1) - 1 }
