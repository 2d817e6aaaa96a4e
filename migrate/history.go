package migrate

import "time"

// Event says what a history entry records.
type Event string

// The events of a history.
const (
	Applied        Event = "applied"         // the migration took effect (in the same transaction, where there is one)
	Reverted       Event = "reverted"        // its down script took effect
	Baselined      Event = "baseline"        // everything up to this version was declared present
	Adopted        Event = "adopted"         // taken over from another tool's history
	Started        Event = "started"         // a non-transactional migration (or revert: see Direction) began
	StatementBegun Event = "statement_begun" // statement number Statement of a non-transactional one is about to run
	StatementDone  Event = "statement_done"  // … has finished
	Failed         Event = "failed"          // an attempt ended in Error, its effects rolled back (except non-transactional statements already done)
	Repaired       Event = "repaired"        // a changed checksum was accepted
	Resolved       Event = "resolved"        // an interrupted migration was decided by a person: Note is resume, done or undone
	Forgotten      Event = "forgotten"       // a missing migration was struck from the state by repair
)

// Direction is the way a migration is run.
type Direction string

// The two directions.
const (
	Up   Direction = "up"
	Down Direction = "down"
)

// Entry is one row of a database's history. Rows are only ever added; the state
// of a database is their fold (see Fold).
type Entry struct {
	ID         int64         `json:"id"`
	RunID      string        `json:"run_id"`
	Event      Event         `json:"event"`
	Direction  Direction     `json:"direction,omitempty"`
	Version    Version       `json:"version,omitempty"`
	Name       string        `json:"name,omitempty"`
	Kind       Kind          `json:"kind,omitempty"`
	Checksum   Checksum      `json:"checksum"`
	File       string        `json:"file,omitempty"`
	Statement  int           `json:"statement,omitempty"`  // 1-based, for the statement events
	Statements int           `json:"statements,omitempty"` // how many the script has
	At         time.Time     `json:"at"`                   // when the row was written, the server's clock
	Duration   time.Duration `json:"-"`
	Retries    int           `json:"retries,omitempty"`
	By         string        `json:"by,omitempty"` // database role
	OSUser     string        `json:"os_user,omitempty"`
	Host       string        `json:"host,omitempty"`
	Commit     string        `json:"commit,omitempty"` // of the checkout that ran it
	Tool       string        `json:"tool,omitempty"`   // "kedge 0.1.0"
	Error      string        `json:"error,omitempty"`
	Note       string        `json:"note,omitempty"` // a reason, or what a resolve decided
}

// Key identifies the migration that the entry is about: see Migration.Key.
func (e *Entry) Key() string {
	if e.Kind == Repeatable {
		return "R__" + e.Name
	}
	return string(e.Version)
}
