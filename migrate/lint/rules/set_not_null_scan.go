package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var setNotNullScan = Rule{
	Name: "set-not-null-scan", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			column := c.Column
			switch {
			case c.Action == ddl.SetNotNull:
			case c.Action == ddl.AddConstraint && c.Constraint.Kind == ddl.NotNull && !c.Constraint.NotValid && len(c.Constraint.Columns) > 0:
				column = c.Constraint.Columns[0]
			default:
				return
			}
			if e, ok := p.Effect(n.Name); !ok || !e.Scan && !p.Partitioned(n.Name) {
				return
			}
			if addsColumn(n, column) || p.addedHere(n.Name, column) {
				return
			}
			q := ddl.QuoteIdent(column)
			p.Report(Found{
				Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Reads,
				Message: fmt.Sprintf("every row of %s is checked for nulls in %s while nobody reads or writes it", n.Name, q),
				Fix: sql("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s CHECK (%[3]s IS NOT NULL) NOT VALID;\n-- in later transactions, one by one:\nALTER TABLE %[1]s VALIDATE CONSTRAINT %[2]s;\nALTER TABLE %[1]s ALTER COLUMN %[3]s SET NOT NULL;\nALTER TABLE %[1]s DROP CONSTRAINT %[2]s;",
					n.Name, ddl.QuoteIdent(n.Name.Name+"_"+column+"_not_null"), q),
			})
		})
	},
}

// addsColumn tells whether the ALTER TABLE itself adds the column.
func addsColumn(n *ddl.AlterTable, column string) bool {
	return slices.ContainsFunc(n.Commands, func(c ddl.Command) bool {
		return c.Action == ddl.AddColumn && c.Definition != nil && c.Definition.Name == column
	})
}

// addedHere tells whether a statement before this one in the script set the column NOT NULL already, so that setting
// it again reads nothing.
func (p *Pass) addedHere(table ddl.Name, column string) bool {
	for _, s := range p.Script.Statements {
		if s == p.Statement {
			break
		}
		n, ok := s.Node.(*ddl.AlterTable)
		if !ok || !n.Name.Same(table) {
			continue
		}
		for _, c := range n.Commands {
			if c.Action == ddl.AddColumn && c.Definition != nil && c.Definition.Name == column && c.Definition.Find(ddl.NotNull) != nil {
				return true
			}
		}
	}
	return false
}
