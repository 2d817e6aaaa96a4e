package ddl

import "slices"

func (o *oracle) createTable(n *CreateTable) {
	if n.IfNotExists && o.scene.Relation(n.Name) != nil {
		return
	}
	for _, like := range n.Like {
		o.lock(like.Table, AccessShare, 0, "LIKE")
	}
	for _, parent := range n.Inherits {
		o.lock(parent, ShareUpdateExclusive, 0, "INHERITS")
	}
	if !n.PartitionOf.IsZero() {
		o.lock(n.PartitionOf, AccessExclusive, 0, "PARTITION OF")
		if parent := o.scene.Relation(n.PartitionOf); parent != nil {
			if !parent.DefaultPartition.IsZero() {
				o.lock(parent.DefaultPartition, AccessExclusive, scan, "PARTITION OF checks the default partition")
			}
			for _, con := range parent.Constraints {
				if con.Kind == ForeignKey {
					o.lock(con.References, ShareRowExclusive, 0, "the parent's foreign key "+con.Name)
				}
			}
		}
	}
	constraints := slices.Clone(n.Constraints)
	for _, col := range n.Columns {
		constraints = append(constraints, col.Constraints...)
	}
	for _, con := range constraints {
		if con.Kind == ForeignKey && con.References != nil && !con.References.Table.Same(n.Name) {
			o.lock(con.References.Table, ShareRowExclusive, 0, "REFERENCES")
		}
	}
	o.reads(n.Query, queryScan(n.NoData))
}

func (o *oracle) createIndex(n *CreateIndex) {
	mode := Share
	if n.Concurrently {
		mode = ShareUpdateExclusive
	}
	exists := n.IfNotExists && o.scene.Relation(Name{Schema: n.Table.Schema, Name: n.Name}) != nil
	if exists {
		o.lock(n.Table, mode, 0, "CREATE INDEX IF NOT EXISTS")
		return
	}
	for _, t := range o.family(n.Table, n.Only || !o.partitioned(n.Table)) {
		var did work
		if o.hasRows(t) {
			did = scan
		}
		e := o.lock(t, mode, did, "CREATE INDEX")
		if did != 0 {
			e.Builds++
		}
	}
}

func (o *oracle) partitioned(name Name) bool {
	r := o.scene.Relation(name)
	return r != nil && r.Kind == PartitionedTable
}

func (o *oracle) drop(n *Drop) {
	for _, name := range n.Names {
		switch n.Kind {
		case "TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW":
			o.dropRelation(name, n.Behavior)
		case "SEQUENCE":
			o.lock(name, AccessExclusive, 0, "DROP SEQUENCE")
		case "INDEX":
			o.dropIndex(name, n)
		case "TRIGGER", "RULE", "POLICY":
			o.lock(n.On, AccessExclusive, 0, "DROP "+n.Kind)
		case "STATISTICS":
			o.dropStatistics(name)
		case "SCHEMA":
			o.dropSchema(name)
		case "TYPE", "DOMAIN":
			o.dropType(name, n.Behavior)
		case "FUNCTION":
			o.dropFunction(name, n.Behavior)
		case "EXTENSION":
			if n.Behavior == Cascade {
				o.lock(Name{}, AccessExclusive, assumed, "DROP EXTENSION … CASCADE: every table that uses it")
			}
		}
	}
}

func (o *oracle) dropRelation(name Name, behavior Behavior) {
	reason := "DROP"
	o.lock(name, AccessExclusive, 0, reason)
	o.lockIndexes(name, AccessExclusive, reason, nil)
	r := o.scene.Relation(name)
	if r == nil {
		return
	}
	for _, parent := range r.Parents {
		if p := o.scene.Relation(parent); p != nil && p.Kind == PartitionedTable {
			o.lock(parent, AccessExclusive, 0, "drops a partition")
			if !p.DefaultPartition.IsZero() {
				o.lock(p.DefaultPartition, AccessExclusive, 0, "default partition")
			}
		}
	}
	for _, con := range r.Constraints {
		if con.Kind == ForeignKey {
			o.lock(con.References, AccessExclusive, 0, "drops foreign key "+con.Name)
		}
	}
	for _, child := range o.scene.Descendants(name) {
		if r.Kind == PartitionedTable || behavior == Cascade {
			o.lock(child.Name, AccessExclusive, 0, reason)
			o.lockIndexes(child.Name, AccessExclusive, reason, nil)
		}
	}
	if behavior != Cascade {
		return
	}
	for _, other := range o.scene.ReferencedBy(name) {
		o.lock(other.Name, AccessExclusive, 0, "CASCADE to its foreign key")
	}
	for _, view := range o.scene.Relations {
		if (view.Kind == View || view.Kind == MaterializedView) && slices.ContainsFunc(view.Reads, name.Same) {
			o.dropRelation(view.Name, behavior)
		}
	}
}

func (o *oracle) dropIndex(name Name, n *Drop) {
	mode := AccessExclusive
	if n.Concurrently {
		mode = ShareUpdateExclusive
	}
	table, known := o.indexTable(name, mode)
	if !known {
		o.lock(Name{}, mode, assumed, "the table of index "+name.String())
		o.lock(name, mode, 0, "DROP INDEX")
		return
	}
	index := o.scene.Relation(name)
	o.lock(name, mode, 0, "DROP INDEX")
	if !o.partitioned(table) {
		return
	}
	for _, t := range o.family(table, false)[1:] {
		o.lock(t, mode, 0, "DROP INDEX")
		for _, x := range o.scene.Indexes(t) {
			if slices.Equal(x.Index.Columns, index.Index.Columns) {
				o.lock(x.Name, mode, 0, "DROP INDEX")
				break
			}
		}
	}
}

