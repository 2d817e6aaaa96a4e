package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var duplicateIndex = Rule{
	Name: "duplicate-index", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateIndex)
		if !ok || !n.Where.IsZero() || n.Method != "" && n.Method != "btree" || slices.Contains(elements(n), "") || len(n.Include) > 0 || n.Only {
			return
		}
		for _, e := range n.Elements {
			if !e.OpClass.IsZero() || !e.Collation.IsZero() || e.Desc {
				return
			}
		}
		mine := elements(n)
		for _, x := range p.Scene.Indexes(n.Table) {
			have := x.Index.Columns
			if x.Index.Where || slices.Contains(have, "") || x.Name.Name == n.Name {
				continue
			}
			switch {
			case slices.Equal(mine, have) && (!n.Unique || x.Index.Unique):
				p.Report(Found{Object: n.Table, Message: fmt.Sprintf("index %s has the same columns already", x.Name)})
				return
			case len(mine) < len(have) && slices.Equal(mine, have[:len(mine)]) && !n.Unique:
				p.Report(Found{Object: n.Table, Message: fmt.Sprintf("index %s begins with the same columns and serves the same queries", x.Name)})
				return
			}
		}
	},
}
