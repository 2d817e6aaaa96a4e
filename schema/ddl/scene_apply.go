package ddl

import (
	"slices"
	"strings"
)

// Apply changes the scene as the statement would change the database, as far as the scene can tell. It names
// constraints and indexes as PostgreSQL does when the statement leaves their names out, numbered names apart.
func (s *Scene) Apply(node Node) {
	switch n := node.(type) {
	case *CreateTable:
		s.createTable(n)
	case *AlterTable:
		s.alterTable(n)
	case *CreateIndex:
		if !n.IfNotExists || s.Relation(Name{Name: n.Name}) == nil {
			s.createIndex(n)
		}
	case *CreateView:
		s.add(&Relation{Name: n.Name, Kind: View, Reads: readsOf(n.Query)})
	case *CreateMaterializedView:
		s.add(&Relation{Name: n.Name, Kind: MaterializedView, Reads: readsOf(n.Query)})
	case *CreateSequence:
		s.add(&Relation{Name: n.Name, Kind: Sequence})
	case *CreateType:
		s.Types = append(s.Types, SceneType{Name: n.Name})
		if n.Form == CompositeType {
			s.add(&Relation{Name: n.Name, Kind: Composite, Columns: sceneColumns(n.Attributes)})
		}
	case *CreateDomain:
		constrained := slices.ContainsFunc(n.Constraints, func(c Constraint) bool { return c.Kind == Check || c.Kind == NotNull })
		s.Types = append(s.Types, SceneType{Name: n.Name, Base: n.Type, Constrained: constrained})
	case *AlterDomain:
		if t := s.typeOf(TypeName{Schema: n.Name.Schema, Name: n.Name.Name}); t != nil &&
			(n.Command.Action == AddConstraint || n.Command.Action == SetNotNull) {
			t.Constrained = true
		}
	case *CreateRoutine:
		s.Functions = slices.DeleteFunc(s.Functions, func(f SceneFunction) bool { return f.Name.Same(n.Name) })
		s.Functions = append(s.Functions, SceneFunction{Name: n.Name, Volatility: n.Volatility, Language: n.Language})
	case *CreateStatistics:
		s.Statistics = append(s.Statistics, SceneStatistics{Name: n.Name, Table: n.Table})
	case *CreateTrigger:
		if r := s.Relation(n.Table); r != nil {
			r.Triggers = append(r.Triggers, n.Function)
		}
	case *Set:
		if n.Name == "timezone" || n.Name == "time zone" {
			s.TimeZone = unquote(n.Value)
		}
	case *Drop:
		s.drop(n)
	case *Query:
		if !n.Into.IsZero() {
			s.add(&Relation{Name: n.Into, Kind: Table})
		}
	}
}

func (s *Scene) add(r *Relation) {
	r.Made = true
	if old := s.Relation(r.Name); old != nil {
		s.remove(old.Name)
	}
	s.Relations = append(s.Relations, r)
}

func (s *Scene) remove(name Name) {
	s.Relations = slices.DeleteFunc(s.Relations, func(r *Relation) bool {
		return r.Name.Same(name) || r.Kind == Index && r.Index.Table.Same(name) || r.Kind == Sequence && r.Owner.Same(name)
	})
	for _, r := range s.Relations {
		isIt := func(n Name) bool { return n.Same(name) }
		r.Children = slices.DeleteFunc(r.Children, isIt)
		r.Parents = slices.DeleteFunc(r.Parents, isIt)
		if isIt(r.DefaultPartition) {
			r.DefaultPartition = Name{}
		}
	}
}

func readsOf(q *Query) []Name {
	if q == nil {
		return nil
	}
	return q.Reads
}

func sceneColumns(columns []Column) []SceneColumn {
	var list []SceneColumn
	for i := range columns {
		list = append(list, sceneColumn(&columns[i]))
	}
	return list
}

func sceneColumn(c *Column) SceneColumn {
	col := SceneColumn{Name: c.Name, Type: c.Type, Collation: c.Collation.Name}
	col.NotNull = c.Find(NotNull) != nil || c.Find(PrimaryKey) != nil || c.Find(Identity) != nil || c.Type.IsSerial()
	if g := c.Find(Generated); g != nil {
		col.Generated, col.Virtual = true, g.Virtual
	}
	return col
}

