package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var rowSecurityOff = Rule{
	Name: "row-security-off", Family: Design, Severity: finding.Warning,
	Check: func(p *Pass) {
		switch n := p.Node.(type) {
		case *ddl.CreatePolicy:
			if !p.New(n.Table) {
				return
			}
			for _, s := range p.Script.Statements {
				a, ok := s.Node.(*ddl.AlterTable)
				if !ok || !a.Name.Same(n.Table) {
					continue
				}
				if slices.ContainsFunc(a.Commands, func(c ddl.Command) bool { return c.Action == ddl.EnableRowSecurity }) {
					return
				}
			}
			p.Report(Found{Span: n.Table.Span, Object: n.Table, Message: fmt.Sprintf("the policy does nothing: row level security of %s is not enabled", n.Table),
				Fix: sql("ALTER TABLE %s ENABLE ROW LEVEL SECURITY;", n.Table)})
		case *ddl.AlterTable:
			for _, c := range n.Commands {
				if c.Action == ddl.DisableRowSecurity {
					p.Report(Found{Span: c.Span, Object: n.Name, Message: fmt.Sprintf("every row of %s can be seen by whoever may read the table, whatever its policies say", n.Name)})
				}
			}
		}
	},
}
