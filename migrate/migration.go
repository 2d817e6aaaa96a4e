// Package migrate is the runner's language: versions, migrations, the history
// of a database and the plans made from them, all as pure values and functions.
// It does not read files, open connections or run anything: see source for the
// first, apply for the others.
package migrate

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
)

// Kind tells how a migration is ordered and how often it runs.
type Kind string

// The kinds of migrations.
const (
	Versioned  Kind = "versioned"  // once, in the order of versions
	Repeatable Kind = "repeatable" // after the versioned ones, again whenever its content changes
	Baseline   Kind = "baseline"   // stands for every version up to its own on a database without history
)

// Migration is one change to a schema: an up script and, mostly, a down script.
type Migration struct {
	Version Version // "" for a repeatable one
	Name    string  // words from its file name, as written: create_users
	Kind    Kind
	Up      *Script
	Down    *Script // nil when there is none
	Header  Header  // what the up script's header asks for
}

// Key identifies a migration among its fellows: its version, or R__name.
func (m *Migration) Key() string {
	if m.Kind == Repeatable {
		return "R__" + m.Name
	}
	return string(m.Version)
}

// InlineLimit is the size in bytes up to which a script is kept in memory; a
// larger one is read anew, as a stream, each time it is needed.
const InlineLimit = 1 << 20

// Script is the SQL of one direction of a migration, checked to be valid UTF-8
// and read to its end once.
type Script struct {
	File     string // as shown to people: relative to the project, with slashes
	Size     int64  // bytes
	Checksum Checksum
	Header   Header
	Format   string // the naming format that read it: "golang-migrate", "flyway", …
	// Offset and Line say where Text begins inside File, when a file holds
	// more than this script. Line is 1 for a file's first line; 0 means 1.
	Offset int64
	Line   int
	// Text is the script itself, placeholders replaced, when Size is at most
	// InlineLimit; Reader reads the script whatever its size. A small script
	// whose checksum came from a cache has its Text once it is planned.
	Text   string
	Reader func() (io.ReadCloser, error)
	// Original reads the script before placeholders were replaced, which is
	// what Checksum is over; nil when nothing was replaced. Values are the
	// placeholders that were, by name.
	Original func() (io.ReadCloser, error)
	Values   map[string]string
	// Run is set instead of Text for a migration written in Go; Checksum.Text
	// is then the checksum its author declared.
	Run *Function

	read     *shape // what was read of it, when its Text was readText
	readText string
}

// Open reads the script from its beginning.
func (s *Script) Open() (io.ReadCloser, error) {
	if s.Reader != nil {
		return s.Reader()
	}
	return io.NopCloser(bytes.NewReader([]byte(s.Text))), nil
}

// Function is a migration written in Go. Exactly one of its fields is set.
type Function struct {
	Tx   func(context.Context, pgx.Tx) error    // runs in the migration's transaction
	Conn func(context.Context, *pgx.Conn) error // runs outside of a transaction
}

// Checksum identifies a script's content twice, in lower-case hexadecimal
// SHA-256. Text is over the bytes with line endings made LF and a byte order
// mark left out; SQL is over the tokens, so that comments and white space do not
// count either. SQL may be empty where it was not worked out yet.
type Checksum struct {
	Text string `json:"text"`
	SQL  string `json:"sql,omitempty"`
}

// Header is what a script asks for in its leading comments:
//
//	-- kedge: transaction=off lock_timeout=5s environments=dev,staging
//	-- kedge: depends=R__orders_view
//	-- kedge: allow=data-loss reason="the column was never filled"
type Header struct {
	Transaction      TransactionMode
	LockTimeout      *time.Duration
	StatementTimeout *time.Duration
	Environments     []string // empty: everywhere
	Depends          []string // keys of repeatable migrations to run before this one
	Allow            []Allowance
	Placeholders     *bool // on or off for this script alone
	Everywhere       bool  // placeholders=everywhere: in string constants and dollar quotes too
}

// TransactionMode is what a header says of transactions.
type TransactionMode string

// The modes; Auto is decided by reading the statements.
const (
	Auto TransactionMode = ""
	On   TransactionMode = "on"
	Off  TransactionMode = "off"
)

// Allowance is a hazard that a script's author takes on, with the reason.
type Allowance struct {
	Hazard string // data-loss, out-of-order, …
	Reason string
}
