package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var validateSameTransaction = Rule{
	Name: "validate-same-transaction", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		name := p.validates()
		if name == "" {
			return
		}
		n := p.Node.(*ddl.AlterTable)
		if p.New(n.Name) {
			return
		}
		for _, s := range p.Earlier() {
			e, ok := p.strong(s)
			if !ok || !e.Object.Same(n.Name) {
				continue
			}
			f := Found{Object: n.Name, Lock: e.Mode, Work: Reads,
				Message: fmt.Sprintf("the lock from line %d is still held while every row of %s is checked: nobody %s it", p.fileLine(s), n.Name, whoWaits(e.Mode)),
				Fix:     "-- kedge: transaction=off\n-- at the top of the file, or VALIDATE CONSTRAINT in a migration of its own"}
			if !p.InBlock {
				f.Edits, f.Alone = []Edit{{}}, true
			}
			p.Report(f)
			return
		}
	},
}

// validates returns the constraint that the statement validates, if it does.
func (p *Pass) validates() string {
	n, ok := p.Node.(*ddl.AlterTable)
	if !ok {
		return ""
	}
	for _, c := range n.Commands {
		if c.Action == ddl.ValidateConstraint {
			return c.Object
		}
	}
	return ""
}
