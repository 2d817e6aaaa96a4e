package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var indexNotConcurrent = Rule{
	Name: "index-not-concurrent", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateIndex)
		if !ok || n.Concurrently || n.Only || p.New(n.Table) || !p.IsTable(n.Table) || p.Partitioned(n.Table) {
			return
		}
		f := Found{
			Message: fmt.Sprintf("building an index without CONCURRENTLY keeps everybody from writing to %s until it is done", n.Table),
			Object:  n.Table, Lock: ddl.Share, Work: Builds,
		}
		edits := p.after("INDEX", " CONCURRENTLY")
		f.Fix = Apply(p.SQL, edits) + ";"
		if !p.InBlock {
			f.Edits, f.Alone = edits, true
		}
		p.Report(f)
	},
}
