package ddl

// Drop is DROP of any kind of object.
type Drop struct {
	Kind         string // as in CREATE: "TABLE", "MATERIALIZED VIEW" …
	Names        []Name
	On           Name // the table of a trigger, policy or rule
	IfExists     bool
	Concurrently bool
	Behavior     Behavior
}

// Alter is ALTER of a kind of object that no other node is about, and any subcommand that only renames, moves or
// gives away one.
type Alter struct {
	Kind      string
	Name      Name
	On        Name // the table of a trigger, policy or rule
	IfExists  bool
	NewName   string // RENAME TO
	NewSchema string // SET SCHEMA
	NewOwner  string // OWNER TO
	Rest      Expr   // everything after the name, as written
}

// Create is CREATE of a kind of object that no other node is about.
type Create struct {
	Kind        string
	Name        Name
	IfNotExists bool
	Rest        Expr // everything after the name, as written
}

// CreateView is CREATE VIEW.
type CreateView struct {
	Name        Name
	Replace     bool
	Recursive   bool
	Persistence Persistence
	Columns     []string
	Options     []Option
	Query       *Query
}

// CreateMaterializedView is CREATE MATERIALIZED VIEW.
type CreateMaterializedView struct {
	Name        Name
	IfNotExists bool
	Options     []Option
	Tablespace  string
	Query       *Query
	NoData      bool
}

// RefreshMaterializedView is REFRESH MATERIALIZED VIEW.
type RefreshMaterializedView struct {
	Name         Name
	Concurrently bool
	NoData       bool
}

// CreateSequence is CREATE SEQUENCE.
type CreateSequence struct {
	Name        Name
	Persistence Persistence
	IfNotExists bool
	Type        TypeName
	Options     []Option
	OwnedBy     string // table.column as written
}

// TypeForm is what kind of type CREATE TYPE makes.
type TypeForm uint8

// The forms of CREATE TYPE.
const (
	EnumType TypeForm = iota + 1
	CompositeType
	RangeType
	BaseType
	ShellType
)

// CreateType is CREATE TYPE.
type CreateType struct {
	Name       Name
	Form       TypeForm
	Labels     []string // of an enum
	Attributes []Column // of a composite type
	Options    []Option // of a range or base type
}

// AlterType is ALTER TYPE.
type AlterType struct {
	Name        Name
	AddValue    string // the new label, when there is one
	IfNotExists bool
	Before      string
	After       string
	RenameValue string // the old label; NewName has the new one
	NewName     string
	NewSchema   string
	NewOwner    string
	Commands    []Command // attributes of a composite type
}

// CreateDomain is CREATE DOMAIN.
type CreateDomain struct {
	Name        Name
	Type        TypeName
	Collation   Name
	Constraints []Constraint
}

// AlterDomain is ALTER DOMAIN.
type AlterDomain struct {
	Name    Name
	Command Command
}

// CreateRoutine is CREATE FUNCTION, CREATE PROCEDURE and CREATE AGGREGATE.
type CreateRoutine struct {
	Kind            string
	Name            Name
	Replace         bool
	Arguments       Expr // inside the parentheses, as written
	Returns         TypeName
	Language        string
	Volatility      string // "VOLATILE" when not written
	SecurityDefiner bool
	Settings        []Option // SET name = value
	Body            Expr     // the string constant's content, or BEGIN ATOMIC … END or RETURN … as written
	Atomic          bool     // Body is SQL of the statement itself
}

// CreateTrigger is CREATE TRIGGER.
type CreateTrigger struct {
	Name       string
	Table      Name
	Replace    bool
	Constraint bool
	Timing     string   // "BEFORE", "AFTER", "INSTEAD OF"
	Events     []string // "INSERT", "UPDATE", "DELETE", "TRUNCATE"
	EachRow    bool
	Referenced Name // FROM
	Function   Name
}

// CreatePolicy is CREATE POLICY.
type CreatePolicy struct {
	Name        string
	Table       Name
	Restrictive bool
	Command     string // "ALL" when not written
	Roles       []string
	Using       Expr
	Check       Expr
}

// CreateRule is CREATE RULE.
type CreateRule struct {
	Name    string
	Table   Name
	Replace bool
	Event   string
	Instead bool
}

// CreateSchema is CREATE SCHEMA.
type CreateSchema struct {
	Name          Name
	IfNotExists   bool
	Authorization string
}

// CreateExtension is CREATE EXTENSION.
type CreateExtension struct {
	Name        Name
	IfNotExists bool
	Schema      string
	Version     string
	Cascade     bool
}

// Publication is CREATE PUBLICATION and ALTER PUBLICATION.
type Publication struct {
	Name      Name
	Alter     string // "ADD", "SET", "DROP", another word of ALTER; empty for CREATE
	AllTables bool
	Tables    []Name
	Schemas   []string
}

// CreateStatistics is CREATE STATISTICS.
type CreateStatistics struct {
	Name        Name
	IfNotExists bool
	Table       Name
}

// CommentOn is COMMENT ON.
type CommentOn struct {
	Kind   string
	Name   Name   // of the object, for a column the table
	Column string // of COMMENT ON COLUMN
	On     Name   // the table of a constraint, trigger, policy or rule
	Text   string
	Null   bool // IS NULL: the comment goes
}

// Grant is GRANT and REVOKE, of privileges and of roles.
type Grant struct {
	Revoke     bool
	Privileges []string // in upper case; role names for a grant of roles
	Kind       string   // "TABLE", "SCHEMA", "ALL TABLES IN SCHEMA" …; "ROLE" for a grant of roles
	Objects    []Name
	Roles      []string // "public" for everybody
	Default    bool     // ALTER DEFAULT PRIVILEGES
}

func (*Drop) node()                    {}
func (*Alter) node()                   {}
func (*Create) node()                  {}
func (*CreateView) node()              {}
func (*CreateMaterializedView) node()  {}
func (*RefreshMaterializedView) node() {}
func (*CreateSequence) node()          {}
func (*CreateType) node()              {}
func (*AlterType) node()               {}
func (*CreateDomain) node()            {}
func (*AlterDomain) node()             {}
func (*CreateRoutine) node()           {}
func (*CreateTrigger) node()           {}
func (*CreatePolicy) node()            {}
func (*CreateRule) node()              {}
func (*CreateSchema) node()            {}
func (*CreateExtension) node()         {}
func (*Publication) node()             {}
func (*CreateStatistics) node()        {}
func (*CommentOn) node()               {}
func (*Grant) node()                   {}
