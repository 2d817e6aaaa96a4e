package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var concurrentlyInTransaction = Rule{
	Name: "concurrently-in-transaction", Family: Broken, Severity: finding.Error, OnDown: true,
	Check: func(p *Pass) {
		if p.Class.Transaction != ddl.Outside || !p.InBlock && p.Script.Transaction != "on" {
			return
		}
		verb := p.Class.Verb
		if p.Class.Concurrently {
			verb += " CONCURRENTLY"
		}
		fix := "-- take BEGIN and COMMIT out: kedge runs what cannot be in a transaction by itself"
		if !p.InBlock {
			fix = "-- take transaction=on out of the header"
		}
		p.Report(Found{Message: verb + " cannot run in a transaction: PostgreSQL refuses it", Fix: fix})
	},
}
