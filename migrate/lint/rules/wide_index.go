package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var wideIndex = Rule{
	Name: "wide-index", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		if n, ok := p.Node.(*ddl.CreateIndex); ok && len(n.Elements) > 3 && !n.Unique && (n.Method == "" || n.Method == "btree") {
			p.Report(Found{Object: n.Table, Message: fmt.Sprintf("an index over %d columns is large, and seldom serves more queries than one over the first two or three", len(n.Elements))})
		}
	},
}
