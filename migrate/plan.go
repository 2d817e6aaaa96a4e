package migrate

import "github.com/kedgedb/kedge/schema/ddl"

// Request is what a caller asks a database to become. The zero value, with
// Direction Up, means everything that is pending.
type Request struct {
	Direction   Direction
	To          *Version // nil: to the end (up), or by Steps (down); "" with Down is All
	Steps       int      // 0: no limit (up), 1 (down)
	All         bool     // down: everything
	Redo        bool     // down and up again of the last one
	Environment string   // scripts for other environments are ignored
	Allow       Allowances
}

// Allowances are the refusals that a caller lifts, each by its own flag.
type Allowances struct {
	OutOfOrder bool // apply a version below the newest applied one
	Changed    bool // go on although an applied script's SQL has changed
	Missing    bool // go on although an applied migration has no file
}

// Plan is the ordered steps that take a database to where it was asked to go.
type Plan struct {
	Environment string
	Direction   Direction
	From, To    Version
	Steps       []Step
}

// Step is one script to run, or what is left of it.
type Step struct {
	Migration     *Migration
	Direction     Direction
	Script        *Script         // Up or Down of Migration; for a down whose file is gone, as history kept it
	Transactional bool            // runs in one transaction with its history row
	Reason        string          // why not, when Transactional is false: "CREATE INDEX CONCURRENTLY on line 3"
	Statements    []ddl.Statement // of a script in memory; nil for a streamed one
	Resume        int             // 1-based number of the statement to go on with, when an earlier run was interrupted; else 0
	Doubt         bool            // whether the statement before Resume took effect is not known to history
}
