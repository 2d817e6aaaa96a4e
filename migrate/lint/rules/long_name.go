package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var longName = Rule{
	Name: "long-name", Family: Broken, Severity: finding.Warning,
	Check: func(p *Pass) {
		if len(p.SQL) <= 63 {
			return
		}
		for _, t := range p.words() {
			if t.Kind != ddl.Word && t.Kind != ddl.QuotedIdent {
				continue
			}
			name := strings.Trim(t.Text, `"`)
			if len(name) > 63 {
				p.Report(Found{Span: ddl.Span{Start: t.Offset, End: t.Offset + len(t.Text)}, Message: fmt.Sprintf("%s has %d bytes: PostgreSQL cuts names after 63, and this becomes %s", name, len(name), name[:63])})
			}
		}
	},
}
