package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var mixedTransaction = Rule{
	Name: "mixed-transaction", Family: Broken, Severity: finding.Notice,
	Script: func(p *Pass) {
		if p.Script.OneTransaction || p.Script.Transaction == "off" {
			return
		}
		var outside *Statement
		others := 0
		for _, s := range p.Script.Statements {
			_, isSet := s.Node.(*ddl.Set)
			switch {
			case s.Class.Transaction == ddl.Outside && outside == nil:
				outside = s
			case s.Class.Transaction == ddl.InTransaction && !isSet:
				others++
			}
		}
		if outside == nil || others == 0 {
			return
		}
		inner := *p
		inner.Statement = outside
		inner.Report(Found{Message: "this cannot run in a transaction, so that none of the script does: when a statement fails, those before it stay",
			Fix: "-- a migration of its own for it; or -- kedge: transaction=off in the header, to say that it is meant"})
	},
}
