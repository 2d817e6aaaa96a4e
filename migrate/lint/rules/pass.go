package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Set is the scripts that are looked at together, in the order in which they run.
type Set struct {
	Scripts []*Script
	// OneRelease tells that the scripts are released together.
	OneRelease bool
	Major      ddl.Major // of the server; 0 when it is not known
	Target     *Target   // nil when there is no database to ask
	// Pattern is what names of new tables, columns and indexes have to look like; nil for anything.
	Pattern func(name string) bool
	// LockTimeout is what the environment sets before each statement; nil when it is not known, 0 for none.
	LockTimeout *time.Duration
}

// Script is one file of SQL.
type Script struct {
	File       string
	Text       string
	Line       int // of the file on which Text starts; 0 is 1
	Statements []*Statement
	IsDown     bool
	Down       *Script // of an up script; nil when there is none
	// WantsDown tells that the script is a versioned migration, which should have a down script.
	WantsDown bool
	// Transaction is "on", "off" or "" as the header has it; LockTimeout the header's, nil when it has none.
	Transaction string
	LockTimeout *time.Duration
	// OneTransaction tells that the runner runs the script in one transaction.
	OneTransaction bool
}

// Statement is one statement of a script with what is known around it.
type Statement struct {
	ddl.Statement
	Node    ddl.Node
	Effects []ddl.Effect // before the statement, by the oracle or as traced
	Traced  bool
	// Block numbers the transaction that the statement runs in; statements of one transaction have the same number.
	Block int
	// InBlock tells that the script itself opened that transaction with BEGIN.
	InBlock bool
	// LockTimeout and StatementTimeout are as SET left them, "" when the script does not set them.
	LockTimeout, StatementTimeout string
}

// Target is what a live database tells.
type Target struct {
	Scene     *ddl.Scene
	Traffic   map[string]Traffic // by Name.String()
	Sequences []Sequence
	Comments  map[string]string // of columns, by "schema.table.column"
	// Ask runs a bounded query that returns true or false.
	Ask func(sql string) (bool, error)
}

// Traffic is how much a table is used, averaged since the statistics were reset.
type Traffic struct {
	ReadsPerSecond, WritesPerSecond float64
}

// Sequence is how far a sequence of the target is.
type Sequence struct {
	Name, Table ddl.Name
	Column      string
	Last, Max   int64     // Max is that of the column's type
	Since       time.Time // of the oldest row that is known, zero when nothing is
}

// Found is what a rule reports.
type Found struct {
	Span     ddl.Span // in the statement; zero is all of it
	Message  string
	Object   ddl.Name
	Lock     ddl.LockMode
	Work     Work
	Fix      string
	Severity finding.Severity // instead of the rule's, unless it is Off
	Edits    []Edit           // that make the statement safe, when that is mechanical
	// Alone tells that the edits hold only when each statement commits by itself.
	Alone bool
}

// Work is how long a lock is held, by what is done under it.
type Work uint8

// The kinds of work. Momentary work does not grow with the table.
const (
	Momentary Work = iota
	Reads
	Builds
	Rewrites
)

// Edit replaces a part of a statement.
type Edit struct {
	Span ddl.Span
	Text string
}

// Pass is what a check is given.
type Pass struct {
	Rule  *Rule
	Set   *Set
	Major ddl.Major // the set's, or a recent one when that is not known
	*Script
	*Statement
	Scene *ddl.Scene // before the statement; after the last one in Rule.Script and Rule.Set
	// Others tells whether another rule of the family has found something in the statement.
	Others func(Family) bool
	// Sink takes what Report is given.
	Sink func(*Pass, Found)
}

// Report hands in what the rule found in the pass's statement.
func (p *Pass) Report(f Found) { p.Sink(p, f) }

// Known returns the relation if the scene knows it.
func (p *Pass) Known(name ddl.Name) *ddl.Relation {
	if name.IsZero() {
		return nil
	}
	return p.Scene.Relation(name)
}

// New reports whether the relation was made by the scripts that are looked at, so that nobody uses it yet. A name
// without schema that the session would take for a temporary table counts, too.
func (p *Pass) New(name ddl.Name) bool {
	r := p.Known(name)
	return r != nil && (r.Made || r.Persistence == ddl.Temporary)
}

// Partitioned reports whether the relation is known to be partitioned.
func (p *Pass) Partitioned(name ddl.Name) bool {
	r := p.Known(name)
	return r != nil && r.Kind == ddl.PartitionedTable
}

// IsTable reports whether the relation can have rows in the way of a lock: a view, for one, cannot.
func (p *Pass) IsTable(name ddl.Name) bool {
	r := p.Known(name)
	return r == nil || r.Kind == ddl.Table || r.Kind == ddl.PartitionedTable || r.Kind == ddl.MaterializedView
}

