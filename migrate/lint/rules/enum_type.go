package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var enumType = Rule{
	Name: "enum-type", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		if n, ok := p.Node.(*ddl.CreateType); ok && n.Form == ddl.EnumType {
			p.Report(Found{Span: n.Name.Span, Message: fmt.Sprintf("values can be added to %s, but never taken out or put into another order", n.Name), Fix: "-- text with a CHECK, or a table of the values and a foreign key"})
		}
	},
}
