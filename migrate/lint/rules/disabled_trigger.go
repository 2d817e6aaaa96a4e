package rules

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var disabledTrigger = Rule{
	Name: "disabled-trigger", Family: Loss, Severity: finding.Notice,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.DisableTrigger && c.Action != ddl.DisableRule {
				return
			}
			if p.Later(func(o ddl.Node) bool {
				a, ok := o.(*ddl.AlterTable)
				return ok && a.Name.Same(n.Name) && slices.ContainsFunc(a.Commands, func(c ddl.Command) bool { return c.Action == ddl.EnableTrigger || c.Action == ddl.EnableRule })
			}) != nil {
				return
			}
			p.Report(Found{Span: c.Span, Object: n.Name, Lock: ddl.ShareRowExclusive, Message: fmt.Sprintf("what the trigger does for %s is not done any more, for anybody; DISABLE TRIGGER ALL also turns foreign keys off", n.Name)})
		})
	},
}
