package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var manyIndexes = Rule{
	Name: "many-indexes", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateIndex)
		if !ok || p.Partitioned(n.Table) {
			return
		}
		if have := len(p.Scene.Indexes(n.Table)); have >= 10 {
			p.Report(Found{Object: n.Table, Message: fmt.Sprintf("%s has %d indexes already, and each is written with every row", n.Table, have), Fix: "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes ORDER BY idx_scan;"})
		}
	},
}