func (s *Scene) createTable(n *CreateTable) {
	if n.IfNotExists && s.Relation(n.Name) != nil {
		return
	}
	r := &Relation{Name: n.Name, Kind: Table, Persistence: n.Persistence, Columns: sceneColumns(n.Columns)}
	switch {
	case n.Foreign:
		r.Kind = ForeignTable
	case n.PartitionBy != nil:
		r.Kind = PartitionedTable
	}
	parents := n.Inherits
	if !n.PartitionOf.IsZero() {
		parents = []Name{n.PartitionOf}
	}
	for _, like := range n.Like {
		if source := s.Relation(like.Table); source != nil {
			r.Columns = append(r.Columns, source.Columns...)
		}
	}
	for _, name := range parents {
		if parent := s.Relation(name); parent != nil {
			r.Columns = append(slices.Clone(parent.Columns), r.Columns...)
		}
	}
	s.add(r)
	for _, name := range parents {
		s.attach(name, r, n.Bound.Default)
	}
	for i := range n.Columns {
		s.columnExtras(r, &n.Columns[i])
	}
	for i := range n.Constraints {
		s.addConstraint(r, &n.Constraints[i])
	}
}

func (s *Scene) attach(parentName Name, r *Relation, isDefault bool) {
	r.Parents = append(r.Parents, parentName)
	parent := s.Relation(parentName)
	if parent == nil {
		return
	}
	parent.Children = append(parent.Children, r.Name)
	if isDefault {
		parent.DefaultPartition = r.Name
	}
	if parent.Kind != PartitionedTable {
		return
	}
	for _, x := range s.Indexes(parent.Name) {
		if !slices.ContainsFunc(s.Indexes(r.Name), func(have *Relation) bool {
			return slices.Equal(have.Index.Columns, x.Index.Columns)
		}) {
			s.addIndex(r, "", x.Index.Columns, x.Index.Unique, "idx")
		}
	}
}

// columnExtras adds what a column's definition makes beside the column: sequences, constraints and indexes.
func (s *Scene) columnExtras(r *Relation, c *Column) {
	if c.Type.IsSerial() || c.Find(Identity) != nil {
		s.add(&Relation{Name: Name{Schema: r.Name.Schema, Name: r.Name.Name + "_" + c.Name + "_seq"}, Kind: Sequence,
			Owner: r.Name, OwnerColumn: c.Name})
	}
	for i := range c.Constraints {
		con := c.Constraints[i]
		switch con.Kind {
		case Check, Unique, PrimaryKey, ForeignKey:
			con.Columns = []string{c.Name}
			s.addConstraint(r, &con)
		}
	}
}

func (s *Scene) addConstraint(r *Relation, c *Constraint) {
	con := SceneConstraint{Name: c.Name, Kind: c.Kind, Columns: c.Columns, Expr: c.Expr.Text, Validated: !c.NotValid && !c.NotEnforced}
	if c.References != nil {
		con.References = c.References.Table
	}
	suffix := map[ConstraintKind]string{Check: "check", Unique: "key", PrimaryKey: "pkey", ForeignKey: "fkey", NotNull: "not_null", Exclude: "excl"}[c.Kind]
	if con.Name == "" {
		parts := append([]string{r.Name.Name}, c.Columns...)
		if c.Kind == PrimaryKey {
			parts = parts[:1]
		}
		con.Name = strings.Join(append(parts, suffix), "_")
	}
	switch c.Kind {
	case Unique, PrimaryKey, Exclude:
		if c.UsingIndex != "" {
			con.Index = Name{Schema: r.Name.Schema, Name: con.Name}
			if x := s.Relation(Name{Schema: r.Name.Schema, Name: c.UsingIndex}); x != nil {
				x.Name.Name = con.Name
				con.Columns = x.Index.Columns
			}
		} else {
			con.Index = s.addIndex(r, con.Name, c.Columns, c.Kind != Exclude, suffix)
		}
	}
	if c.Kind == NotNull || c.Kind == PrimaryKey {
		for _, name := range con.Columns {
			if col := r.Column(name); col != nil && !c.NotValid {
				col.NotNull = true
			}
		}
	}
	r.Constraints = append(r.Constraints, con)
}

func (s *Scene) addIndex(r *Relation, name string, columns []string, unique bool, suffix string) Name {
	if name == "" {
		name = strings.Join(append(append([]string{r.Name.Name}, columns...), suffix), "_")
	}
	full := Name{Schema: r.Name.Schema, Name: name}
	s.add(&Relation{Name: full, Kind: Index, Index: &SceneIndex{Table: r.Name, Columns: columns, Unique: unique}})
	if r.Kind == PartitionedTable {
		for _, child := range r.Children {
			if c := s.Relation(child); c != nil {
				s.addIndex(c, "", columns, unique, suffix)
			}
		}
	}
	return full
}

func (s *Scene) createIndex(n *CreateIndex) {
	r := s.Relation(n.Table)
	if r == nil {
		r = &Relation{Name: n.Table, Kind: Table}
	}
	var columns []string
	for _, e := range n.Elements {
		columns = append(columns, e.Column)
	}
	if n.Only {
		r = &Relation{Name: r.Name, Kind: Table}
	}
	name := s.addIndex(r, n.Name, columns, n.Unique, "idx")
	s.Relation(name).Index.Where = !n.Where.IsZero()
}

