package rules

import (
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var hiddenInvalidIndex = Rule{
	Name: "hidden-invalid-index", Family: Broken, Severity: finding.Notice,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateIndex)
		if !ok || !n.Concurrently || !n.IfNotExists {
			return
		}
		for _, s := range p.Script.Statements {
			if s == p.Statement {
				break
			}
			if d, ok := s.Node.(*ddl.Drop); ok && d.Kind == "INDEX" && slices.ContainsFunc(d.Names, func(x ddl.Name) bool { return x.Name == n.Name }) {
				return
			}
		}
		p.Report(Found{Object: n.Table, Message: "IF NOT EXISTS takes an invalid index, which an interrupted build left, for the real one",
			Fix: sql("DROP INDEX CONCURRENTLY IF EXISTS %s;\n%s;", ddl.QuoteIdent(n.Name), p.SQL)})
	},
}