func (o *oracle) dropStatistics(name Name) {
	for _, s := range o.scene.Statistics {
		if s.Name.Same(name) {
			o.lock(s.Table, ShareUpdateExclusive, 0, "DROP STATISTICS")
			return
		}
	}
	o.lock(Name{}, ShareUpdateExclusive, assumed, "the table of statistics "+name.String())
}

func (o *oracle) dropSchema(name Name) {
	for _, r := range o.scene.Relations {
		if r.Name.Schema == name.Name {
			o.lock(r.Name, AccessExclusive, 0, "DROP SCHEMA")
		}
	}
}

func (o *oracle) dropType(name Name, behavior Behavior) {
	if behavior != Cascade {
		return
	}
	for _, r := range o.usersOf(name) {
		o.lock(r.Name, AccessExclusive, 0, "DROP … CASCADE drops the columns of the type")
	}
}

func (o *oracle) dropFunction(name Name, behavior Behavior) {
	if behavior != Cascade {
		return
	}
	for _, r := range o.scene.Relations {
		if slices.ContainsFunc(r.Triggers, name.Same) {
			o.lock(r.Name, AccessExclusive, 0, "DROP FUNCTION … CASCADE drops its triggers")
		}
	}
}

// usersOf returns the tables that have a column of the type.
func (o *oracle) usersOf(name Name) []*Relation {
	var list []*Relation
	for _, r := range o.scene.Relations {
		if r.Kind != Composite && slices.ContainsFunc(r.Columns, func(c SceneColumn) bool {
			return name.Same(Name{Schema: c.Type.Schema, Name: c.Type.Name})
		}) {
			list = append(list, r)
		}
	}
	return list
}

// alterDomain: a new constraint is checked on every table that has a column of the domain, under Share.
func (o *oracle) alterDomain(n *AlterDomain) {
	c := n.Command
	var checks bool
	switch c.Action {
	case AddConstraint:
		checks = !c.Constraint.NotValid
	case ValidateConstraint, SetNotNull:
		checks = true
	}
	if !checks {
		return
	}
	users := o.usersOf(n.Name)
	for _, r := range users {
		o.lock(r.Name, Share, scan, "ALTER DOMAIN checks every table that uses it")
	}
	if len(users) == 0 {
		o.lock(Name{}, Share, scan|assumed, "ALTER DOMAIN checks every table that uses it")
	}
}

func (o *oracle) alter(n *Alter) {
	switch n.Kind {
	case "POLICY", "TRIGGER", "RULE":
		o.lock(n.On, AccessExclusive, 0, "ALTER "+n.Kind)
	}
}

func (o *oracle) refresh(n *RefreshMaterializedView) {
	mode := AccessExclusive
	if n.Concurrently {
		mode = Exclusive
	}
	reason := "REFRESH MATERIALIZED VIEW"
	r := o.scene.Relation(n.Name)
	if n.Concurrently {
		o.lock(n.Name, mode, scan, reason+" CONCURRENTLY compares every row")
	} else {
		o.rewriteTable(n.Name, reason, 0)
	}
	if r != nil {
		for _, t := range r.Reads {
			o.read(t, AccessShare, queryScan(n.NoData), 0)
		}
	}
}

func (o *oracle) reindex(n *Reindex) {
	mode, index := Share, AccessExclusive
	if n.Concurrently {
		mode, index = ShareUpdateExclusive, ShareUpdateExclusive
	}
	switch n.Kind {
	case "INDEX":
		o.lock(n.Name, index, rewrite, "REINDEX INDEX")
		r := o.scene.Relation(n.Name)
		if r == nil || r.Kind != Index {
			o.lock(Name{}, mode, scan|assumed, "the table of index "+n.Name.String())
			return
		}
		o.lock(r.Index.Table, mode, scan, "REINDEX INDEX").Builds++
	case "TABLE":
		for _, t := range o.family(n.Name, !o.partitioned(n.Name)) {
			if !o.hasRows(t) {
				continue
			}
			o.lock(t, mode, scan, "REINDEX TABLE").Builds += len(o.scene.Indexes(t))
			for _, x := range o.scene.Indexes(t) {
				o.lock(x.Name, index, rewrite, "REINDEX TABLE")
			}
		}
	default:
		o.lock(Name{}, mode, scan|assumed, "REINDEX "+n.Kind+": every table, one after the other")
	}
}

func (o *oracle) cluster(n *Cluster) {
	if n.Table.IsZero() {
		o.lock(Name{}, AccessExclusive, rewrite|scan|assumed, "CLUSTER: every table clustered before, one after the other")
		return
	}
	o.rewriteTable(n.Table, "CLUSTER", 0)
}

func (o *oracle) vacuum(n *Vacuum) {
	if len(n.Tables) == 0 {
		n = &Vacuum{Full: n.Full, Tables: []Name{{}}}
	}
	for _, t := range n.Tables {
		if n.Full {
			o.rewriteTable(t, "VACUUM FULL", 0)
			continue
		}
		o.lock(t, ShareUpdateExclusive, scan, "VACUUM")
	}
}
