package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
)

var downMissing = Rule{
	Name: "down-missing", Family: Loss, Severity: finding.Notice,
	Script: func(p *Pass) {
		if !p.Script.IsDown && p.Script.WantsDown && p.Script.Down == nil && len(p.Script.Statements) > 0 {
			inner := *p
			inner.Statement = p.Script.Statements[0]
			inner.Report(Found{Message: "the migration has no down script: it cannot be reverted by kedge"})
		}
	},
}
