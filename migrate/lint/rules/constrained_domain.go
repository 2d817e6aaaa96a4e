package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var constrainedDomain = Rule{
	Name: "constrained-domain", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AddColumn || c.Definition == nil || c.Definition.Type.Array {
				return
			}
			t := c.Definition.Type
			i := slices.IndexFunc(p.Scene.Types, func(s ddl.SceneType) bool {
				return s.Constrained && s.Name.Same(ddl.Name{Schema: t.Schema, Name: t.Name})
			})
			if i < 0 {
				return
			}
			base := p.Scene.Types[i].Base.Text
			p.Report(Found{
				Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Rewrites,
				Message: fmt.Sprintf("domain %s has constraints, so every row of %s is written anew to check them while nobody reads or writes it", t.Text, n.Name),
				Fix:     sql("ALTER TABLE %[1]s ADD COLUMN %[2]s %[3]s;\nALTER TABLE %[1]s ADD CONSTRAINT … CHECK (…) NOT VALID;\n-- in another transaction: VALIDATE CONSTRAINT", n.Name, ddl.QuoteIdent(c.Definition.Name), orText(base, "the_base_type")),
			})
		})
	},
}
