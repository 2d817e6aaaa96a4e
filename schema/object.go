package schema

// Object is one object of a database. A kind's struct embeds [Base], exports
// its properties (which are compared and become JSON), and writes its SQL. A
// field tagged `diff:"-"` is a fact about the object but no property of it.
type Object interface {
	ID() ID
	// Parent is the object this one is a part of and dropped with; zero when it stands alone.
	Parent() ID
	// Common is what every kind can have: owner, comment, grants, labels.
	Common() *Attributes
	// Traits is what all objects of the kind have in common.
	Traits() *Traits
	// Target is the object as COMMENT ON takes it: "TABLE public.t".
	Target() string
	// Create makes the object with its properties and the parts in c.Parts;
	// the attributes are added by Diff.
	Create(c Context) []Statement
	// Drop removes it. Parts that have no statement of their own return nil.
	Drop(c Context) []Statement
	// Alter takes the object to the properties of to, which differ in changes.
	// False: that cannot be done in place, the object is dropped and made again.
	Alter(to Object, changes Changes, c Context) ([]Statement, bool)
}

// Inliner is a part that can be written inside its parent's CREATE.
type Inliner interface {
	// Inline says how readily the part leaves its parent's CREATE again when
	// it is in the way of an order; Apart means that it is never inside.
	Inline(c Context) Inline
}

// Inline is how firmly a part sits in its parent's CREATE.
type Inline int

// How firmly, the loosest first.
const (
	Apart    Inline = iota // always a statement of its own
	Loose                  // first to come out: constraints
	Firm                   // then: defaults
	Embedded               // only when nothing else helps: columns
	Fixed                  // never: it has no statement of its own
)

// Finisher is an object with statements that come after its creation and need
// other objects than the creation does, such as ALTER SEQUENCE … OWNED BY.
type Finisher interface {
	// Finish is called for each created object. What its statements require
	// is no longer required by the creation.
	Finish(c Context) []Statement
}

// Splitter is an object that can be made in two steps where a cycle of
// dependencies demands it: a shell type, a view without its query.
type Splitter interface {
	// Early makes a stand-in that needs none of the object's dependencies but
	// its columns' types, nil when there can be none; Late completes it.
	Early(c Context) []Statement
	Late(c Context) []Statement
}

// Rebuilder is an object that must outlive the replacement of what it depends
// on (a column whose type is dropped and made again).
type Rebuilder interface {
	// Rebuild moves the object from the replaced object's old to its new self,
	// after the new one was made and before the old one goes.
	Rebuild(to Object, replaced ID, c Context) ([]Statement, bool)
}

// Computed is an object whose data may be dropped, as it can be computed anew:
// a generated column.
type Computed interface{ Computed() bool }

// Swapper is an object that others keep data in. Instead of being dropped
// first it steps aside (is renamed), and goes once all that used it moved on.
type Swapper interface {
	// Aside renames the object; DropAside drops it under that name.
	Aside(c Context) []Statement
	DropAside(c Context) []Statement
}

// Mover is an object whose data move to a new one of its name, where no ALTER
// helps: it steps aside, and DropAside moves the data before it drops it. Root
// is the object that the data are read from, which may be one that this one is
// a part of.
type Mover interface {
	Swapper
	Moves(c Context) (root ID, moves bool)
}

// Stayer is an object that may outlive the move of what it belongs to.
type Stayer interface{ Stays(c Context) bool }

// DataOrdered is an object that is made before or after data move.
type DataOrdered interface{ DataOrder() DataOrder }

// DataOrder says when an object is made where data move.
type DataOrder int

// The times.
const (
	AnyTime DataOrder = iota
	BeforeData
	AfterData
)

// Occupier is an object that takes places beyond its kind's Spaces, which
// another object must have left before it is made.
type Occupier interface{ Occupies() []Slot }

// Slot is a place that one object at a time can have: a name in a name space,
// the value of a column.
type Slot struct{ Space, Name string }

