package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var transactionControl = Rule{
	Name: "transaction-control", Family: Broken, Severity: finding.Notice, OnDown: true,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Transaction)
		if !ok || p.Script.OneTransaction {
			return
		}
		switch n.Verb {
		case "BEGIN", "START TRANSACTION", "SAVEPOINT", "RELEASE", "ROLLBACK TO", "SET TRANSACTION":
			return
		}
		p.Report(Found{Message: n.Verb + " ends a transaction in the middle of the script: when a later statement fails, what came before stays",
			Fix: "-- a migration for each transaction, or one pair of BEGIN and COMMIT around all of the script"})
	},
}
