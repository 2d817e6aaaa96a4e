package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var requiredColumn = Rule{
	Name: "required-column", Family: Broken, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AddColumn || c.Definition == nil {
				return
			}
			col := c.Definition
			if col.Find(ddl.NotNull) == nil && col.Find(ddl.PrimaryKey) == nil || col.Find(ddl.Default) != nil || col.Find(ddl.Generated) != nil || col.Find(ddl.Identity) != nil || col.Type.IsSerial() {
				return
			}
			q := ddl.QuoteIdent(col.Name)
			p.Report(Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Reads,
				Message: fmt.Sprintf("%s is NOT NULL and has no default: this fails unless %s is empty, and code that does not know the column can insert no more", q, n.Name),
				Fix:     sql("ALTER TABLE %s ADD COLUMN %s %s NOT NULL DEFAULT …;\n-- or without NOT NULL, which comes in a later release, once every row has a value", n.Name, q, col.Type.Text)})
		})
	},
}
