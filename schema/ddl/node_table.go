package ddl

// CreateTable is CREATE TABLE in all its forms, CREATE TABLE AS and CREATE FOREIGN TABLE.
type CreateTable struct {
	Name        Name
	Persistence Persistence
	IfNotExists bool
	Foreign     bool
	Columns     []Column
	Constraints []Constraint // of the table; those of a column are with it
	Like        []Like
	Inherits    []Name
	OfType      Name
	PartitionOf Name
	Bound       PartitionBound // with PartitionOf
	PartitionBy *PartitionBy
	Method      string
	Options     []Option
	Tablespace  string
	Server      string // of a foreign table
	Query       *Query // of CREATE TABLE AS
	NoData      bool   // WITH NO DATA
}

// Column is a column of a table, or an attribute of a composite type.
type Column struct {
	Name        string
	Type        TypeName
	Collation   Name
	Storage     string
	Compression string
	Constraints []Constraint
	IfNotExists bool // of ADD COLUMN
	Span        Span
}

// Find returns the column's first constraint of the kind, or nil.
func (c *Column) Find(kind ConstraintKind) *Constraint {
	for i := range c.Constraints {
		if c.Constraints[i].Kind == kind {
			return &c.Constraints[i]
		}
	}
	return nil
}

// ConstraintKind is what a constraint, or another clause of a column, says.
type ConstraintKind uint8

// The kinds of constraints. Null, Default, Generated and Identity stand with columns only.
const (
	NotNull ConstraintKind = iota + 1
	Null
	Default
	Generated
	Identity
	Check
	Unique
	PrimaryKey
	ForeignKey
	Exclude
)

var constraintKindNames = [...]string{
	NotNull: "NOT NULL", Null: "NULL", Default: "DEFAULT", Generated: "GENERATED", Identity: "IDENTITY", Check: "CHECK",
	Unique: "UNIQUE", PrimaryKey: "PRIMARY KEY", ForeignKey: "FOREIGN KEY", Exclude: "EXCLUDE",
}

// String returns the kind as SQL writes it.
func (k ConstraintKind) String() string { return constraintKindNames[k] }

// Constraint is a constraint of a table, a column or a domain.
type Constraint struct {
	Kind              ConstraintKind
	Name              string
	Columns           []string // of a table constraint
	Expr              Expr     // of CHECK, DEFAULT, GENERATED
	References        *Reference
	UsingIndex        string // UNIQUE USING INDEX
	Include           []string
	Options           []Option
	NotValid          bool
	NotEnforced       bool
	Enforced          bool // written so; it is the default
	Deferrable        bool
	InitiallyDeferred bool
	NoInherit         bool
	NullsNotDistinct  bool
	Virtual           bool // GENERATED … VIRTUAL
	Always            bool // GENERATED ALWAYS AS IDENTITY
	Method            string
	Span              Span
}

// Reference is the other side of a foreign key.
type Reference struct {
	Table              Name
	Columns            []string
	OnDelete, OnUpdate string // "CASCADE", "SET NULL" …; empty for NO ACTION not written
	Match              string
}

// Like is a LIKE clause.
type Like struct {
	Table     Name
	Including []string // "ALL", "INDEXES" …
	Excluding []string
}

// PartitionBound is the FOR VALUES clause of a partition.
type PartitionBound struct {
	Default bool
	Text    string
}

// PartitionBy is the PARTITION BY clause.
type PartitionBy struct {
	Strategy string // "RANGE", "LIST", "HASH"
	Columns  []string
	Text     string // the key as written
}

// AlterTable is ALTER of anything that has rows in pg_class: tables, foreign tables, indexes, views, materialized
// views and sequences.
type AlterTable struct {
	Kind     string // "TABLE", "INDEX", "VIEW" …
	Name     Name
	IfExists bool
	Only     bool
	Commands []Command
}

// Action is what one subcommand of ALTER TABLE does.
type Action uint8

// The subcommands of ALTER TABLE and of its kin, by what they are called in the documentation.
const (
	UnknownAction Action = iota
	AddColumn
	DropColumn
	AlterColumnType
	SetDefault
	DropDefault
	SetNotNull
	DropNotNull
	SetExpression
	DropExpression
	AddIdentity
	AlterIdentity
	DropIdentity
	SetStatistics
	SetColumnOptions
	ResetColumnOptions
	SetStorage
	SetCompression
	AddConstraint
	AlterConstraint
	ValidateConstraint
	DropConstraint
	RenameConstraint
	RenameColumn
	RenameTo
	SetSchema
	OwnerTo
	SetTablespace
	SetAccessMethod
	SetLogged
	SetUnlogged
	SetOptions
	ResetOptions
	SetWithoutCluster
	SetWithoutOIDs
	ClusterOn
	Inherit
	NoInherit
	OfType
	NotOf
	ReplicaIdentity
	EnableTrigger
	DisableTrigger
	EnableRule
	DisableRule
	EnableRowSecurity
	DisableRowSecurity
	ForceRowSecurity
	NoForceRowSecurity
	AttachPartition
	DetachPartition
	DependsOnExtension
	SequenceOptions
	ForeignOptions
	AddAttribute
	DropAttribute
	AlterAttributeType
)

