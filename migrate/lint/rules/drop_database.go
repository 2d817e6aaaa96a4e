package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var dropDatabase = Rule{
	Name: "drop-database", Family: Loss, Severity: finding.Error, LosesData: true, OnDown: true,
	Check: func(p *Pass) {
		if n, ok := p.Node.(*ddl.Drop); ok && n.Kind == "DATABASE" {
			p.Report(Found{Message: fmt.Sprintf("database %s is lost with all that is in it", n.Names[0])})
		}
	},
}
