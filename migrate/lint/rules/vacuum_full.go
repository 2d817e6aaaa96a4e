package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var vacuumFull = Rule{
	Name: "vacuum-full", Family: Blocking, Severity: finding.Error, OnDown: true,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Vacuum)
		if !ok || !n.Full {
			return
		}
		f := Found{Lock: ddl.AccessExclusive, Work: Rewrites, Message: "VACUUM FULL writes every table of the database anew while nobody reads or writes it", Fix: "VACUUM (ANALYZE);\n-- or pg_repack, which works beside traffic"}
		if len(n.Tables) > 0 {
			f.Object = n.Tables[0]
			f.Message = fmt.Sprintf("VACUUM FULL writes all of %s anew while nobody reads or writes it", f.Object)
			f.Fix = sql("VACUUM (ANALYZE) %s;\n-- or pg_repack, which works beside traffic", f.Object)
		}
		p.Report(f)
	},
}