func (s *Scene) drop(n *Drop) {
	for _, name := range n.Names {
		switch n.Kind {
		case "TABLE", "VIEW", "MATERIALIZED VIEW", "INDEX", "SEQUENCE", "FOREIGN TABLE":
			s.remove(name)
		case "SCHEMA":
			s.Relations = slices.DeleteFunc(s.Relations, func(r *Relation) bool { return r.Name.Schema == name.Name })
		case "TYPE", "DOMAIN":
			s.Types = slices.DeleteFunc(s.Types, func(t SceneType) bool { return t.Name.Same(name) })
		case "FUNCTION":
			s.Functions = slices.DeleteFunc(s.Functions, func(f SceneFunction) bool { return f.Name.Same(name) })
		}
	}
}

func (s *Scene) alterTable(n *AlterTable) {
	r := s.Relation(n.Name)
	if r == nil {
		return
	}
	for i := range n.Commands {
		c := &n.Commands[i]
		s.alterCommand(r, c)
		if n.Only {
			continue
		}
		switch c.Action {
		case AddColumn, DropColumn, RenameColumn, AlterColumnType, SetNotNull, DropNotNull:
			for _, child := range s.Descendants(r.Name) {
				s.alterCommand(child, c)
			}
		}
	}
}

func (s *Scene) alterCommand(r *Relation, c *Command) {
	col := r.Column(c.Column)
	switch c.Action {
	case AddColumn:
		if col == nil && c.Definition != nil {
			r.Columns = append(r.Columns, sceneColumn(c.Definition))
			s.columnExtras(r, c.Definition)
		}
	case DropColumn:
		r.Columns = slices.DeleteFunc(r.Columns, func(x SceneColumn) bool { return x.Name == c.Column })
		r.Constraints = slices.DeleteFunc(r.Constraints, func(x SceneConstraint) bool { return slices.Contains(x.Columns, c.Column) })
		for _, x := range s.Indexes(r.Name) {
			if slices.Contains(x.Index.Columns, c.Column) {
				s.remove(x.Name)
			}
		}
	case RenameColumn:
		if col != nil {
			col.Name = c.NewName
		}
	case AlterColumnType:
		if col != nil {
			col.Type, col.Collation = c.Type, c.Collation.Name
		}
	case SetNotNull, DropNotNull:
		if col != nil {
			col.NotNull = c.Action == SetNotNull
		}
	case AddIdentity:
		s.columnExtras(r, &Column{Name: c.Column, Constraints: []Constraint{{Kind: Identity}}})
	case AddConstraint:
		s.addConstraint(r, c.Constraint)
	case ValidateConstraint:
		if con := r.Constraint(c.Object); con != nil {
			con.Validated = true
		}
	case AlterConstraint:
		if con := r.Constraint(c.Object); con != nil && c.Constraint.NotEnforced {
			con.Validated = false
		}
	case DropConstraint:
		if con := r.Constraint(c.Object); con != nil && !con.Index.IsZero() {
			s.remove(con.Index)
		}
		r.Constraints = slices.DeleteFunc(r.Constraints, func(x SceneConstraint) bool { return x.Name == c.Object })
	case RenameTo:
		s.rename(r, Name{Schema: r.Name.Schema, Name: c.NewName})
	case SetSchema:
		s.rename(r, Name{Schema: c.Object, Name: r.Name.Name})
	case SetLogged:
		r.Persistence = Permanent
	case SetUnlogged:
		r.Persistence = Unlogged
	case AttachPartition, Inherit:
		child, parent := s.Relation(c.Table), r
		if c.Action == Inherit {
			child, parent = r, s.Relation(c.Table)
		}
		if child != nil && parent != nil {
			s.attach(parent.Name, child, c.Bound.Default)
		}
	case DetachPartition:
		r.Children = slices.DeleteFunc(r.Children, func(x Name) bool { return x.Same(c.Table) })
		if r.DefaultPartition.Same(c.Table) && !r.DefaultPartition.IsZero() {
			r.DefaultPartition = Name{}
		}
	}
}

// rename gives the relation a new name, and the others that refer to it.
func (s *Scene) rename(r *Relation, to Name) {
	from := r.Name
	change := func(n *Name) {
		if !n.IsZero() && n.Same(from) {
			*n = to
		}
	}
	for _, other := range s.Relations {
		change(&other.Owner)
		change(&other.DefaultPartition)
		for _, list := range [][]Name{other.Children, other.Parents, other.Reads} {
			for i := range list {
				change(&list[i])
			}
		}
		if other.Index != nil {
			change(&other.Index.Table)
		}
		for i := range other.Constraints {
			change(&other.Constraints[i].References)
			change(&other.Constraints[i].Index)
		}
	}
	r.Name = to
}
