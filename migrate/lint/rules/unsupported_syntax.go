package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var unsupportedSyntax = Rule{
	Name: "unsupported-syntax", Family: Broken, Severity: finding.Error, OnDown: true,
	Check: func(p *Pass) {
		if since := ddl.Since(p.Node); p.Set.Major != 0 && since > p.Set.Major {
			p.Report(Found{Message: fmt.Sprintf("PostgreSQL %d does not know this: it is new in %d", p.Set.Major, since)})
		}
	},
}
