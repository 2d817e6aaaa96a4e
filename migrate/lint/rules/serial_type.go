package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var serialType = Rule{
	Name: "serial-type", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.NewColumns(func(_ ddl.Name, c *ddl.Column) {
			if c.Type.IsSerial() {
				p.Report(Found{Span: c.Type.Span, Message: "serial leaves a sequence with privileges and a default of its own; an identity column does not", Fix: sql("%s bigint GENERATED ALWAYS AS IDENTITY", ddl.QuoteIdent(c.Name))})
			}
		})
	},
}
