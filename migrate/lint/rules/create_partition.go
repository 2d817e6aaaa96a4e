package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var createPartition = Rule{
	Name: "create-partition", Family: Blocking, Severity: finding.Notice,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.CreateTable)
		if !ok || n.PartitionOf.IsZero() || p.New(n.PartitionOf) {
			return
		}
		f := Found{Span: n.PartitionOf.Span, Object: n.PartitionOf, Lock: ddl.AccessExclusive,
			Message: fmt.Sprintf("CREATE TABLE … PARTITION OF waits for every query on %s, and everything else waits behind it; ATTACH PARTITION does not", n.PartitionOf),
			Fix:     sql("CREATE TABLE %[1]s (LIKE %[2]s INCLUDING ALL);\nALTER TABLE %[2]s ATTACH PARTITION %[1]s %[3]s;", n.Name, n.PartitionOf, n.Bound.Text)}
		if r := p.Known(n.PartitionOf); r != nil && !r.DefaultPartition.IsZero() && !p.New(r.DefaultPartition) {
			f.Object, f.Work, f.Severity = r.DefaultPartition, Reads, finding.Error
			f.Message = fmt.Sprintf("every row of the default partition %s is checked to belong there still, while nobody reads or writes it", r.DefaultPartition)
		}
		p.Report(f)
	},
}
