package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var tableRewrite = Rule{
	Name: "table-rewrite", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.AlterTable)
		if !ok {
			if p.Traced {
				p.otherWork(true)
			}
			return
		}
		said := false
		for i := range n.Commands {
			c := &n.Commands[i]
			switch c.Action {
			case ddl.SetLogged, ddl.SetUnlogged, ddl.SetTablespace, ddl.SetAccessMethod, ddl.SetExpression:
			default:
				continue
			}
			e, ok := p.Effect(n.Name)
			if !ok || !e.Rewrite || p.New(n.Name) || n.Kind == "INDEX" {
				continue
			}
			said = true
			f := Found{
				Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Rewrites,
				Message: fmt.Sprintf("%s writes all of %s anew while nobody reads or writes it", c.Action, n.Name),
				Fix:     "-- make a new table as it should be, copy the rows in batches, and change over",
			}
			if e.Assumed {
				f.Severity = finding.Warning
			}
			p.Report(f)
		}
		if !said && p.Traced {
			p.otherWork(true)
		}
	},
}

// otherWork reports what a traced statement was seen to do, and no rule has named yet.
func (p *Pass) otherWork(rewrite bool) {
	if p.Others(Blocking) {
		return
	}
	for _, e := range p.Effects {
		if p.New(e.Object) || !e.Mode.BlocksWrites() || e.Kind == ddl.Index || e.Kind == ddl.Sequence || e.Emptied {
			continue
		}
		switch {
		case rewrite && e.Rewrite:
			p.Report(Found{Object: e.Object, Lock: e.Mode, Work: Rewrites, Message: fmt.Sprintf("run on a shadow, this wrote all of %s anew under %s", e.Object, e.Mode)})
			return
		case !rewrite && e.Scan && !e.Rewrite:
			p.Report(Found{Object: e.Object, Lock: e.Mode, Work: Reads, Message: fmt.Sprintf("run on a shadow, this read all of %s under %s", e.Object, e.Mode)})
			return
		}
	}
}