var actionNames = [...]string{
	UnknownAction:      "",
	AddColumn:          "ADD COLUMN",
	DropColumn:         "DROP COLUMN",
	AlterColumnType:    "ALTER COLUMN TYPE",
	SetDefault:         "SET DEFAULT",
	DropDefault:        "DROP DEFAULT",
	SetNotNull:         "SET NOT NULL",
	DropNotNull:        "DROP NOT NULL",
	SetExpression:      "SET EXPRESSION",
	DropExpression:     "DROP EXPRESSION",
	AddIdentity:        "ADD IDENTITY",
	AlterIdentity:      "ALTER IDENTITY",
	DropIdentity:       "DROP IDENTITY",
	SetStatistics:      "SET STATISTICS",
	SetColumnOptions:   "ALTER COLUMN SET (…)",
	ResetColumnOptions: "ALTER COLUMN RESET (…)",
	SetStorage:         "SET STORAGE",
	SetCompression:     "SET COMPRESSION",
	AddConstraint:      "ADD CONSTRAINT",
	AlterConstraint:    "ALTER CONSTRAINT",
	ValidateConstraint: "VALIDATE CONSTRAINT",
	DropConstraint:     "DROP CONSTRAINT",
	RenameConstraint:   "RENAME CONSTRAINT",
	RenameColumn:       "RENAME COLUMN",
	RenameTo:           "RENAME TO",
	SetSchema:          "SET SCHEMA",
	OwnerTo:            "OWNER TO",
	SetTablespace:      "SET TABLESPACE",
	SetAccessMethod:    "SET ACCESS METHOD",
	SetLogged:          "SET LOGGED",
	SetUnlogged:        "SET UNLOGGED",
	SetOptions:         "SET (…)",
	ResetOptions:       "RESET (…)",
	SetWithoutCluster:  "SET WITHOUT CLUSTER",
	SetWithoutOIDs:     "SET WITHOUT OIDS",
	ClusterOn:          "CLUSTER ON",
	Inherit:            "INHERIT",
	NoInherit:          "NO INHERIT",
	OfType:             "OF",
	NotOf:              "NOT OF",
	ReplicaIdentity:    "REPLICA IDENTITY",
	EnableTrigger:      "ENABLE TRIGGER",
	DisableTrigger:     "DISABLE TRIGGER",
	EnableRule:         "ENABLE RULE",
	DisableRule:        "DISABLE RULE",
	EnableRowSecurity:  "ENABLE ROW LEVEL SECURITY",
	DisableRowSecurity: "DISABLE ROW LEVEL SECURITY",
	ForceRowSecurity:   "FORCE ROW LEVEL SECURITY",
	NoForceRowSecurity: "NO FORCE ROW LEVEL SECURITY",
	AttachPartition:    "ATTACH PARTITION",
	DetachPartition:    "DETACH PARTITION",
	DependsOnExtension: "DEPENDS ON EXTENSION",
	SequenceOptions:    "ALTER SEQUENCE",
	ForeignOptions:     "OPTIONS",
	AddAttribute:       "ADD ATTRIBUTE",
	DropAttribute:      "DROP ATTRIBUTE",
	AlterAttributeType: "ALTER ATTRIBUTE TYPE",
}

// String returns the action as the documentation of ALTER TABLE writes it.
func (a Action) String() string { return actionNames[a] }

// Command is one subcommand of ALTER TABLE; which fields it uses depends on its Action.
type Command struct {
	Action       Action
	Column       string // the column, or attribute, that it is about
	Object       string // the constraint, trigger, rule, index, role, schema or tablespace that it names
	NewName      string
	Definition   *Column     // ADD COLUMN
	Constraint   *Constraint // ADD CONSTRAINT, ALTER CONSTRAINT
	Type         TypeName    // ALTER COLUMN … TYPE
	Collation    Name
	Using        Expr // ALTER COLUMN … TYPE … USING
	Expr         Expr // SET DEFAULT, SET EXPRESSION
	Table        Name // the partition, parent or type
	Bound        PartitionBound
	Options      []Option
	Behavior     Behavior
	IfExists     bool
	IfNotExists  bool
	Concurrently bool
	Finalize     bool
	Span         Span
}

// CreateIndex is CREATE INDEX.
type CreateIndex struct {
	Name             string // empty when PostgreSQL is to choose
	Table            Name
	Unique           bool
	Concurrently     bool
	IfNotExists      bool
	Only             bool
	Method           string // empty for btree not written
	Elements         []IndexElement
	Include          []string
	NullsNotDistinct bool
	Options          []Option
	Tablespace       string
	Where            Expr
}

// IndexElement is a column or an expression of an index.
type IndexElement struct {
	Column    string // empty for an expression
	Expr      Expr
	Collation Name
	OpClass   Name
	Desc      bool
	Span      Span
}

func (*CreateTable) node() {}
func (*AlterTable) node()  {}
func (*CreateIndex) node() {}
