package ddl

import "slices"

// Major is a major version of PostgreSQL.
type Major int

// Scene is what is known of the database that a statement will run on. The zero Scene knows nothing. It is filled
// from a catalog by the caller, by Apply from statements that ran before, or both.
type Scene struct {
	Relations []*Relation
	Types     []SceneType
	Functions []SceneFunction
	// Statistics has the table of every extended statistics object.
	Statistics []SceneStatistics
	// TimeZone is the session's time zone; empty when it is not known. A change between timestamp and timestamptz
	// needs no rewrite in UTC.
	TimeZone string
}

// RelationKind is what kind of relation something is.
type RelationKind uint8

// The kinds of relations that a lock can be on.
const (
	Table RelationKind = iota + 1
	PartitionedTable
	ForeignTable
	View
	MaterializedView
	Index
	Sequence
	Composite
)

var relationKindNames = [...]string{
	"", "table", "partitioned table", "foreign table", "view", "materialized view", "index", "sequence", "composite type",
}

func (k RelationKind) String() string { return relationKindNames[k] }

// Relation is what is known of a relation.
type Relation struct {
	Name             Name
	Kind             RelationKind
	Persistence      Persistence
	Columns          []SceneColumn
	Constraints      []SceneConstraint
	Children         []Name // partitions and inheriting tables, direct ones
	Parents          []Name
	DefaultPartition Name
	Reads            []Name      // of a view or materialized view
	Triggers         []Name      // functions of its triggers
	Index            *SceneIndex // of an index
	Owner            Name        // of a sequence, the table that it belongs to
	OwnerColumn      string
	Bytes, Rows      int64 // 0 when not known
	// Made tells that a statement applied to the scene made the relation, so that nobody else can see it yet if that is
	// still the same transaction.
	Made bool
}

// SceneColumn is what is known of a column.
type SceneColumn struct {
	Name      string
	Type      TypeName
	Collation string
	NotNull   bool
	Generated bool
	Virtual   bool
}

// SceneConstraint is a constraint of a table.
type SceneConstraint struct {
	Name       string
	Kind       ConstraintKind
	Columns    []string
	Expr       string // of a check
	References Name
	Index      Name // of a unique, primary key or exclusion constraint
	Validated  bool
}

// SceneIndex is what an index is on.
type SceneIndex struct {
	Table   Name
	Columns []string // "" for an expression
	Unique  bool
	Where   bool
}

// SceneType is a type that is not built in.
type SceneType struct {
	Name        Name
	Base        TypeName // of a domain
	Constrained bool     // of a domain: it has a CHECK or NOT NULL
}

// SceneFunction is a function that is not built in.
type SceneFunction struct {
	Name       Name
	Volatility string // "VOLATILE", "STABLE", "IMMUTABLE"
	Language   string
}

// SceneStatistics is an extended statistics object.
type SceneStatistics struct{ Name, Table Name }

// Relation returns the relation with the name, or nil.
func (s *Scene) Relation(name Name) *Relation {
	for _, r := range s.Relations {
		if r.Name.Same(name) {
			return r
		}
	}
	return nil
}

func (s *Scene) typeOf(t TypeName) *SceneType {
	for i := range s.Types {
		if s.Types[i].Name.Same(Name{Schema: t.Schema, Name: t.Name}) {
			return &s.Types[i]
		}
	}
	return nil
}

func (s *Scene) function(name Name) *SceneFunction {
	for i := range s.Functions {
		if s.Functions[i].Name.Same(name) {
			return &s.Functions[i]
		}
	}
	return nil
}

// Indexes returns the indexes of the table.
func (s *Scene) Indexes(table Name) []*Relation {
	var list []*Relation
	for _, r := range s.Relations {
		if r.Kind == Index && r.Index.Table.Same(table) {
			list = append(list, r)
		}
	}
	return list
}

// Descendants returns the partitions and inheriting tables of the table, at every level.
func (s *Scene) Descendants(table Name) []*Relation {
	var list []*Relation
	queue := []Name{table}
	for len(queue) > 0 {
		r := s.Relation(queue[0])
		queue = queue[1:]
		if r == nil {
			continue
		}
		for _, child := range r.Children {
			if c := s.Relation(child); c != nil && !slices.Contains(list, c) {
				list = append(list, c)
				queue = append(queue, child)
			}
		}
	}
	return list
}

// ReferencedBy returns the tables that have a foreign key to the table.
func (s *Scene) ReferencedBy(table Name) []*Relation {
	var list []*Relation
	for _, r := range s.Relations {
		if slices.ContainsFunc(r.Constraints, func(c SceneConstraint) bool {
			return c.Kind == ForeignKey && c.References.Same(table)
		}) {
			list = append(list, r)
		}
	}
	return list
}

// Column returns the column with the name, or nil.
func (r *Relation) Column(name string) *SceneColumn {
	if r == nil {
		return nil
	}
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return &r.Columns[i]
		}
	}
	return nil
}

// Constraint returns the constraint with the name, or nil.
func (r *Relation) Constraint(name string) *SceneConstraint {
	if r == nil {
		return nil
	}
	for i := range r.Constraints {
		if r.Constraints[i].Name == name {
			return &r.Constraints[i]
		}
	}
	return nil
}
