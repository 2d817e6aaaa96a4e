package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var renameEnumValue = Rule{
	Name: "rename-enum-value", Family: Loss, Severity: finding.Warning,
	Check: func(p *Pass) {
		if n, ok := p.Node.(*ddl.AlterType); ok && n.RenameValue != "" {
			p.Report(Found{Span: n.Name.Span, Message: fmt.Sprintf("code that runs meanwhile still writes, and compares with, %s of %s and fails", n.RenameValue, n.Name),
				Fix: "-- add the new value, move the rows over in batches, and leave the old value unused"})
		}
	},
}
