package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var expandAndContractTogether = Rule{
	Name: "expand-and-contract-together", Family: Loss, Severity: finding.Warning,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.DropColumn {
				return
			}
			for _, script := range p.Set.Scripts {
				if script.IsDown || !p.Set.OneRelease && script != p.Script {
					continue
				}
				for _, s := range script.Statements {
					if s == p.Statement {
						return
					}
					filled, ok := s.Node.(*ddl.Query)
					if !ok || !slices.ContainsFunc(filled.Writes, func(w ddl.Write) bool { return w.Verb == "UPDATE" && w.Table.Same(n.Name) }) {
						continue
					}
					if slices.ContainsFunc(s.words(), func(t ddl.Token) bool { return strings.EqualFold(strings.Trim(t.Text, `"`), c.Column) }) {
						p.Report(Found{Span: c.Span, Object: n.Name, Fix: "-- drop the old column in a later release, when no code uses it",
							Message: fmt.Sprintf("%s is copied to another column and dropped in the same release: rows that come in between, and code that still uses it, are lost", ddl.QuoteIdent(c.Column))})
						return
					}
				}
			}
		})
	},
}
