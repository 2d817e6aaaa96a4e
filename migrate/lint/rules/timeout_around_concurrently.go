package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
)

var timeoutAroundConcurrently = Rule{
	Name: "timeout-around-concurrently", Family: Broken, Severity: finding.Warning, OnDown: true,
	Check: func(p *Pass) {
		if !p.Class.Concurrently {
			return
		}
		for _, setting := range []struct{ name, value string }{{"lock_timeout", p.Statement.LockTimeout}, {"statement_timeout", p.Statement.StatementTimeout}} {
			if setting.value == "" || isZero(setting.value) || strings.EqualFold(setting.value, "default") {
				continue
			}
			p.Report(Found{Message: fmt.Sprintf("%s = %s is in force: when it runs out, this leaves an invalid index behind", setting.name, setting.value),
				Fix: sql("RESET %s;", setting.name)})
			return
		}
	},
}
