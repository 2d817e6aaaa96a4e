package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var replicaIdentityFull = Rule{
	Name: "replica-identity-full", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.AnyAlter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action == ddl.ReplicaIdentity && strings.HasSuffix(strings.ToUpper(strings.TrimSpace(p.SQL[c.Span.Start:min(c.Span.End, len(p.SQL))])), "FULL") {
				p.Report(Found{Span: c.Span, Object: n.Name, Message: fmt.Sprintf("every UPDATE and DELETE of %s writes the whole old row to the log, and subscribers look for it by reading the table", n.Name), Fix: sql("ALTER TABLE %s REPLICA IDENTITY USING INDEX a_unique_index;", n.Name)})
			}
		})
	},
}
