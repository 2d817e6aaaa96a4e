package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var dropSchema = Rule{
	Name: "drop-schema", Family: Loss, Severity: finding.Error, LosesData: true,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Drop)
		if !ok || n.Kind != "SCHEMA" {
			return
		}
		for _, name := range n.Names {
			made := slices.ContainsFunc(p.Script.Statements, func(s *Statement) bool {
				c, ok := s.Node.(*ddl.CreateSchema)
				return ok && c.Name.Same(name)
			})
			if made {
				continue
			}
			f := Found{Span: name.Span, Message: fmt.Sprintf("schema %s goes, and CASCADE takes everything in it along", name)}
			if n.Behavior == ddl.Restrict {
				f.Severity = finding.Warning
				f.Message = fmt.Sprintf("schema %s goes; PostgreSQL refuses unless it is empty", name)
			}
			p.Report(f)
		}
	},
}
