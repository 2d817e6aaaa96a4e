package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var lockTable = Rule{
	Name: "lock-table", Family: Blocking, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.LockTable)
		if !ok || !n.Mode.BlocksWrites() {
			return
		}
		for _, t := range n.Tables {
			if !p.New(t) {
				p.Report(Found{Span: t.Span, Object: t, Lock: n.Mode, Message: fmt.Sprintf("the rest of the transaction runs while nobody %s %s", whoWaits(n.Mode), t)})
			}
		}
	},
}

// whoWaits says what a lock keeps others from.
func whoWaits(m ddl.LockMode) string {
	if m.BlocksReads() {
		return "reads or writes"
	}
	return "writes to"
}
