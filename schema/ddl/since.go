package ddl

// Since returns the first major version, 13 or later, whose grammar knows every part of the statement that Parse
// knows; 13 for what is older.
func Since(node Node) Major {
	v := versions{first: 13}
	switch n := node.(type) {
	case *AlterTable:
		for i := range n.Commands {
			v.command(n, &n.Commands[i])
		}
	case *CreateTable:
		v.columns(n.Columns)
		for i := range n.Constraints {
			v.tableConstraint(&n.Constraints[i])
		}
	case *CreateIndex:
		v.need(15, n.NullsNotDistinct)
	case *CreateTrigger:
		v.need(14, n.Replace)
	case *CreateRoutine:
		v.need(14, n.Atomic)
	case *CreateStatistics:
		v.need(16, n.Name.IsZero())
	case *Publication:
		v.need(15, len(n.Schemas) > 0)
	case *Query:
		v.need(15, n.Verb == "MERGE")
	}
	return v.first
}

type versions struct{ first Major }

func (v *versions) need(major Major, when bool) {
	if when {
		v.first = max(v.first, major)
	}
}

func (v *versions) command(n *AlterTable, c *Command) {
	switch c.Action {
	case SetCompression:
		v.need(14, true)
	case DetachPartition:
		v.need(14, c.Concurrently || c.Finalize)
	case SetAccessMethod:
		v.need(15, true)
		v.need(17, fold(c.Object) == "default")
	case SetOptions:
		_, invoker := OptionOf(c.Options, "security_invoker")
		v.need(15, n.Kind == "VIEW" && invoker)
	case SetLogged, SetUnlogged:
		v.need(15, n.Kind == "SEQUENCE")
	case SetStorage:
		v.need(16, c.NewName == "DEFAULT")
	case SetStatistics:
		v.need(17, fold(c.Object) == "default")
	case SetExpression:
		v.need(17, true)
	case AddColumn:
		v.columns([]Column{*c.Definition})
	case AddConstraint:
		v.tableConstraint(c.Constraint)
	case AlterConstraint:
		v.need(18, c.Constraint.NotEnforced || c.Constraint.Enforced || c.Constraint.NoInherit)
	}
}

func (v *versions) columns(columns []Column) {
	for i := range columns {
		c := &columns[i]
		v.need(14, c.Compression != "")
		v.need(16, c.Storage != "")
		for j := range c.Constraints {
			con := &c.Constraints[j]
			v.need(18, con.Kind == Generated && con.Virtual)
			v.constraint(con)
		}
	}
}

func (v *versions) tableConstraint(c *Constraint) {
	v.need(18, c.Kind == NotNull)
	v.constraint(c)
}

func (v *versions) constraint(c *Constraint) {
	v.need(15, c.NullsNotDistinct)
	v.need(18, c.NotEnforced || c.Enforced)
}
