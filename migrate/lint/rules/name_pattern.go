package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var namePattern = Rule{
	Name: "name-pattern", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		check := func(span ddl.Span, name string) {
			switch {
			case name == "":
			case p.Set.Pattern != nil && !p.Set.Pattern(name):
				p.Report(Found{Span: span, Message: fmt.Sprintf("%s is not named as the project names things", ddl.QuoteIdent(name))})
			case p.Set.Pattern == nil && ddl.QuoteIdent(name) != name:
				p.Report(Found{Span: span, Message: fmt.Sprintf("%s has to be quoted wherever it is written", ddl.QuoteIdent(name))})
			}
		}
		switch n := p.Node.(type) {
		case *ddl.CreateTable:
			check(n.Name.Span, n.Name.Name)
		case *ddl.CreateIndex:
			check(ddl.Span{}, n.Name)
		case *ddl.CreateView:
			check(n.Name.Span, n.Name.Name)
		}
		p.NewColumns(func(_ ddl.Name, c *ddl.Column) { check(c.Span, c.Name) })
	},
}
