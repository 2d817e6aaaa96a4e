package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var foreignKeyType = Rule{
	Name: "foreign-key-type", Family: Design, Severity: finding.Warning,
	Check: func(p *Pass) {
		check := func(span ddl.Span, table ddl.Name, con *ddl.Constraint, typeOf func(string) ddl.TypeName) {
			if con == nil || con.References == nil || len(con.Columns) != 1 {
				return
			}
			other := p.Known(con.References.Table)
			if other == nil {
				return
			}
			target := ""
			if len(con.References.Columns) == 1 {
				target = con.References.Columns[0]
			} else {
				for _, c := range other.Constraints {
					if c.Kind == ddl.PrimaryKey && len(c.Columns) == 1 {
						target = c.Columns[0]
					}
				}
			}
			col := other.Column(target)
			from := typeOf(con.Columns[0])
			if col == nil || from.IsZero() || storage(from) == storage(col.Type) {
				return
			}
			p.Report(Found{Span: span, Object: table, Message: fmt.Sprintf("%s is %s, and %s of %s is %s", ddl.QuoteIdent(con.Columns[0]), from.Text, ddl.QuoteIdent(target), con.References.Table, col.Type.Text),
				Fix: sql("%s %s", ddl.QuoteIdent(con.Columns[0]), plain(col.Type))})
		}
		switch n := p.Node.(type) {
		case *ddl.CreateTable:
			typeOf := func(name string) ddl.TypeName {
				for _, c := range n.Columns {
					if c.Name == name {
						return c.Type
					}
				}
				return ddl.TypeName{}
			}
			for i := range n.Columns {
				check(n.Columns[i].Span, n.Name, addedConstraint(&ddl.Command{Action: ddl.AddColumn, Definition: &n.Columns[i]}, ddl.ForeignKey), typeOf)
			}
			for i := range n.Constraints {
				if n.Constraints[i].Kind == ddl.ForeignKey {
					check(n.Constraints[i].Span, n.Name, &n.Constraints[i], typeOf)
				}
			}
		case *ddl.AlterTable:
			for i := range n.Commands {
				c := &n.Commands[i]
				check(c.Span, n.Name, addedConstraint(c, ddl.ForeignKey), func(name string) ddl.TypeName {
					if c.Action == ddl.AddColumn {
						return c.Definition.Type
					}
					if col := p.Known(n.Name).Column(name); col != nil {
						return col.Type
					}
					return ddl.TypeName{}
				})
			}
		}
	},
}

// storage is the type as a column of it is stored, without limits.
func storage(t ddl.TypeName) string {
	switch t.Name {
	case "serial":
		return "int4"
	case "bigserial":
		return "int8"
	case "smallserial":
		return "int2"
	case "varchar", "bpchar":
		return "text"
	}
	return t.Name
}

// plain is the type as one writes it for a column that is not numbered by itself.
func plain(t ddl.TypeName) string {
	switch storage(t) {
	case "int4":
		return "integer"
	case "int8":
		return "bigint"
	case "int2":
		return "smallint"
	}
	return t.Text
}
