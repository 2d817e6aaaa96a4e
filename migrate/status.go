package migrate

import (
	"slices"
	"time"
)

// State is where a migration stands in a database.
type State string

// The states, as `kedge status` names them.
const (
	StateApplied     State = "applied"      // in the database as its file has it
	StatePending     State = "pending"      // to be applied by the next up
	StateChanged     State = "changed"      // applied, and the file's SQL differs from what ran
	StateMissing     State = "missing"      // applied, and no file has it
	StateIgnored     State = "ignored"      // not for this environment, or superseded by a baseline
	StateInterrupted State = "interrupted"  // non-transactional, started and not ended
	StateBaseline    State = "baseline"     // covered by the baseline: never run here, taken as present
	StateOutOfOrder  State = "out_of_order" // not applied, and below the current version
	StateOutdated    State = "outdated"     // repeatable, to be run again by the next up
)

// Status is a migration and where it stands.
type Status struct {
	Version    Version    `json:"version"`
	Name       string     `json:"name"`
	Kind       Kind       `json:"kind"`
	State      State      `json:"state"`
	AppliedAt  *time.Time `json:"applied_at"`
	AppliedBy  string     `json:"applied_by"`
	DurationMS int64      `json:"duration_ms"`
	Checksum   string     `json:"checksum"` // Checksum.Text of the file; of history when the file is missing
	File       string     `json:"file"`
	Note       string     `json:"note,omitempty"`  // what a person should know beside the state
	Error      string     `json:"error,omitempty"` // the last failed attempt's

	Migration *Migration `json:"-"` // nil when it is missing
	Record    *Record    `json:"-"` // nil when it is not applied
}

// Pending tells whether the next up would run it, or refuse to over it.
func (s Status) Pending() bool {
	return s.State == StatePending || s.State == StateOutOfOrder || s.State == StateOutdated
}

// Attention tells whether `kedge status --exit-code` reports it.
func (s Status) Attention() bool {
	return s.Pending() || s.State == StateChanged || s.State == StateMissing || s.State == StateInterrupted
}

// States says of every migration in the files or in history where it stands in
// an environment: versioned ones and baselines by version, then repeatable ones by name.
func States(migrations []*Migration, h History, environment string) []Status {
	v := newView(migrations, h, environment)
	list := make([]Status, 0, len(migrations))
	for _, m := range v.sorted {
		list = append(list, v.status(m))
	}
	list = append(list, v.missing()...)
	if b := h.baseline; b != nil && v.baselines[b.Entry.Version] == nil && v.byKey[string(b.Entry.Version)] == nil {
		s := Status{Version: b.Entry.Version, Name: b.Entry.Name, Kind: Baseline, State: StateBaseline, File: b.Entry.File, Checksum: b.Checksum.Text}
		s.ran(b)
		s.Note = b.Entry.Note
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b Status) int {
		return compareKeys(a.Kind, a.Version, a.Name, b.Kind, b.Version, b.Name)
	})
	return list
}

// Sort puts migrations into the order in which a plan considers them: versioned
// ones and baselines by version (a baseline before the version it shares its
// number with), then repeatable ones by name.
func Sort(migrations []*Migration) {
	slices.SortStableFunc(migrations, func(a, b *Migration) int {
		return compareKeys(a.Kind, a.Version, a.Name, b.Kind, b.Version, b.Name)
	})
}

func compareKeys(ak Kind, av Version, an string, bk Kind, bv Version, bn string) int {
	rank := func(k Kind) int {
		switch k {
		case Repeatable:
			return 2
		case Baseline:
			return 0
		default:
			return 1
		}
	}
	if (ak == Repeatable) != (bk == Repeatable) {
		return rank(ak) - rank(bk)
	}
	if c := av.Compare(bv); c != 0 {
		return c
	}
	if c := rank(ak) - rank(bk); c != 0 {
		return c
	}
	if an < bn {
		return -1
	}
	if an > bn {
		return 1
	}
	return 0
}

// view is a set of migrations seen from a database's history and an environment.
type view struct {
	h           History
	environment string
	sorted      []*Migration
	byKey       map[string]*Migration  // versioned and repeatable
	baselines   map[Version]*Migration // of kind Baseline
	squashed    Version                // the highest baseline in the files: what it covers needs no files
	running     map[string]*Interrupted
	failed      map[string]Entry
	drifted     map[string]drifted
}

// drifted is how a file differs from what history accepted.
type drifted int

const (
	same drifted = iota
	textOnly
	sqlToo
)

func newView(migrations []*Migration, h History, environment string) *view {
	v := &view{
		h: h, environment: environment, sorted: slices.Clone(migrations),
		byKey:     make(map[string]*Migration, len(migrations)),
		baselines: map[Version]*Migration{}, running: map[string]*Interrupted{}, failed: map[string]Entry{},
		drifted: map[string]drifted{},
	}
	Sort(v.sorted)
	for _, m := range v.sorted {
		if m.Kind != Baseline {
			v.byKey[m.Key()] = m
			continue
		}
		v.baselines[m.Version] = m
		if m.runsIn(environment) {
			v.squashed = m.Version
		}
	}
	for _, i := range h.interrupted {
		v.running[failureKey(&i.Entry)] = i
	}
	for _, e := range h.failures {
		v.failed[failureKey(&e)] = e
	}
	return v
}

// runsIn tells whether the migration's header lets it run in an environment.
func (m *Migration) runsIn(environment string) bool {
	return len(m.Header.Environments) == 0 || slices.Contains(m.Header.Environments, environment)
}

