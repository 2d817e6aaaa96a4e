package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var renameSchema = Rule{
	Name: "rename-schema", Family: Loss, Severity: finding.Warning,
	Check: func(p *Pass) {
		if n, ok := p.Node.(*ddl.Alter); ok && n.NewName != "" && (n.Kind == "SCHEMA" || n.Kind == "FUNCTION" || n.Kind == "PROCEDURE") {
			p.Report(Found{Span: n.Name.Span, Message: fmt.Sprintf("code that runs meanwhile still asks for %s and fails", n.Name)})
		}
	},
}
