package migrate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

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

// Record is an applied migration as history knows it.
type Record struct {
	Entry      Entry    // the entry by which it is applied: applied, baseline, adopted or resolved
	Checksum   Checksum // the one last accepted: Entry's, or that of a later repair
	OutOfOrder bool     // it was applied when a higher version was already there
	Stale      bool     // repeatable only: a versioned migration was reverted since, so it has to run again
}

// Interrupted is a non-transactional run that started and did not end.
type Interrupted struct {
	Entry      Entry     // the started entry
	Direction  Direction // of the run
	Statements int       // how many the script has; 0 when history does not say
	Done       int       // statements 1 to Done took effect
	Doubt      int       // the statement that was begun and of which history does not know the end; 0 for none
	Failure    *Entry    // how the last attempt ended, when it ended in an error that was recorded
}

// Next is the 1-based number of the first statement that is neither done nor in doubt.
func (i Interrupted) Next() int { return max(i.Done, i.Doubt) + 1 }

// History is the state of a database, folded from its entries. The zero value
// is the history of a database that no migration has touched.
type History struct {
	applied     map[string]*Record // versioned and repeatable ones, by key
	order       []string           // keys of applied, in the order of application
	baseline    *Record
	interrupted []*Interrupted
	failures    []Entry
	current     Version
}

// Fold works out the state of a database from its entries, which may come in
// any order: they are read by ascending ID.
func Fold(entries []Entry) History {
	if !slices.IsSortedFunc(entries, byID) {
		entries = slices.Clone(entries)
		slices.SortStableFunc(entries, byID)
	}
	f := folder{applied: make(map[string]*Record, len(entries)), place: make(map[string]int, len(entries)), failures: map[string]Entry{}}
	for i := range entries {
		f.add(&entries[i])
	}
	return f.history()
}

func byID(a, b Entry) int { return cmp.Compare(a.ID, b.ID) }

// folder holds what a fold knows half-way.
type folder struct {
	applied     map[string]*Record
	place       map[string]int // key → when it was applied
	clock       int
	highest     Version // highest applied version; "" once unknown
	dirty       bool    // highest has to be worked out again
	baseline    *Record
	interrupted []*Interrupted
	failures    map[string]Entry
}

func (f *folder) add(e *Entry) {
	key := e.Key()
	switch e.Event {
	case Applied, Adopted:
		f.apply(e)
	case Baselined:
		f.baselined(e)
	case Reverted:
		f.revert(e)
	case Started:
		f.end(e)
		f.interrupted = append(f.interrupted, &Interrupted{Entry: *e, Direction: direction(e), Statements: e.Statements})
	case StatementBegun, StatementDone:
		if i := f.running(e); i != nil {
			if e.Event == StatementBegun {
				i.Doubt, i.Failure = e.Statement, nil
			} else {
				i.Done, i.Doubt = e.Statement, 0
			}
			i.Statements = max(i.Statements, e.Statements)
			if e.Checksum.Text != "" { // a file may be put right as long as nothing of it was done
				i.Entry.Checksum = e.Checksum
			}
		}
	case Failed:
		f.failures[failureKey(e)] = *e
		if i := f.running(e); i != nil {
			i.Failure, i.Doubt = e, 0
		}
	case Repaired:
		if r := f.record(e); r != nil {
			r.Checksum = e.Checksum
		}
	case Resolved:
		f.resolve(e)
	case Forgotten:
		f.end(e)
		if e.Kind == Baseline {
			f.baseline = nil
			return
		}
		f.remove(key)
	}
}

// failureKey keeps a baseline's failure apart from that of the version it shares its number with.
func failureKey(e *Entry) string {
	if e.Kind == Baseline {
		return "B" + e.Key()
	}
	return e.Key()
}

func direction(e *Entry) Direction {
	if e.Direction == Down {
		return Down
	}
	return Up
}

func (f *folder) record(e *Entry) *Record {
	if e.Kind == Baseline {
		if f.baseline != nil && f.baseline.Entry.Version == e.Version {
			return f.baseline
		}
		return nil
	}
	return f.applied[e.Key()]
}

func (f *folder) running(e *Entry) *Interrupted {
	for _, i := range f.interrupted {
		if i.Entry.Key() == e.Key() && (i.Entry.Kind == Baseline) == (e.Kind == Baseline) {
			return i
		}
	}
	return nil
}

// end closes what was running of the entry's migration, and forgets its failure.
func (f *folder) end(e *Entry) {
	delete(f.failures, failureKey(e))
	if i := f.running(e); i != nil {
		f.interrupted = slices.DeleteFunc(f.interrupted, func(o *Interrupted) bool { return o == i })
	}
}

func (f *folder) apply(e *Entry) {
	f.end(e)
	if e.Kind == Baseline {
		f.baselined(e)
		return
	}
	key := e.Key()
	r := &Record{Entry: *e, Checksum: e.Checksum}
	if e.Kind != Repeatable {
		top := f.top()
		r.OutOfOrder = e.Event != Adopted && e.Version.Compare(top) < 0
		if e.Version.Compare(top) > 0 {
			f.highest = e.Version
		}
	}
	f.applied[key] = r
	f.clock++
	f.place[key] = f.clock
}

