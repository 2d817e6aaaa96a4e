package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var unclosedTransaction = Rule{
	Name: "unclosed-transaction", Family: Broken, Severity: finding.Error, OnDown: true,
	Script: func(p *Pass) {
		var open *Statement
		for _, s := range p.Script.Statements {
			n, ok := s.Node.(*ddl.Transaction)
			if !ok {
				continue
			}
			switch n.Verb {
			case "BEGIN", "START TRANSACTION":
				if open != nil {
					inner := *p
					inner.Statement = s
					inner.Report(Found{Message: fmt.Sprintf("a transaction is open since line %d: PostgreSQL warns and takes no notice, and the next COMMIT ends both", p.fileLine(open)), Fix: "-- SAVEPOINT begins a part that can be undone by itself"})
				}
				open = s
			case "COMMIT", "END", "ROLLBACK", "ABORT", "PREPARE TRANSACTION":
				open = nil
			}
		}
		if open != nil {
			inner := *p
			inner.Statement = open
			inner.Report(Found{Message: "the transaction is never committed: what it does is lost when the script ends", Fix: "COMMIT;"})
		}
	},
}
