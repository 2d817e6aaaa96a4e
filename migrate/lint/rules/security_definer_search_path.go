package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var securityDefinerSearchPath = Rule{
	Name: "security-definer-search-path", Family: Design, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateRoutine)
		if !ok || !n.SecurityDefiner || n.Atomic {
			return
		}
		if _, ok := ddl.OptionOf(n.Settings, "search_path"); ok {
			return
		}
		if p.Later(func(o ddl.Node) bool {
			a, ok := o.(*ddl.Alter)
			return ok && a.Name.Same(n.Name) && strings.Contains(strings.ToLower(a.Rest.Text), "search_path")
		}) != nil {
			return
		}
		p.Report(Found{Span: n.Name.Span, Message: fmt.Sprintf("%s runs with its owner's privileges and the caller's search_path: who can make objects can have it run theirs", n.Name),
			Fix: "SET search_path = schema, pg_temp"})
	},
}
