package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var dropIndexNotConcurrent = Rule{
	Name: "drop-index-not-concurrent", Family: Blocking, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Drop)
		if !ok || n.Kind != "INDEX" || n.Concurrently {
			return
		}
		for _, name := range n.Names {
			r := p.Known(name)
			table := ddl.Name{}
			if r != nil && r.Index != nil {
				table = r.Index.Table
			}
			if p.New(name) || p.New(table) || p.Partitioned(table) {
				continue
			}
			f := Found{
				Span: name.Span, Object: orName(table, name), Lock: ddl.AccessExclusive,
				Message: fmt.Sprintf("dropping index %s waits for every query on its table, and everything else waits behind it", name),
				Fix:     sql("DROP INDEX CONCURRENTLY %s;", name),
			}
			if len(n.Names) == 1 && n.Behavior == ddl.Restrict && !p.InBlock {
				f.Edits, f.Alone = p.after("INDEX", " CONCURRENTLY"), true
			}
			p.Report(f)
		}
	},
}
