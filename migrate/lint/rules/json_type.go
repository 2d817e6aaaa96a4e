package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var jsonType = Rule{
	Name: "json-type", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.NewColumns(func(_ ddl.Name, c *ddl.Column) {
			if c.Type.Name == "json" {
				p.Report(Found{Span: c.Type.Span, Message: "json has no equality: SELECT DISTINCT and UNION over the table fail, and it cannot be indexed", Fix: sql("%s jsonb", ddl.QuoteIdent(c.Name))})
			}
		})
	},
}
