package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var uniqueOverDuplicates = Rule{
	Name: "unique-over-duplicates", Family: Broken, Severity: finding.Error,
	Check: func(p *Pass) {
		if p.Set.Target == nil || p.Set.Target.Ask == nil {
			return
		}
		ask := func(table ddl.Name, columns []string, where string, span ddl.Span) {
			r := p.Known(table)
			if r == nil || r.Made || len(columns) == 0 || slices.ContainsFunc(columns, func(c string) bool { return r.Column(c) == nil }) {
				return
			}
			var there []string
			for _, c := range columns {
				there = append(there, ddl.QuoteIdent(c)+" IS NOT NULL")
			}
			if where != "" {
				there = append(there, "("+where+")")
			}
			query := sql("SELECT EXISTS (SELECT FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1)", table, strings.Join(there, " AND "), list(columns))
			if found, err := p.Set.Target.Ask(query); err == nil && found {
				p.Report(Found{Span: span, Object: table, Message: fmt.Sprintf("rows of %s have the same %s: a unique index on them fails", table, list(columns)),
					Fix: sql("SELECT %[1]s, count(*) FROM %[2]s GROUP BY %[1]s HAVING count(*) > 1;", list(columns), table)})
			}
		}
		switch n := p.Node.(type) {
		case *ddl.CreateIndex:
			var columns []string
			for _, e := range n.Elements {
				if e.Column == "" {
					return
				}
				columns = append(columns, e.Column)
			}
			if n.Unique {
				ask(n.Table, columns, n.Where.Text, ddl.Span{})
			}
		case *ddl.AlterTable:
			for i := range n.Commands {
				c := &n.Commands[i]
				if c.Action == ddl.AddConstraint && c.Constraint.UsingIndex == "" && (c.Constraint.Kind == ddl.Unique || c.Constraint.Kind == ddl.PrimaryKey) {
					ask(n.Name, c.Constraint.Columns, "", c.Span)
				}
			}
		}
	},
}
