package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var foreignKeyWithoutIndex = Rule{
	Name: "foreign-key-without-index", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		var keys []*ddl.Constraint
		var spans []ddl.Span
		var table ddl.Name
		switch n := p.Node.(type) {
		case *ddl.CreateTable:
			table = n.Name
			for i := range n.Columns {
				c := &ddl.Command{Action: ddl.AddColumn, Definition: &n.Columns[i]}
				if con := addedConstraint(c, ddl.ForeignKey); con != nil {
					keys, spans = append(keys, con), append(spans, n.Columns[i].Span)
				}
			}
			for i := range n.Constraints {
				if n.Constraints[i].Kind == ddl.ForeignKey {
					keys, spans = append(keys, &n.Constraints[i]), append(spans, n.Constraints[i].Span)
				}
			}
		case *ddl.AlterTable:
			table = n.Name
			for i := range n.Commands {
				if con := addedConstraint(&n.Commands[i], ddl.ForeignKey); con != nil {
					keys, spans = append(keys, con), append(spans, n.Commands[i].Span)
				}
			}
		}
		for i, con := range keys {
			if len(con.Columns) > 0 && !p.indexed(table, con.Columns) {
				p.Report(Found{Span: spans[i], Object: table, Message: fmt.Sprintf("no index begins with %s: deleting or changing a referenced row reads all of %s", list(con.Columns), table),
					Fix: sql("CREATE INDEX CONCURRENTLY ON %s (%s);", table, list(con.Columns))})
			}
		}
	},
}

// indexed tells whether the table has, or a script gives it, an index that begins with the columns in any order.
func (p *Pass) indexed(table ddl.Name, columns []string) bool {
	begins := func(have []string) bool {
		return len(have) >= len(columns) && !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(have[:len(columns)], c) })
	}
	for _, x := range p.Scene.Indexes(table) {
		if begins(x.Index.Columns) {
			return true
		}
	}
	for _, script := range p.Set.Scripts {
		for _, s := range script.Statements {
			switch n := s.Node.(type) {
			case *ddl.CreateIndex:
				if n.Table.Same(table) && n.Where.IsZero() && begins(elements(n)) {
					return true
				}
			case *ddl.CreateTable:
				if n.Name.Same(table) && slices.ContainsFunc(tableKeys(n), begins) {
					return true
				}
			case *ddl.AlterTable:
				if n.Name.Same(table) && slices.ContainsFunc(n.Commands, func(c ddl.Command) bool {
					for _, kind := range []ddl.ConstraintKind{ddl.PrimaryKey, ddl.Unique} {
						if con := addedConstraint(&c, kind); con != nil && begins(con.Columns) {
							return true
						}
					}
					return false
				}) {
					return true
				}
			}
		}
	}
	return false
}

// elements are the columns of an index, "" for an expression.
func elements(n *ddl.CreateIndex) []string {
	var columns []string
	for _, e := range n.Elements {
		columns = append(columns, e.Column)
	}
	return columns
}

// tableKeys are the columns of a new table's primary key and unique constraints.
func tableKeys(n *ddl.CreateTable) [][]string {
	var keys [][]string
	for i := range n.Columns {
		if n.Columns[i].Find(ddl.PrimaryKey) != nil || n.Columns[i].Find(ddl.Unique) != nil {
			keys = append(keys, []string{n.Columns[i].Name})
		}
	}
	for _, c := range n.Constraints {
		if c.Kind == ddl.PrimaryKey || c.Kind == ddl.Unique {
			keys = append(keys, c.Columns)
		}
	}
	return keys
}
