package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var attachPartitionScan = Rule{
	Name: "attach-partition-scan", Family: Blocking, Severity: finding.Warning,
	Check: func(p *Pass) {
		p.AnyAlter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AttachPartition || n.Kind != "TABLE" {
				return
			}
			for _, e := range p.Effects {
				if !e.Scan || p.New(e.Object) || e.Kind == ddl.Index {
					continue
				}
				f := Found{Span: c.Span, Object: e.Object, Lock: ddl.AccessExclusive, Work: Reads,
					Message: fmt.Sprintf("every row of %s is checked against the partition's bounds while nobody reads or writes it", e.Object),
					Fix:     sql("ALTER TABLE %[1]s ADD CONSTRAINT bounds CHECK (key IS NOT NULL AND key >= … AND key < …) NOT VALID;\nALTER TABLE %[1]s VALIDATE CONSTRAINT bounds;\n-- in another transaction: ATTACH PARTITION, then drop the constraint", e.Object)}
				if d := p.Known(n.Name); d != nil && !d.DefaultPartition.IsZero() && d.DefaultPartition.Same(e.Object) {
					f.Severity = finding.Error
					f.Message = fmt.Sprintf("every row of the default partition %s is checked to belong there still, while nobody reads or writes it", e.Object)
				}
				p.Report(f)
			}
		})
	},
}