// start is the baseline that a database without versions would start from.
func (v *view) start(to *Version) *Migration {
	if v.h.current != "" {
		return nil
	}
	for _, m := range slices.Backward(v.sorted) {
		if m.Kind == Baseline && m.runsIn(v.environment) && (to == nil || m.Version.Compare(*to) <= 0) {
			return m
		}
	}
	return nil
}

// compare tells how the up script of an applied migration differs from what ran.
func (v *view) compare(m *Migration, r *Record) drifted {
	if m.Up == nil || r.Checksum.Text == "" || m.Up.Checksum.Text == r.Checksum.Text {
		return same
	}
	key := m.Key()
	if d, ok := v.drifted[key]; ok {
		return d
	}
	d := sqlToo
	if r.Checksum.SQL != "" {
		if sum, err := m.Up.Sum(); err == nil && sum.SQL == r.Checksum.SQL {
			d = textOnly
		}
	}
	v.drifted[key] = d
	return d
}

func (v *view) status(m *Migration) Status {
	s := Status{Version: m.Version, Name: m.Name, Kind: m.Kind, Migration: m}
	if m.Up != nil {
		s.File, s.Checksum = m.Up.File, m.Up.Checksum.Text
	}
	id := m.Key()
	if m.Kind == Baseline {
		id = "B" + id
	}
	if e, ok := v.failed[id]; ok {
		s.Error = e.Error
	}
	s.State, s.Note = v.state(m, &s)
	if i, ok := v.running[id]; ok {
		s.State, s.Note = StateInterrupted, i.describe()
	}
	return s
}

func (v *view) state(m *Migration, s *Status) (State, string) {
	if m.Kind == Baseline {
		return v.baselineState(m, s)
	}
	if r := v.h.applied[m.Key()]; r != nil {
		s.ran(r)
		return v.appliedState(m, r)
	}
	switch {
	case !m.runsIn(v.environment):
		return StateIgnored, "only for " + enumerate(m.Header.Environments)
	case m.Kind == Repeatable:
		return StatePending, ""
	case v.h.Covers(m.Version):
		return StateBaseline, "covered by baseline " + v.h.baseline.Entry.Version.String()
	case m.Version.Compare(v.h.current) < 0:
		return StateOutOfOrder, "below the current version " + v.h.current.String()
	}
	if b := v.start(nil); b != nil && m.Version.Compare(b.Version) <= 0 {
		return StateIgnored, "a fresh database starts from baseline " + b.Version.String()
	}
	return StatePending, ""
}

func (v *view) baselineState(m *Migration, s *Status) (State, string) {
	if b := v.h.baseline; b != nil && b.Entry.Version == m.Version {
		s.ran(b)
		return StateBaseline, b.Entry.Note
	}
	switch b := v.start(nil); {
	case !m.runsIn(v.environment):
		return StateIgnored, "only for " + enumerate(m.Header.Environments)
	case b == m:
		return StatePending, "a fresh database starts here"
	case b != nil:
		return StateIgnored, "a fresh database starts from baseline " + b.Version.String()
	}
	return StateIgnored, "the database has versions already"
}

func (v *view) appliedState(m *Migration, r *Record) (State, string) {
	d := v.compare(m, r)
	if m.Kind == Repeatable {
		switch {
		case d == sqlToo:
			return StateOutdated, "its SQL has changed since it ran"
		case r.Stale && m.runsIn(v.environment):
			return StateOutdated, "a version was reverted since it ran"
		}
	} else if d == sqlToo {
		return StateChanged, "its SQL has changed since it ran"
	}
	switch {
	case d == textOnly:
		return StateApplied, "only comments or white space have changed since it ran"
	case r.OutOfOrder:
		return StateApplied, "applied out of order"
	}
	return StateApplied, ""
}

// missing are the applied migrations that no file has, by version.
func (v *view) missing() []Status {
	var list []Status
	highest := Version("")
	for _, m := range v.sorted {
		if m.Kind != Repeatable {
			highest = m.Version
		}
	}
	for key, r := range v.h.applied {
		if v.byKey[key] != nil {
			continue
		}
		e := &r.Entry
		s := Status{Version: e.Version, Name: e.Name, Kind: e.Kind, State: StateMissing, Checksum: r.Checksum.Text, File: e.File}
		if s.Kind == "" {
			s.Kind = Versioned
		}
		s.ran(r)
		switch {
		case s.Kind == Repeatable:
		case s.Version.Compare(v.squashed) <= 0:
			s.State, s.Note = StateApplied, "its file is part of baseline "+v.squashed.String()
		case s.Version.Compare(highest) > 0:
			s.Note = "newer than every file: the database is ahead of this checkout"
		}
		if i, ok := v.running[key]; ok {
			s.State, s.Note = StateInterrupted, i.describe()
		}
		list = append(list, s)
	}
	for key, i := range v.running {
		e := &i.Entry
		if v.h.applied[key] != nil || (e.Kind == Baseline && v.baselines[e.Version] != nil) || (e.Kind != Baseline && v.byKey[e.Key()] != nil) {
			continue
		}
		kind := e.Kind
		if kind == "" {
			kind = Versioned
		}
		list = append(list, Status{Version: e.Version, Name: e.Name, Kind: kind, State: StateInterrupted, Checksum: e.Checksum.Text, File: e.File, Note: i.describe() + "; its file is missing"})
	}
	return list
}

func (s *Status) ran(r *Record) {
	at := r.Entry.At
	s.Record, s.AppliedAt, s.AppliedBy, s.DurationMS = r, &at, r.Entry.By, r.Entry.Duration.Milliseconds()
}
