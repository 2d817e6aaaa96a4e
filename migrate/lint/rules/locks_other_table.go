package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var locksOtherTable = Rule{
	Name: "locks-other-table", Family: Blocking, Severity: finding.Notice,
	Check: func(p *Pass) {
		var own []ddl.Name
		switch n := p.Node.(type) {
		case *ddl.Drop:
			if n.Kind != "TABLE" {
				return
			}
			own = n.Names
		case *ddl.AlterTable:
			if !slices.ContainsFunc(n.Commands, func(c ddl.Command) bool { return c.Action == ddl.DropConstraint || c.Action == ddl.DropColumn }) {
				return
			}
			own = []ddl.Name{n.Name}
		default:
			return
		}
		for _, e := range p.Effects {
			if e.Mode < ddl.AccessExclusive || e.Kind == ddl.Index || e.Kind == ddl.Sequence || e.Object.IsZero() || p.New(e.Object) || slices.ContainsFunc(own, e.Object.Same) {
				continue
			}
			if slices.ContainsFunc(p.Scene.Descendants(own[0]), func(r *ddl.Relation) bool { return r.Name.Same(e.Object) }) {
				continue
			}
			p.Report(Found{Object: e.Object, Lock: e.Mode,
				Message: fmt.Sprintf("this also waits for every query on %s, and everything else there waits behind it: %s", e.Object, e.Reason)})
		}
	},
}
