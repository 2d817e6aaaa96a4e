package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var moneyType = Rule{
	Name: "money-type", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.NewColumns(func(_ ddl.Name, c *ddl.Column) {
			if c.Type.Name == "money" {
				p.Report(Found{Span: c.Type.Span, Message: "money has no currency, and its fraction depends on the server's lc_monetary", Fix: sql("%s numeric(12,2)", ddl.QuoteIdent(c.Name))})
			}
		})
	},
}
