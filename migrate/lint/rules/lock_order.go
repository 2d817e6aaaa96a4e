package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var lockOrder = Rule{
	Name: "lock-order", Family: Blocking, Severity: finding.Notice,
	Set: func(p *Pass) {
		type pair struct{ first, second string }
		seen := map[pair]string{}
		for _, script := range p.Set.Scripts {
			if script.IsDown {
				continue
			}
			held := map[int][]ddl.Name{}
			for _, s := range script.Statements {
				inner := *p
				inner.Script, inner.Statement = script, s
				e, ok := inner.strong(s)
				if !ok || slices.ContainsFunc(held[s.Block], e.Object.Same) {
					continue
				}
				for _, before := range held[s.Block] {
					if other := seen[pair{e.Object.Name, before.Name}]; other != "" && other != script.File {
						inner.Report(Found{Object: e.Object, Lock: e.Mode,
							Message: fmt.Sprintf("this locks %s after %s; %s locks them the other way round", e.Object, before, other)})
					}
					seen[pair{before.Name, e.Object.Name}] = script.File
				}
				held[s.Block] = append(held[s.Block], e.Object)
			}
		}
	},
}
