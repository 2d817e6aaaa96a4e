package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var addSerialColumn = Rule{
	Name: "add-serial-column", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action == ddl.AddColumn && c.Definition != nil && c.Definition.Type.IsSerial() {
				p.Report(numbered(n, c, c.Definition.Type.Text))
			}
		})
	},
}

func numbered(n *ddl.AlterTable, c *ddl.Command, what string) Found {
	return Found{
		Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Rewrites,
		Message: fmt.Sprintf("a column of %s numbers every row: all of %s is written anew while nobody reads or writes it", what, n.Name),
		Fix: sql("ALTER TABLE %[1]s ADD COLUMN %[2]s bigint;\nCREATE SEQUENCE %[3]s OWNED BY %[1]s.%[2]s;\nALTER TABLE %[1]s ALTER COLUMN %[2]s SET DEFAULT nextval('%[3]s');\n-- then number the old rows in batches",
			n.Name, ddl.QuoteIdent(c.Definition.Name), ddl.QuoteIdent(n.Name.Name+"_"+c.Definition.Name+"_seq")),
	}
}
