package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var unqualifiedName = Rule{
	Name: "unqualified-name", Family: Design, Severity: finding.Off,
	Check: func(p *Pass) {
		name := ddl.Name{}
		switch n := p.Node.(type) {
		case *ddl.CreateTable:
			name = n.Name
			if n.Persistence == ddl.Temporary {
				return
			}
		case *ddl.CreateView:
			name = n.Name
		case *ddl.CreateType:
			name = n.Name
		case *ddl.CreateRoutine:
			name = n.Name
		case *ddl.AlterTable:
			name = n.Name
		}
		if name.Schema == "" && name.Name != "" {
			p.Report(Found{Span: name.Span, Object: name, Message: fmt.Sprintf("which schema %s is in depends on search_path", name)})
		}
	},
}
