package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var dropTable = Rule{
	Name: "drop-table", Family: Loss, Severity: finding.Error, LosesData: true,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Drop)
		if !ok || n.Kind != "TABLE" {
			return
		}
		for _, name := range n.Names {
			if p.New(name) || p.recreated(name) {
				continue
			}
			p.Report(Found{Span: name.Span, Object: name, Lock: ddl.AccessExclusive,
				Message: fmt.Sprintf("%s is lost with its rows, and code that still uses it fails", name),
				Fix:     sql("ALTER TABLE %s RENAME TO %s;\n-- and drop it when nobody has missed it", name, ddl.QuoteIdent(name.Name+"_unused"))})
		}
	},
}

// recreated tells whether DROP … IF EXISTS stands before a CREATE of the same table: a script that starts afresh.
func (p *Pass) recreated(name ddl.Name) bool {
	n := p.Node.(*ddl.Drop)
	return n.IfExists && p.Known(name) == nil && p.Later(func(o ddl.Node) bool {
		c, ok := o.(*ddl.CreateTable)
		return ok && c.Name.Same(name)
	}) != nil
}
