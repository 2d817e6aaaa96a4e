package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
)

var noLockTimeout = Rule{
	Name: "no-lock-timeout", Family: Blocking, Severity: finding.Warning,
	Check: func(p *Pass) {
		e, ok := p.strong(p.Statement)
		if !ok || p.Class.Concurrently {
			return
		}
		why := ""
		switch {
		case p.Statement.LockTimeout != "":
			if isZero(p.Statement.LockTimeout) {
				why = "SET lock_timeout"
			}
		case p.Script.LockTimeout != nil:
			if *p.Script.LockTimeout == 0 {
				why = "the header"
			}
		case p.Set.LockTimeout != nil && *p.Set.LockTimeout == 0:
			why = "the environment"
		}
		if why == "" {
			return
		}
		p.Report(Found{Object: e.Object, Lock: e.Mode, Fix: "SET LOCAL lock_timeout = '2s';",
			Message: fmt.Sprintf("%s turns lock_timeout off: while this waits for one long query on %s, everybody else waits behind it", why, e.Object)})
	},
}

// isZero tells whether a setting's value is zero in any unit.
func isZero(value string) bool {
	return strings.Trim(strings.Trim(value, "'"), "0 mshind") == "" && strings.Contains(value, "0")
}
