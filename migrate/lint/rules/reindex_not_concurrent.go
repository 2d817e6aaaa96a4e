package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var reindexNotConcurrent = Rule{
	Name: "reindex-not-concurrent", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Reindex)
		if !ok || n.Concurrently || p.New(n.Name) {
			return
		}
		f := Found{Object: n.Name, Lock: ddl.AccessExclusive, Work: Builds,
			Message: fmt.Sprintf("REINDEX keeps everybody from writing to the table, and from reading it by way of the index, until %s is built again", orText(n.Name.String(), "it"))}
		if n.Kind != "SYSTEM" {
			edits := p.after(n.Kind, " CONCURRENTLY")
			f.Fix = Apply(p.SQL, edits) + ";"
			if !p.InBlock {
				f.Edits, f.Alone = edits, true
			}
		}
		p.Report(f)
	},
}
