package rules

import (
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var grantToPublic = Rule{
	Name: "grant-to-public", Family: Design, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Grant)
		if !ok || n.Revoke || !slices.Contains(n.Roles, "public") {
			return
		}
		if slices.Contains([]string{"TYPE", "DOMAIN", "LANGUAGE", "FUNCTION", "PROCEDURE", "ROUTINE"}, n.Kind) || n.Kind == "SCHEMA" && slices.Equal(n.Privileges, []string{"USAGE"}) {
			return
		}
		p.Report(Found{Message: "every role there is, and every one there will be, gets this", Fix: "-- grant it to a role that stands for those who need it"})
	},
}
