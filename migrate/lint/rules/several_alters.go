package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var severalAlters = Rule{
	Name: "several-alters", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.AlterTable)
		if !ok || n.Kind != "TABLE" || p.New(n.Name) || !combines(n) {
			return
		}
		i := slices.Index(p.Script.Statements, p.Statement)
		if i == 0 {
			return
		}
		before := p.Script.Statements[i-1]
		if o, ok := before.Node.(*ddl.AlterTable); ok && before.Block == p.Block && o.Kind == "TABLE" && o.Name.Same(n.Name) && o.Only == n.Only && combines(o) {
			p.Report(Found{Object: n.Name, Message: fmt.Sprintf("this and the statement before alter %s; one ALTER TABLE with both subcommands would do", n.Name)})
		}
	},
}

// combines tells whether all subcommands are ones that stand beside others.
func combines(n *ddl.AlterTable) bool {
	return !slices.ContainsFunc(n.Commands, func(c ddl.Command) bool {
		switch c.Action {
		case ddl.AddColumn, ddl.DropColumn, ddl.SetDefault, ddl.DropDefault, ddl.AlterColumnType:
			return false
		}
		return true
	})
}
