package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var addIdentityColumn = Rule{
	Name: "add-identity-column", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action == ddl.AddColumn && c.Definition != nil && c.Definition.Find(ddl.Identity) != nil {
				p.Report(numbered(n, c, "GENERATED AS IDENTITY"))
			}
		})
	},
}
