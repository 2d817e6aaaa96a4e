package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var timestampWithoutTimeZone = Rule{
	Name: "timestamp-without-time-zone", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.NewColumns(func(_ ddl.Name, c *ddl.Column) {
			if c.Type.Name == "timestamp" {
				p.Report(Found{Span: c.Type.Span, Message: fmt.Sprintf("%s has no time zone: what moment a value means depends on who reads it", ddl.QuoteIdent(c.Name)), Fix: sql("%s timestamptz", ddl.QuoteIdent(c.Name))})
			}
		})
	},
}
