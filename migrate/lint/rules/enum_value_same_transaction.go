package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var enumValueSameTransaction = Rule{
	Name: "enum-value-same-transaction", Family: Broken, Severity: finding.Error, OnDown: true,
	Check: func(p *Pass) {
		switch p.Node.(type) {
		case *ddl.AlterType, *ddl.CommentOn, *ddl.CreateRoutine, *ddl.Do:
			return
		}
		for _, s := range p.Earlier() {
			n, ok := s.Node.(*ddl.AlterType)
			if !ok || n.AddValue == "" || slices.ContainsFunc(p.Earlier(), func(s *Statement) bool {
				c, ok := s.Node.(*ddl.CreateType)
				return ok && c.Name.Same(n.Name)
			}) {
				continue
			}
			label := strings.Trim(n.AddValue, "'")
			for _, t := range p.words() {
				if t.Kind == ddl.String && t.Text == "'"+strings.ReplaceAll(label, "'", "''")+"'" {
					p.Report(Found{Span: ddl.Span{Start: t.Offset, End: t.Offset + len(t.Text)},
						Message: fmt.Sprintf("'%s' was added to %s in this transaction: PostgreSQL refuses to use it before that is committed", label, n.Name),
						Fix:     "-- ALTER TYPE … ADD VALUE in a migration of its own"})
					return
				}
			}
		}
	},
}
