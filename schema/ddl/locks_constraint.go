package ddl

import "slices"

// addConstraintMode returns what ADD CONSTRAINT takes on the table and whether on its partitions.
func (o *oracle) addConstraintMode(n *AlterTable, c *Command) tableAction {
	switch c.Constraint.Kind {
	case ForeignKey:
		return tableAction{ShareRowExclusive, true}
	case Check, NotNull:
		return tableAction{AccessExclusive, true}
	}
	return tableAction{AccessExclusive, false}
}

func (o *oracle) alterAddConstraint(n *AlterTable, c *Command) {
	con := c.Constraint
	checked := !con.NotValid && !con.NotEnforced
	switch con.Kind {
	case Check, NotNull:
		for _, t := range o.family(n.Name, n.Only) {
			if checked && o.hasRows(t) {
				o.lock(t, AccessExclusive, scan, "ADD "+con.Kind.String())
			}
		}
	case ForeignKey:
		o.lock(con.References.Table, ShareRowExclusive, 0, "ADD FOREIGN KEY")
		for _, t := range o.family(n.Name, n.Only) {
			if checked && o.hasRows(t) {
				o.lock(t, ShareRowExclusive, scan, "ADD FOREIGN KEY")
			}
		}
	case Unique, PrimaryKey, Exclude:
		o.addIndexConstraint(n, con)
	}
}

func (o *oracle) addIndexConstraint(n *AlterTable, con *Constraint) {
	r := o.scene.Relation(n.Name)
	reason := "ADD " + con.Kind.String()
	columns := con.Columns
	if con.UsingIndex != "" {
		index := Name{Schema: n.Name.Schema, Name: con.UsingIndex}
		o.lock(index, ShareUpdateExclusive, 0, reason+" USING INDEX")
		if x := o.scene.Relation(index); x != nil {
			columns = x.Index.Columns
		}
	} else {
		mode := Share
		if o.server >= 18 || con.Kind == PrimaryKey {
			mode = AccessExclusive
		}
		for _, t := range o.family(n.Name, n.Only) {
			if o.hasRows(t) {
				o.lock(t, mode, scan, reason).Builds++
			}
		}
	}
	if con.Kind != PrimaryKey {
		return
	}
	switch {
	case r == nil && con.UsingIndex != "":
		o.lock(n.Name, AccessExclusive, scan|assumed, reason+" on columns that may be nullable")
	case r != nil:
		for _, name := range columns {
			col := r.Column(name)
			if (col == nil || !col.NotNull) && !provenNotNull(r, name, n.Commands) {
				o.lock(n.Name, AccessExclusive, scan, reason+" on a nullable column")
			}
		}
	}
}

func (o *oracle) alterConstraint(n *AlterTable, c *Command) {
	known := o.scene.Relation(n.Name).Constraint(c.Object)
	if known == nil || known.Kind != ForeignKey {
		return
	}
	switch {
	case c.Constraint.NotEnforced:
		o.lock(known.References, AccessExclusive, 0, "drops the foreign key's triggers")
	case c.Constraint.Enforced && !known.Validated:
		o.lock(known.References, ShareRowExclusive, 0, "makes the foreign key's triggers")
		o.lock(n.Name, AccessExclusive, scan, "ALTER CONSTRAINT … ENFORCED")
	}
}

func (o *oracle) validateConstraint(n *AlterTable, c *Command) {
	known := o.scene.Relation(n.Name).Constraint(c.Object)
	if known != nil && known.Kind == ForeignKey {
		o.lock(known.References, RowShare, 0, "VALIDATE CONSTRAINT")
	}
	if known != nil && known.Validated {
		return
	}
	var w work
	if known == nil {
		w = assumed
	}
	for _, t := range o.family(n.Name, n.Only) {
		if o.hasRows(t) {
			o.lock(t, ShareUpdateExclusive, scan|w, "VALIDATE CONSTRAINT")
		}
	}
}

func (o *oracle) dropConstraint(n *AlterTable, c *Command) {
	known := o.scene.Relation(n.Name).Constraint(c.Object)
	if known == nil {
		return
	}
	if known.Kind == ForeignKey {
		o.lock(known.References, AccessExclusive, 0, "drops the foreign key's triggers")
	}
	if known.Index.IsZero() {
		return
	}
	o.lock(known.Index, AccessExclusive, 0, "DROP CONSTRAINT")
	if c.Behavior == Cascade {
		for _, r := range o.scene.ReferencedBy(n.Name) {
			o.lock(r.Name, AccessExclusive, 0, "CASCADE to its foreign key")
		}
	}
}

func (o *oracle) constraintIndex(n *AlterTable, c *Command) {
	if known := o.scene.Relation(n.Name).Constraint(c.Object); known != nil && !known.Index.IsZero() {
		o.lock(known.Index, ShareUpdateExclusive, 0, c.Action.String())
	}
}

func (o *oracle) attachPartition(n *AlterTable, c *Command) {
	parent, child := o.scene.Relation(n.Name), o.scene.Relation(c.Table)
	if parent != nil && !parent.DefaultPartition.IsZero() {
		o.lock(parent.DefaultPartition, AccessExclusive, scan, "ATTACH PARTITION checks the default partition")
	}
	for _, t := range o.family(c.Table, false) {
		o.lock(t, AccessExclusive, 0, c.Action.String())
		if !o.hasRows(t) {
			continue
		}
		switch {
		case c.Bound.Default && len(o.scene.Descendants(n.Name)) == 0 && parent != nil:
		case child == nil:
			o.lock(t, AccessExclusive, scan|assumed, "ATTACH PARTITION, unless a CHECK proves its bounds")
		case !slices.ContainsFunc(child.Constraints, func(con SceneConstraint) bool { return con.Kind == Check && con.Validated }):
			o.lock(t, AccessExclusive, scan, "ATTACH PARTITION checks its bounds")
		}
		if parent == nil || child == nil {
			continue
		}
		for _, x := range o.scene.Indexes(n.Name) {
			o.lock(x.Name, ShareUpdateExclusive, 0, c.Action.String())
			if !slices.ContainsFunc(o.scene.Indexes(t), func(have *Relation) bool {
				return slices.Equal(have.Index.Columns, x.Index.Columns)
			}) {
				e := o.lock(t, AccessExclusive, scan, "ATTACH PARTITION builds the parent's indexes")
				e.Builds++
			}
		}
	}
	if parent != nil {
		for _, con := range parent.Constraints {
			if con.Kind == ForeignKey {
				o.lock(con.References, ShareRowExclusive, 0, "the parent's foreign key "+con.Name)
				o.lock(c.Table, AccessExclusive, scan, "the parent's foreign key "+con.Name)
			}
		}
	}
}

func (o *oracle) detachPartition(n *AlterTable, c *Command) {
	mode := AccessExclusive
	if o.server < 14 {
		mode = ShareUpdateExclusive
	}
	o.lock(c.Table, mode, 0, c.Action.String())
	if r := o.scene.Relation(n.Name); r != nil && !r.DefaultPartition.IsZero() && !c.Concurrently && !c.Finalize {
		o.lock(r.DefaultPartition, AccessExclusive, 0, "default partition")
	}
}