// Alter calls f for each subcommand of an ALTER TABLE of a table that is in use.
func (p *Pass) Alter(f func(*ddl.AlterTable, *ddl.Command)) {
	n, ok := p.Node.(*ddl.AlterTable)
	if !ok || n.Kind != "TABLE" || p.New(n.Name) || !p.IsTable(n.Name) {
		return
	}
	for i := range n.Commands {
		f(n, &n.Commands[i])
	}
}

// AnyAlter is Alter of new tables, too.
func (p *Pass) AnyAlter(f func(*ddl.AlterTable, *ddl.Command)) {
	if n, ok := p.Node.(*ddl.AlterTable); ok {
		for i := range n.Commands {
			f(n, &n.Commands[i])
		}
	}
}

// NewColumns calls f for each column that the statement defines, by CREATE TABLE or ADD COLUMN.
func (p *Pass) NewColumns(f func(table ddl.Name, c *ddl.Column)) {
	switch n := p.Node.(type) {
	case *ddl.CreateTable:
		if n.Foreign || n.Persistence == ddl.Temporary {
			return
		}
		for i := range n.Columns {
			f(n.Name, &n.Columns[i])
		}
	case *ddl.AlterTable:
		for i := range n.Commands {
			if c := &n.Commands[i]; c.Action == ddl.AddColumn && c.Definition != nil && n.Kind == "TABLE" {
				f(n.Name, c.Definition)
			}
		}
	}
}

// Earlier yields the statements of the same transaction that ran before this one.
func (p *Pass) Earlier() []*Statement {
	var list []*Statement
	for _, s := range p.Script.Statements {
		if s == p.Statement {
			break
		}
		if s.Block == p.Statement.Block {
			list = append(list, s)
		}
	}
	return list
}

// Effect returns what the statement does to the relation.
func (s *Statement) Effect(name ddl.Name) (ddl.Effect, bool) {
	for _, e := range s.Effects {
		if e.Object.Same(name) {
			return e, true
		}
	}
	return ddl.Effect{}, false
}

// Later returns the statement of the script that comes after this one and has the property, or nil.
func (p *Pass) Later(is func(ddl.Node) bool) *Statement {
	i := slices.Index(p.Script.Statements, p.Statement)
	for _, s := range p.Script.Statements[i+1:] {
		if is(s.Node) {
			return s
		}
	}
	return nil
}

// words are the tokens of the statement that are neither white space nor comments.
func (s *Statement) words() []ddl.Token {
	var list []ddl.Token
	for t := range ddl.Tokens(s.SQL) {
		if !t.Trivia() {
			list = append(list, t)
		}
	}
	return list
}

// after returns the edit that puts text behind the first of the words given, and whether that word is there.
func (s *Statement) after(word, text string) []Edit {
	for _, t := range s.words() {
		if t.Is(word) {
			if t.Text == strings.ToLower(t.Text) {
				text = strings.ToLower(text)
			}
			end := t.Offset + len(t.Text)
			return []Edit{{ddl.Span{Start: end, End: end}, text}}
		}
	}
	return nil
}

// Place returns the line and the column of an offset in the statement, counted as in its script.
func (s *Statement) Place(offset int) (line, column int) {
	if offset > len(s.SQL) {
		offset = len(s.SQL)
	}
	text := strings.NewReplacer("\r\n", "\r\n", "\r", "\n").Replace(s.SQL[:offset])
	line = s.Line + strings.Count(text, "\n")
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		return line, utf8.RuneCountInString(text[i+1:]) + 1
	}
	return line, s.Column + utf8.RuneCountInString(text)
}

// sql formats SQL for a Fix.
func sql(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// list writes column names as SQL.
func list(columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = ddl.QuoteIdent(c)
	}
	return strings.Join(quoted, ", ")
}

// constraintName is the constraint's name, or the one that PostgreSQL would give it.
func constraintName(table ddl.Name, c *ddl.Constraint) string {
	if c.Name != "" {
		return c.Name
	}
	suffix := map[ddl.ConstraintKind]string{ddl.Check: "check", ddl.Unique: "key", ddl.PrimaryKey: "pkey", ddl.ForeignKey: "fkey", ddl.NotNull: "not_null", ddl.Exclude: "excl"}[c.Kind]
	parts := append([]string{table.Name}, c.Columns...)
	if c.Kind == ddl.PrimaryKey {
		parts = parts[:1]
	}
	return strings.Join(append(parts, suffix), "_")
}

// orText returns the first text that is not empty.
func orText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// orName returns the first name that there is.
func orName(names ...ddl.Name) ddl.Name {
	for _, n := range names {
		if !n.IsZero() {
			return n
		}
	}
	return ddl.Name{}
}

// Apply returns the text with the edits made. They may stand in any order and must not overlap.
func Apply(text string, edits []Edit) string {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return b.Span.Start - a.Span.Start })
	for _, e := range edits {
		text = text[:e.Span.Start] + e.Text + text[e.Span.End:]
	}
	return text
}
