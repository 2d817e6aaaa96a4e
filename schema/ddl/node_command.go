package ddl

// Query is SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE and MERGE, by the tables that it touches.
type Query struct {
	Verb    string // of the main statement
	Target  Name   // the table that the main statement writes to
	Where   bool   // UPDATE and DELETE: the main statement has a WHERE
	Writes  []Write
	Reads   []Name // tables of FROM, JOIN and USING, each once, common table expressions not among them
	Into    Name   // SELECT INTO
	RowLock bool   // FOR UPDATE, FOR SHARE and the like
	Text    Expr
}

// Write is a part of a query that changes rows.
type Write struct {
	Verb  string
	Table Name
	Where bool
}

// Truncate is TRUNCATE.
type Truncate struct {
	Tables          []Name
	RestartIdentity bool
	Behavior        Behavior
}

// LockTable is LOCK TABLE.
type LockTable struct {
	Tables []Name
	Mode   LockMode
	Nowait bool
}

// Vacuum is VACUUM.
type Vacuum struct {
	Full    bool
	Analyze bool
	Tables  []Name // none: every table of the database
}

// Analyze is ANALYZE.
type Analyze struct{ Tables []Name }

// Cluster is CLUSTER.
type Cluster struct {
	Table Name // zero: every table clustered before
	Index string
}

// Reindex is REINDEX.
type Reindex struct {
	Kind         string // "INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM"
	Name         Name
	Concurrently bool
}

// Set is SET and RESET of a setting.
type Set struct {
	Name  string // in lower case; "role", "session authorization", "time zone" for their own forms; "all" for RESET ALL
	Value string // as written
	Local bool
	Reset bool
}

// Copy is COPY.
type Copy struct {
	Table   Name
	Columns []string
	From    bool // rows come in
	Stdin   bool // or, of COPY … TO, stdout
	Query   *Query
	Options []Option
}

// Do is DO.
type Do struct {
	Language string
	Body     Expr // the string constant's content
}

// Call is CALL.
type Call struct{ Name Name }

// Transaction is a statement that starts, ends or divides a transaction.
type Transaction struct {
	Verb string // as in Class
	Name string // of a savepoint
}

func (*Query) node()       {}
func (*Truncate) node()    {}
func (*LockTable) node()   {}
func (*Vacuum) node()      {}
func (*Analyze) node()     {}
func (*Cluster) node()     {}
func (*Reindex) node()     {}
func (*Set) node()         {}
func (*Copy) node()        {}
func (*Do) node()          {}
func (*Call) node()        {}
func (*Transaction) node() {}
