package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var notNullOverNulls = Rule{
	Name: "not-null-over-nulls", Family: Broken, Severity: finding.Error,
	Check: func(p *Pass) {
		if p.Set.Target == nil || p.Set.Target.Ask == nil {
			return
		}
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			column := c.Column
			switch {
			case c.Action == ddl.SetNotNull:
			case c.Action == ddl.AddConstraint && c.Constraint.Kind == ddl.NotNull && !c.Constraint.NotValid && len(c.Constraint.Columns) > 0:
				column = c.Constraint.Columns[0]
			default:
				return
			}
			if r := p.Known(n.Name); r == nil || r.Column(column) == nil || r.Column(column).NotNull {
				return
			}
			if p.filled(n.Name, column) {
				return
			}
			query := sql("SELECT EXISTS (SELECT FROM %s WHERE %s IS NULL)", n.Name, ddl.QuoteIdent(column))
			if found, err := p.Set.Target.Ask(query); err == nil && found {
				p.Report(Found{Span: c.Span, Object: n.Name, Message: fmt.Sprintf("rows of %s have no %s: SET NOT NULL fails", n.Name, ddl.QuoteIdent(column)),
					Fix: "-- fill them first, in batches"})
			}
		})
	},
}

// filled tells whether a script before, or this one so far, changes rows of the table, which may fill the column.
func (p *Pass) filled(table ddl.Name, column string) bool {
	for _, script := range p.Set.Scripts {
		for _, s := range script.Statements {
			if s == p.Statement {
				return false
			}
			if q, ok := s.Node.(*ddl.Query); ok && slices.ContainsFunc(q.Writes, func(w ddl.Write) bool { return w.Table.Same(table) }) &&
				slices.ContainsFunc(s.words(), func(t ddl.Token) bool { return strings.EqualFold(strings.Trim(t.Text, `"`), column) }) {
				return true
			}
		}
	}
	return false
}
