package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var addStoredGeneratedColumn = Rule{
	Name: "add-stored-generated-column", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AddColumn || c.Definition == nil {
				return
			}
			g := c.Definition.Find(ddl.Generated)
			if g == nil || g.Virtual {
				return
			}
			fix := sql("-- an ordinary column that a trigger fills, the old rows filled in batches:\nALTER TABLE %s ADD COLUMN %s %s;", n.Name, ddl.QuoteIdent(c.Definition.Name), c.Definition.Type.Text)
			if p.Set.Major >= 18 {
				fix = sql("ALTER TABLE %s ADD COLUMN %s %s GENERATED ALWAYS AS (%s) VIRTUAL;", n.Name, ddl.QuoteIdent(c.Definition.Name), c.Definition.Type.Text, strings.Trim(g.Expr.Text, "()"))
			}
			p.Report(Found{
				Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Rewrites, Fix: fix,
				Message: fmt.Sprintf("a stored generated column is computed for every row: all of %s is written anew while nobody reads or writes it", n.Name),
			})
		})
	},
}
