package rules

import (
	"fmt"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var foreignKeyValidated = Rule{
	Name: "foreign-key-validated", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			con := addedConstraint(c, ddl.ForeignKey)
			if con == nil || con.NotValid || con.NotEnforced || con.References == nil {
				return
			}
			other := con.References.Table
			if c.Action == ddl.AddColumn {
				if c.Definition.Find(ddl.Default) == nil && c.Definition.Find(ddl.Generated) == nil {
					if !p.New(other) {
						p.Report(Found{
							Span: c.Span, Object: other, Lock: ddl.ShareRowExclusive, Severity: finding.Notice,
							Message: fmt.Sprintf("a column with a foreign key is quick to add, but has to wait for whoever writes to %s, and others wait behind it", other),
						})
					}
					return
				}
				p.Report(Found{
					Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Reads,
					Message: fmt.Sprintf("every row of %s gets the default, and is looked up in %s while nobody reads or writes the one or writes to the other", n.Name, other),
				})
				return
			}
			name := ddl.QuoteIdent(constraintName(n.Name, con))
			f := Found{
				Span: c.Span, Object: n.Name, Lock: ddl.ShareRowExclusive, Work: Reads,
				Message: fmt.Sprintf("every row of %s is looked up in %s while nobody writes to either", n.Name, other),
				Fix:     sql("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s FOREIGN KEY … NOT VALID;\n-- in a later migration, or another transaction:\nALTER TABLE %[1]s VALIDATE CONSTRAINT %[2]s;", n.Name, name),
			}
			if con.Name != "" && len(n.Commands) == 1 && !p.InBlock && !p.Partitioned(n.Name) {
				f.Edits, f.Alone = p.validateLater(n.Name, name), true
			}
			p.Report(f)
		})
	},
}

// validateLater are the edits that add a constraint without looking at the rows, and look at them in a statement of
// their own.
func (p *Pass) validateLater(table ddl.Name, constraint string) []Edit {
	end := len(p.SQL)
	return []Edit{{ddl.Span{Start: end, End: end}, sql(" NOT VALID;\nALTER TABLE %s VALIDATE CONSTRAINT %s", table, constraint)}}
}