// Remaker is a part that may only be made or changed together with its parent:
// the parent is replaced then.
type Remaker interface{ Remakes(c Context) bool }

// Relinker is an object that is dropped and made again only to be told anew,
// such as a partition's bounds: what it links changes while the link stands, so
// that the changes of one side still reach the other.
type Relinker interface {
	// Relinks reports whether to links the same two objects.
	Relinks(to Object) (a, b ID, same bool)
}

// Taker is an object whose drop includes that of dependents which it depends
// on itself: a base type and its input function.
type Taker interface{ Takes(user Object) bool }

// SwapChooser is a [Swapper] that steps aside only sometimes, to be there until
// its successor is. It does not when something it depends on changes.
type SwapChooser interface{ Swaps(c Context) bool }

// Context is what an object's SQL may look at beside the object.
type Context struct {
	From, To *Model
	Options  Options
	// Parts are written inside the statement that creates the object.
	Parts []Object
}

// Major is the major version of the server that the statements run on.
func (c Context) Major() int {
	if c.From != nil && c.From.Server != 0 {
		return c.From.Server
	}
	return c.To.Server
}

// Base is embedded by every kind's struct.
type Base struct {
	Ident ID `json:"id" diff:"-"`
	Attributes
}

// ID names the object.
func (b *Base) ID() ID { return b.Ident }

// Parent is zero: the object stands alone. Parts override it.
func (b *Base) Parent() ID { return ID{} }

// Traits is what all objects of a kind have in common.
type Traits struct {
	// Rank orders kinds that do not depend on each other, for reading.
	Rank int
	// Spaces are the name spaces the object's name lives in; two objects of
	// one space and name cannot exist together.
	Spaces []string
	// Owned: ALTER … OWNER TO applies.
	Owned bool
	// Class is the class of privileges ("" when there are none to grant).
	Class PrivilegeClass
	// Data: the object holds rows or values, so it is never dropped and made
	// again as a detour.
	Data bool
}

// Statement is one SQL statement and what running it means.
type Statement struct {
	SQL string
	// Object is what the statement makes, changes or drops; Block is the
	// object it stands with (the table of a column). Diff sets both.
	Object, Block ID
	// Transaction says how the statement stands to the transaction around it.
	Transaction Transaction
	// Requires are objects (or columns) that must be there, beyond what the
	// object itself depends on.
	Requires []ID
	// Displaces are dependents, by kind, that must be gone while it runs and
	// come back afterwards.
	Displaces []Displacement
	// Hazards are what a person should know before running it.
	Hazards []Hazard
	// Lock is the strongest table lock taken, "" when none matters.
	Lock string
	// Late: runs after all that does not require it.
	Late bool
}

// Displacement names the dependents of an object that must be gone during a statement.
type Displacement struct {
	Of    ID
	Kinds []Kind
	// Only narrows the kinds down; nil means all of them.
	Only func(Object) bool
}

// Transaction says how a statement stands to the transaction around it.
type Transaction int

// The ways to stand to a transaction.
const (
	Inside  Transaction = iota // runs within a transaction
	Outside                    // cannot run in a transaction block
	Apartly                    // runs in a transaction, after what came before was committed
)

// HazardKind classifies a hazard.
type HazardKind string

// The kinds of hazards.
const (
	DataLoss       HazardKind = "data_loss"
	TableRewrite   HazardKind = "table_rewrite"
	LongScan       HazardKind = "long_scan"
	BlockedWrites  HazardKind = "blocked_writes"
	PermissionLoss HazardKind = "permission_loss"
	Behaviour      HazardKind = "behaviour_change"
)

// Hazard is something a person should know before a statement runs.
type Hazard struct {
	Kind    HazardKind `json:"kind"`
	Message string     `json:"message"`
}

// SQL makes statements from their texts.
func SQL(texts ...string) []Statement {
	statements := make([]Statement, len(texts))
	for i, text := range texts {
		statements[i].SQL = text
	}
	return statements
}
