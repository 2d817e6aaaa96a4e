package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var charType = Rule{
	Name: "char-type", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.NewColumns(func(_ ddl.Name, c *ddl.Column) {
			if c.Type.Name == "bpchar" {
				p.Report(Found{Span: c.Type.Span, Message: fmt.Sprintf("%s pads every value with blanks, which comparisons then ignore", c.Type.Text), Fix: sql("%s text", ddl.QuoteIdent(c.Name))})
			}
		})
	},
}
