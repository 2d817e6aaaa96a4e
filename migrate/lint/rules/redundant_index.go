package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var redundantIndex = Rule{
	Name: "redundant-index", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateIndex)
		if !ok || !n.Where.IsZero() || n.Method != "" && n.Method != "btree" || slices.Contains(elements(n), "") {
			return
		}
		mine := elements(n)
		for _, x := range p.Scene.Indexes(n.Table) {
			have := x.Index.Columns
			if x.Index.Where || x.Index.Unique || slices.Contains(have, "") || len(have) >= len(mine) || !slices.Equal(have, mine[:len(have)]) {
				continue
			}
			if p.Later(func(o ddl.Node) bool {
				d, ok := o.(*ddl.Drop)
				return ok && d.Kind == "INDEX" && slices.ContainsFunc(d.Names, x.Name.Same)
			}) == nil {
				p.Report(Found{Object: n.Table, Message: fmt.Sprintf("index %s has the first columns of this one, and is not needed any more", x.Name), Fix: sql("DROP INDEX CONCURRENTLY %s;", x.Name)})
			}
		}
	},
}
