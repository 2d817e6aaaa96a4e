package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var severalLockedTables = Rule{
	Name: "several-locked-tables", Family: Blocking, Severity: finding.Notice,
	Check: func(p *Pass) {
		mine, ok := p.strong(p.Statement)
		if !ok {
			return
		}
		var held []string
		for _, s := range p.Earlier() {
			if e, ok := p.strong(s); ok && !e.Object.Same(mine.Object) && !slices.Contains(held, e.Object.String()) {
				held = append(held, e.Object.String())
			}
			if e, ok := p.strong(s); ok && e.Object.Same(mine.Object) {
				return // said for the first statement on this table
			}
		}
		if len(held) == 0 {
			return
		}
		p.Report(Found{Object: mine.Object, Lock: mine.Mode,
			Message: fmt.Sprintf("while this waits for its lock on %s, %s stay%s locked for everybody", mine.Object, strings.Join(held, ", "), singular(len(held)))})
	},
}

func singular(n int) string {
	if n == 1 {
		return "s"
	}
	return ""
}

// strong returns the strongest lock that a statement takes on a table in use, if it keeps others from writing.
func (p *Pass) strong(s *Statement) (ddl.Effect, bool) {
	var found ddl.Effect
	for _, e := range s.Effects {
		if e.Mode.BlocksWrites() && e.Mode > found.Mode && e.Kind != ddl.Index && e.Kind != ddl.Sequence && !e.Object.IsZero() && !p.New(e.Object) && e.Kind != ddl.View {
			found = e
		}
	}
	return found, found.Mode != ddl.NoLock
}
