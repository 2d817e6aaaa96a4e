package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var domainScan = Rule{
	Name: "domain-scan", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.AlterDomain)
		if !ok {
			return
		}
		c := n.Command
		if c.Action != ddl.SetNotNull && c.Action != ddl.ValidateConstraint && (c.Action != ddl.AddConstraint || c.Constraint == nil || c.Constraint.NotValid) {
			return
		}
		made := slices.ContainsFunc(p.Script.Statements, func(s *Statement) bool {
			d, ok := s.Node.(*ddl.CreateDomain)
			return ok && d.Name.Same(n.Name)
		})
		known := slices.ContainsFunc(p.Scene.Types, func(t ddl.SceneType) bool { return t.Name.Same(n.Name) })
		if made || known && len(p.Effects) == 0 {
			return
		}
		f := Found{Lock: ddl.Share, Work: Reads,
			Message: fmt.Sprintf("every table with a column of domain %s is read while nobody writes to it", n.Name),
			Fix:     sql("ALTER DOMAIN %s ADD CONSTRAINT name CHECK (…) NOT VALID;\n-- new values are checked from then on; for the old ones, a CHECK of each table, NOT VALID, and VALIDATE CONSTRAINT", n.Name)}
		if len(p.Effects) > 0 {
			f.Object = p.Effects[0].Object
		}
		p.Report(f)
	},
}