// top is the highest version applied at this point of the fold, the baseline's included.
func (f *folder) top() Version {
	if f.dirty {
		f.highest, f.dirty = "", false
		for _, r := range f.applied {
			if v := r.Entry.Version; r.Entry.Kind != Repeatable && v.Compare(f.highest) > 0 {
				f.highest = v
			}
		}
	}
	if f.baseline != nil && f.baseline.Entry.Version.Compare(f.highest) > 0 {
		return f.baseline.Entry.Version
	}
	return f.highest
}

func (f *folder) baselined(e *Entry) {
	f.end(e)
	if f.baseline == nil || e.Version.Compare(f.baseline.Entry.Version) >= 0 {
		f.baseline = &Record{Entry: *e, Checksum: e.Checksum}
	}
}

func (f *folder) revert(e *Entry) {
	f.end(e)
	if e.Kind == Baseline {
		f.baseline = nil
		return
	}
	f.remove(e.Key())
	if e.Kind == Repeatable {
		return
	}
	for _, r := range f.applied {
		if r.Entry.Kind == Repeatable {
			r.Stale = true
		}
	}
}

func (f *folder) remove(key string) {
	if r, ok := f.applied[key]; ok {
		delete(f.applied, key)
		delete(f.place, key)
		f.dirty = f.dirty || r.Entry.Version == f.highest
	}
}

// resolve takes a person's decision on what was interrupted. The first word of
// the note is the decision; the rest is the reason.
func (f *folder) resolve(e *Entry) {
	i := f.running(e)
	if i == nil {
		return
	}
	decision, _, _ := strings.Cut(strings.TrimSpace(e.Note), " ")
	switch strings.TrimRight(decision, ":;,") {
	case "resume":
		switch {
		case e.Statement > 0:
			i.Done = e.Statement - 1
		case i.Doubt > 0:
			i.Done = i.Doubt - 1
		}
		i.Doubt, i.Failure = 0, nil
		delete(f.failures, failureKey(e))
	case "done":
		entry := *e
		entry.Checksum, entry.Kind, entry.Name = i.Entry.Checksum, i.Entry.Kind, i.Entry.Name
		if e.Checksum.Text != "" {
			entry.Checksum = e.Checksum
		}
		if entry.File == "" {
			entry.File = i.Entry.File
		}
		if i.Direction == Down {
			f.revert(&entry)
		} else {
			f.apply(&entry)
		}
	case "undone":
		f.end(e)
	}
}

func (f *folder) history() History {
	h := History{applied: f.applied, baseline: f.baseline, interrupted: f.interrupted, current: f.top()}
	h.order = make([]string, 0, len(f.applied))
	for key := range f.applied {
		h.order = append(h.order, key)
	}
	slices.SortFunc(h.order, func(a, b string) int { return f.place[a] - f.place[b] })
	for _, e := range f.failures {
		h.failures = append(h.failures, e)
	}
	slices.SortFunc(h.failures, byID)
	return h
}

// Empty tells whether nothing is applied, baselined or interrupted.
func (h History) Empty() bool {
	return len(h.applied) == 0 && h.baseline == nil && len(h.interrupted) == 0
}

// Current is the highest version that is applied or covered by the baseline; "" for none.
func (h History) Current() Version { return h.current }

// Applied is the record of the versioned or repeatable migration with this key
// (see Migration.Key), if it is applied. Versions that only a baseline covers have none.
func (h History) Applied(key string) (Record, bool) {
	if r, ok := h.applied[key]; ok {
		return *r, true
	}
	return Record{}, false
}

// Baseline is the record of the highest baseline, whether declared or run.
func (h History) Baseline() (Record, bool) {
	if h.baseline == nil {
		return Record{}, false
	}
	return *h.baseline, true
}

// Covers tells whether the baseline stands for this version.
func (h History) Covers(v Version) bool {
	return h.baseline != nil && v.Compare(h.baseline.Entry.Version) <= 0
}

// InOrder are the applied migrations, without the baseline, in the order in
// which they were applied.
func (h History) InOrder() []Record {
	records := make([]Record, len(h.order))
	for i, key := range h.order {
		records[i] = *h.applied[key]
	}
	return records
}

// Interrupted are the runs that started and did not end, in the order in which they started.
func (h History) Interrupted() []Interrupted {
	list := make([]Interrupted, len(h.interrupted))
	for i, p := range h.interrupted {
		list[i] = *p
	}
	return list
}

// Failures are the last failed attempts of migrations that have not succeeded since, by ID.
func (h History) Failures() []Entry { return slices.Clone(h.failures) }

// Digest identifies the state, not the way it came about: failed attempts do
// not count, nor do times and people.
func (h History) Digest() string {
	sum := sha256.New()
	for _, key := range h.order {
		r := h.applied[key]
		fmt.Fprintf(sum, "applied %s %s %t\n", key, r.Checksum.Text, r.Stale)
	}
	if h.baseline != nil {
		fmt.Fprintf(sum, "baseline %s %s\n", h.baseline.Entry.Version, h.baseline.Checksum.Text)
	}
	for _, i := range h.interrupted {
		fmt.Fprintf(sum, "interrupted %s %s %s %s %d %d\n", i.Entry.Kind, i.Entry.Key(), i.Direction, i.Entry.Checksum.Text, i.Done, i.Doubt)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
