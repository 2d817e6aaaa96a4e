package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var renameTable = Rule{
	Name: "rename-table", Family: Loss, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.AlterTable)
		if !ok || n.Kind != "TABLE" && n.Kind != "VIEW" && n.Kind != "MATERIALIZED VIEW" || p.New(n.Name) {
			return
		}
		for i := range n.Commands {
			c := &n.Commands[i]
			if c.Action != ddl.RenameTo && c.Action != ddl.SetSchema || p.takesPlace(n.Name) {
				continue
			}
			f := Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Message: fmt.Sprintf("code that runs meanwhile still asks for %s and fails", n.Name)}
			if c.Action == ddl.RenameTo {
				f.Fix = sql("%s;\nCREATE VIEW %s AS SELECT * FROM %s;\n-- in one transaction; drop the view in a later release", p.SQL, n.Name, ddl.QualifiedName(n.Name.Schema, c.NewName))
			}
			p.Report(f)
		}
	},
}

// takesPlace tells whether a later statement of the script puts another relation, or a view, in the table's place.
func (p *Pass) takesPlace(name ddl.Name) bool {
	return p.Later(func(o ddl.Node) bool {
		switch n := o.(type) {
		case *ddl.CreateView:
			return n.Name.Same(name)
		case *ddl.CreateTable:
			return n.Name.Same(name)
		case *ddl.AlterTable:
			return slices.ContainsFunc(n.Commands, func(c ddl.Command) bool { return c.Action == ddl.RenameTo && c.NewName == name.Name })
		}
		return false
	}) != nil
}
