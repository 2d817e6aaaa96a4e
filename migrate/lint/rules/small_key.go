package rules

import (
	"fmt"
	"time"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var smallKey = Rule{
	Name: "small-key", Family: Design, Severity: finding.Notice,
	Check: func(p *Pass) {
		small := func(t ddl.TypeName) bool {
			return t.Name == "int4" || t.Name == "int2" || t.Name == "serial" || t.Name == "smallserial"
		}
		p.NewColumns(func(_ ddl.Name, c *ddl.Column) {
			if small(c.Type) && (c.Find(ddl.PrimaryKey) != nil || c.Find(ddl.Identity) != nil || c.Type.IsSerial()) {
				p.Report(Found{Span: c.Type.Span, Message: fmt.Sprintf("%s ends at %s rows; a wider key later writes this table and all that refer to it anew", c.Type.Text, highest(c.Type.Name)), Fix: sql("%s bigint", ddl.QuoteIdent(c.Name))})
			}
		})
	},
	Set: func(p *Pass) {
		if p.Set.Target == nil {
			return
		}
		for _, s := range p.Set.Target.Sequences {
			used := float64(s.Last) / float64(s.Max)
			if used < 0.5 || s.Max == 0 || !p.touched(s.Table) {
				continue
			}
			f := Found{Object: s.Table, Message: fmt.Sprintf("sequence %s has used %.0f %% of what %s of %s can hold", s.Name, used*100, s.Column, s.Table), Severity: finding.Warning,
				Fix: "-- move the key to bigint in steps while there is time"}
			if used > 0.9 {
				f.Severity = finding.Error
			}
			if days := time.Since(s.Since).Hours() / 24; !s.Since.IsZero() && days > 1 {
				f.Message += fmt.Sprintf("; at the pace so far it is full in %.0f days", (float64(s.Max)-float64(s.Last))/(float64(s.Last)/days))
			}
			p.Report(f)
		}
	},
}

func highest(name string) string {
	if name == "int2" || name == "smallserial" {
		return "32,767"
	}
	return "2,147,483,647"
}

// touched tells whether a script names the table; it makes that statement the pass's.
func (p *Pass) touched(table ddl.Name) bool {
	for _, script := range p.Set.Scripts {
		for _, s := range script.Statements {
			if _, ok := s.Effect(table); ok {
				p.Script, p.Statement = script, s
				return true
			}
		}
	}
	return false
}
