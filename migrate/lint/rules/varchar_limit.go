package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var varcharLimit = Rule{
	Name: "varchar-limit", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.NewColumns(func(_ ddl.Name, c *ddl.Column) {
			if c.Type.Name == "varchar" && len(c.Type.Modifiers) > 0 {
				p.Report(Found{Span: c.Type.Span, Message: fmt.Sprintf("the limit of %s saves nothing, and lowering it later writes the table anew", c.Type.Text), Fix: sql("%s text", ddl.QuoteIdent(c.Name))})
			}
		})
	},
}
