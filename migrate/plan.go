package migrate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/schema/ddl"
)

// Request is what a caller asks a database to become. The zero value means
// everything that is pending.
type Request struct {
	Direction   Direction  `json:"direction"`       // "" is Up
	To          *Version   `json:"to,omitempty"`    // nil: to the end (up), or by Steps (down); "" with Down is All
	Steps       int        `json:"steps,omitempty"` // 0: no limit (up), 1 (down)
	All         bool       `json:"all,omitempty"`   // down: everything
	Redo        bool       `json:"redo,omitempty"`  // down and up again of the last one
	Environment string     `json:"environment"`     // scripts for other environments are ignored
	Allow       Allowances `json:"allow"`
	// KeptDown returns the down script that history kept for an applied
	// migration, nil when it kept none. It is asked only where the files have
	// no down script that fits what was applied. A nil KeptDown keeps nothing.
	KeptDown func(applied Entry) (*Script, error) `json:"-"`
}

// Allowances are the refusals that a caller lifts, each by its own flag.
type Allowances struct {
	OutOfOrder bool `json:"out_of_order,omitempty"` // apply a version below the newest applied one
	Changed    bool `json:"changed,omitempty"`      // go on although an applied script's SQL has changed
	Missing    bool `json:"missing,omitempty"`      // go on although an applied migration has no file
}

// Plan is the ordered steps that take a database to where it was asked to go.
type Plan struct {
	Environment string
	Direction   Direction
	From, To    Version
	Steps       []Step
	Request     Request // what was asked
	Basis       string  // History.Digest of the state that it starts from
}

// Step is one script to run, or what is left of it.
type Step struct {
	Migration     *Migration
	Direction     Direction
	Script        *Script         // Up or Down of Migration; for a down whose file is gone or has changed, as history kept it
	Transactional bool            // runs in one transaction with its history row
	Reason        string          // why not, when Transactional is false: "CREATE INDEX CONCURRENTLY on line 3"
	Enclosed      bool            // the script brings its own BEGIN and COMMIT around all else, which must not be sent
	Statements    []ddl.Statement // of a script in memory, without the enclosing pair; nil for a streamed one
	Count         int             // how many statements the script has, without the enclosing pair
	Resume        int             // 1-based number of the statement to go on with, when an earlier run was interrupted; else 0
	Doubt         bool            // whether the statement before Resume took effect is not known to history
	OutOfOrder    bool            // up of a version below the newest applied one
}

// NewPlan works out the steps that take a database with this history to what
// is requested. It returns a *Refusal, or several joined, where a rule forbids
// it. It reads the statements of the scripts it plans to run and of no others.
func NewPlan(migrations []*Migration, h History, r Request) (*Plan, error) {
	if r.Direction == "" {
		r.Direction = Up
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	p := &planner{view: newView(migrations, h, r.Environment), request: r}
	if err := p.duplicates(); err != nil {
		return nil, err
	}
	plan := &Plan{Environment: r.Environment, Direction: r.Direction, From: h.Current(), Request: r, Basis: h.Digest()}
	var err error
	switch {
	case r.Redo:
		plan.Steps, err = p.redo()
	case r.Direction == Down:
		plan.Steps, err = p.down()
	default:
		plan.Steps, err = p.up()
	}
	if err != nil {
		return nil, err
	}
	var unreadable []error
	for i := range plan.Steps {
		if err := plan.Steps[i].read(); err != nil {
			unreadable = append(unreadable, err)
		}
	}
	if err := join(unreadable); err != nil {
		return nil, err
	}
	plan.To = plan.destination(h)
	return plan, nil
}

// check refuses requests that contradict themselves.
func (r Request) check() error {
	set := 0
	for _, given := range []bool{r.To != nil, r.Steps != 0, r.All} {
		if given {
			set++
		}
	}
	switch {
	case r.Steps < 0:
		return &Refusal{Rule: ErrRequest, Detail: fmt.Sprintf("%d steps", r.Steps)}
	case r.All && r.Direction == Up:
		return &Refusal{Rule: ErrRequest, Detail: "all of them is for down: up without more applies everything"}
	case r.Redo && set > 0:
		return &Refusal{Rule: ErrRequest, Detail: "redo takes neither a version nor a number of steps"}
	case set > 1:
		return &Refusal{Rule: ErrRequest, Detail: "give one of a version, a number of steps, or all"}
	}
	return nil
}

// destination is the current version once every step has run.
func (p *Plan) destination(h History) Version {
	left := map[Version]bool{}
	for _, r := range h.applied {
		if r.Entry.Kind != Repeatable {
			left[r.Entry.Version] = true
		}
	}
	if h.baseline != nil {
		left[h.baseline.Entry.Version] = true
	}
	for _, s := range p.Steps {
		switch {
		case s.Migration.Kind == Repeatable:
		case s.Direction == Down:
			if s.Migration.Kind != Baseline && h.baseline != nil && h.baseline.Entry.Version == s.Migration.Version {
				continue
			}
			delete(left, s.Migration.Version)
		default:
			left[s.Migration.Version] = true
		}
	}
	to := Version("")
	for v := range left {
		if v.Compare(to) > 0 {
			to = v
		}
	}
	return to
}

// planner makes the steps of one plan.
type planner struct {
	*view
	request Request
}

func (p *planner) duplicates() error {
	seen := make(map[string]*Migration, len(p.sorted))
	for _, m := range p.sorted {
		id := string(m.Kind) + " " + m.Key()
		if first := seen[id]; first != nil {
			return &Refusal{Rule: ErrDuplicate, Items: []RefusedItem{{Key: m.Key(), File: first.file()}, {Key: m.Key(), File: m.file()}}, Advice: "give one of them another version"}
		}
		seen[id] = m
	}
	return nil
}

// file is where the migration is written down: its up script's file, or its down script's.
func (m *Migration) file() string {
	switch {
	case m.Up != nil:
		return m.Up.File
	case m.Down != nil:
		return m.Down.File
	}
	return ""
}

// known tells whether a version is one that the files or history have.
func (p *planner) known(v Version) bool {
	if p.byKey[string(v)] != nil || p.baselines[v] != nil || p.h.applied[string(v)] != nil {
		return true
	}
	return p.h.baseline != nil && p.h.baseline.Entry.Version == v
}

func (p *planner) unknownVersion(v Version) error {
	below, above := Version(""), Version("")
	consider := func(o Version) {
		switch c := o.Compare(v); {
		case c < 0 && o.Compare(below) > 0:
			below = o
		case c > 0 && (above == "" || o.Compare(above) < 0):
			above = o
		}
	}
	for _, m := range p.sorted {
		if m.Kind != Repeatable {
			consider(m.Version)
		}
	}
	for _, r := range p.h.applied {
		if r.Entry.Kind != Repeatable {
			consider(r.Entry.Version)
		}
	}
	var near []string
	for _, o := range []Version{below, above} {
		if o != "" {
			near = append(near, o.String())
		}
	}
	advice := "there are no versions at all"
	if len(near) > 0 {
		advice = "the nearest versions are " + enumerate(near)
		if len(near) == 1 {
			advice = "the nearest version is " + near[0]
		}
	}
	return &Refusal{Rule: ErrUnknownVersion, Detail: v.String() + " is neither in the files nor in history", Advice: advice}
}

// join makes one error of several refusals, or none.
func join(refusals []error) error {
	if len(refusals) == 1 {
		return refusals[0]
	}
	return errors.Join(refusals...)
}

// up plans what is pending, in order: what was interrupted, the baseline of a
// fresh database, versions, then repeatable ones.
func (p *planner) up() ([]Step, error) {
	to := p.request.To
	if to != nil && *to != "" && !p.known(*to) {
		return nil, p.unknownVersion(*to)
	}
	refusals := p.integrity()
	var steps []Step
	begun := map[string]bool{}
	for _, i := range p.h.interrupted {
		step, err := p.resume(i, Up)
		if err == nil && to != nil && step.Migration.Kind != Repeatable && step.Migration.Version.Compare(*to) > 0 {
			err = p.refuseInterrupted(i, "it is above the version asked for")
		}
		if err != nil {
			refusals = append(refusals, err)
			continue
		}
		begun[failureKey(&i.Entry)] = true
		steps = append(steps, *step)
	}
	pending, late := p.pending(to, begun)
	if len(late) > 0 && !p.request.Allow.OutOfOrder {
		refusals = append(refusals, &Refusal{Rule: ErrOutOfOrder, Detail: "the database is at " + p.h.current.String(), Items: late, Advice: "give them a higher version, or allow it with --out-of-order"})
	}
	ordered, err := p.order(pending)
	if err != nil {
		refusals = append(refusals, err)
	}
	if err := join(refusals); err != nil {
		return nil, err
	}
	for _, m := range ordered {
		step := Step{Migration: m, Direction: Up, Script: m.Up}
		step.OutOfOrder = m.Kind == Versioned && m.Version.Compare(p.h.current) < 0
		steps = append(steps, step)
	}
	if n := p.request.Steps; n > 0 && len(steps) > n {
		steps = steps[:n]
	}
	return steps, nil
}

// pending are the migrations that an up would run, and those of them that are
// late and not allowed to be by their own header.
func (p *planner) pending(to *Version, begun map[string]bool) (list []*Migration, late []RefusedItem) {
	start := p.start(to)
	if start != nil && !begun["B"+start.Key()] {
		list = append(list, start)
	}
	beyond := false
	for _, m := range p.sorted {
		if m.Kind == Baseline || p.h.applied[m.Key()] != nil && m.Kind != Repeatable || begun[m.Key()] || !m.runsIn(p.environment) {
			continue
		}
		if m.Kind == Repeatable {
			if !beyond && p.outdated(m) {
				list = append(list, m)
			}
			continue
		}
		switch {
		case p.h.Covers(m.Version), start != nil && m.Version.Compare(start.Version) <= 0:
			continue
		case to != nil && m.Version.Compare(*to) > 0:
			beyond = true
			continue
		}
		if m.Version.Compare(p.h.current) < 0 && !m.Header.allows("out-of-order") {
			late = append(late, RefusedItem{Key: m.Key(), File: m.file()})
		}
		list = append(list, m)
	}
	return list, late
}

// outdated tells whether a repeatable migration has to run.
func (p *planner) outdated(m *Migration) bool {
	r := p.h.applied[m.Key()]
	return r == nil || r.Stale || p.compare(m, r) == sqlToo
}

func (h Header) allows(hazard string) bool {
	return slices.ContainsFunc(h.Allow, func(a Allowance) bool { return a.Hazard == hazard })
}

// integrity compares what is applied with the files.
func (p *planner) integrity() []error {
	var refusals []error
	var changed, missing []RefusedItem
	for _, key := range p.h.order {
		r := p.h.applied[key]
		m := p.byKey[key]
		switch {
		case r.Entry.Kind == Repeatable:
		case m == nil && r.Entry.Version.Compare(p.squashed) > 0:
			missing = append(missing, RefusedItem{Key: key, File: r.Entry.File, Detail: "applied " + r.Entry.At.UTC().Format("2006-01-02 15:04 MST")})
		case m != nil && p.compare(m, r) == sqlToo:
			changed = append(changed, RefusedItem{Key: key, File: m.file(), Detail: fmt.Sprintf("ran with checksum %.12s, the file has %.12s", r.Checksum.Text, m.Up.Checksum.Text)})
		}
	}
	byVersion := func(a, b RefusedItem) int { return Version(a.Key).Compare(Version(b.Key)) }
	slices.SortFunc(changed, byVersion)
	slices.SortFunc(missing, byVersion)
	if len(missing) > 0 && !p.request.Allow.Missing {
		refusals = append(refusals, &Refusal{Rule: ErrMissing, Items: missing, Advice: "bring the files back, strike them from the state with kedge repair, or allow it with --allow missing"})
	}
	if len(changed) > 0 && !p.request.Allow.Changed {
		refusals = append(refusals, &Refusal{Rule: ErrChanged, Items: changed, Advice: "put the files back, accept them with kedge repair, or allow it with --allow changed"})
	}
	return refusals
}

// down plans what is to be reverted, the last applied first.
func (p *planner) down() ([]Step, error) {
	to := p.request.To
	if to != nil && *to != "" && !p.known(*to) {
		return nil, p.unknownVersion(*to)
	}
	var steps []Step
	var refusals []error
	begun := map[string]bool{}
	for _, i := range p.h.interrupted {
		step, err := p.resume(i, Down)
		if err != nil {
			refusals = append(refusals, err)
			continue
		}
		begun[i.Entry.Key()] = true
		steps = append(steps, *step)
	}
	if err := join(refusals); err != nil {
		return nil, err
	}
	reverts, err := p.reverts(begun)
	if err != nil {
		return nil, err
	}
	var without []RefusedItem
	for _, r := range reverts {
		step, err := p.revert(r)
		if err != nil {
			return nil, err
		}
		if step == nil {
			if r.Entry.Kind != Repeatable {
				without = append(without, RefusedItem{Key: r.Entry.Key(), File: r.Entry.File})
			}
			continue
		}
		steps = append(steps, *step)
	}
	if len(without) > 0 {
		return nil, &Refusal{Rule: ErrNoDown, Items: without, Advice: "write one beside the up script, neither the files nor history have any"}
	}
	return steps, nil
}

// reverts are the applied migrations to revert, in that order. Repeatable ones
// go when everything goes, or with a version that they depend on.
func (p *planner) reverts(begun map[string]bool) ([]*Record, error) {
	to, all := p.request.To, p.request.All
	if to != nil && *to == "" {
		to, all = nil, true
	}
	limit := p.request.Steps
	if to == nil && !all && limit == 0 {
		limit = 1
	}
	if limit > 0 {
		limit -= len(begun)
		if limit <= 0 {
			return nil, nil
		}
	}
	if b := p.h.baseline; to != nil && b != nil && to.Compare(b.Entry.Version) < 0 {
		return nil, &Refusal{Rule: ErrNoDown, Detail: fmt.Sprintf("%s is below the baseline %s", *to, b.Entry.Version), Advice: "what a baseline stands for cannot be reverted"}
	}
	var versions []*Record
	going := map[string]bool{}
	for _, key := range slices.Backward(p.h.order) {
		r := p.h.applied[key]
		if r.Entry.Kind == Repeatable || begun[key] || (to != nil && r.Entry.Version.Compare(*to) <= 0) {
			continue
		}
		if limit > 0 && len(versions) == limit {
			break
		}
		versions = append(versions, r)
		going[key] = true
	}
	var list []*Record
	for _, key := range slices.Backward(p.h.order) {
		if r := p.h.applied[key]; r.Entry.Kind == Repeatable && !begun[key] && (all || p.dependsOn(key, going)) {
			list = append(list, r)
		}
	}
	return append(list, versions...), nil
}

func (p *planner) dependsOn(key string, going map[string]bool) bool {
	m := p.byKey[key]
	return m != nil && slices.ContainsFunc(m.Header.Depends, func(d string) bool { return going[dependency(d)] })
}

// revert is the step that takes an applied migration back; nil when there is no
// down script. The file's down script is used as long as the up script is the
// one that was applied; otherwise history's fits better.
func (p *planner) revert(r *Record) (*Step, error) {
	key := r.Entry.Key()
	m := p.byKey[key]
	if m != nil && m.Down != nil && p.compare(m, r) != sqlToo {
		return &Step{Migration: m, Direction: Down, Script: m.Down}, nil
	}
	var kept *Script
	if p.request.KeptDown != nil {
		var err error
		if kept, err = p.request.KeptDown(r.Entry); err != nil {
			return nil, fmt.Errorf("reading the down script of %s from history: %w", key, err)
		}
	}
	switch {
	case kept != nil && m != nil:
		return &Step{Migration: m, Direction: Down, Script: kept}, nil
	case kept != nil:
		return &Step{Migration: r.Entry.migration(kept), Direction: Down, Script: kept}, nil
	case m != nil && m.Down != nil:
		return &Step{Migration: m, Direction: Down, Script: m.Down}, nil
	}
	return nil, nil
}

// migration stands for one whose file is gone.
func (e *Entry) migration(down *Script) *Migration {
	kind := e.Kind
	if kind == "" {
		kind = Versioned
	}
	return &Migration{Version: e.Version, Name: e.Name, Kind: kind, Down: down}
}

// redo plans a down of the last version, its up, and the repeatable ones that
// depend on it.
func (p *planner) redo() ([]Step, error) {
	if len(p.h.interrupted) > 0 {
		return nil, p.refuseInterrupted(p.h.interrupted[0], "it has to be ended first")
	}
	steps, err := p.down()
	if err != nil || len(steps) == 0 {
		return nil, err
	}
	last := steps[len(steps)-1].Migration
	again := []*Migration{p.byKey[last.Key()]}
	if again[0] == nil {
		return nil, &Refusal{Rule: ErrMissing, Items: []RefusedItem{{Key: last.Key()}}, Advice: "without its file it can be reverted (kedge down), not applied again"}
	}
	for _, m := range p.sorted {
		if m.Kind == Repeatable && m.runsIn(p.environment) && p.h.applied[m.Key()] != nil {
			again = append(again, m)
		}
	}
	ordered, err := p.order(again)
	if err != nil {
		return nil, err
	}
	for _, m := range ordered {
		steps = append(steps, Step{Migration: m, Direction: Up, Script: m.Up})
	}
	return steps, nil
}

// resume is the step that goes on with what was interrupted.
func (p *planner) resume(i *Interrupted, d Direction) (*Step, error) {
	e := &i.Entry
	if i.Direction != d {
		return nil, p.refuseInterrupted(i, fmt.Sprintf("this is a %s", d))
	}
	m := p.byKey[e.Key()]
	if e.Kind == Baseline {
		m = p.baselines[e.Version]
	}
	step := &Step{Migration: m, Direction: d, Resume: i.Next(), Doubt: i.Doubt > 0}
	switch {
	case m != nil && d == Up:
		step.Script = m.Up
	case d == Down:
		if r := p.h.applied[e.Key()]; r != nil {
			reverted, err := p.revert(r)
			if err != nil {
				return nil, err
			}
			if reverted != nil {
				step.Migration, step.Script = reverted.Migration, reverted.Script
			}
		}
	}
	if step.Script == nil {
		return nil, p.refuseInterrupted(i, "its script is gone")
	}
	if i.Done > 0 || i.Doubt > 0 {
		differs, err := step.Script.differs(e.Checksum)
		if err != nil {
			return nil, err
		}
		if differs {
			return nil, p.refuseInterrupted(i, "its SQL has changed since: put the file back")
		}
	}
	return step, nil
}

func (p *planner) refuseInterrupted(i *Interrupted, detail string) error {
	v := i.Entry.Key()
	return &Refusal{
		Rule:   ErrInterrupted,
		Items:  []RefusedItem{{Key: v, File: i.Entry.File, Detail: i.describe() + "; " + detail}},
		Advice: fmt.Sprintf("go on with kedge %s, or decide with kedge resolve %s --resume, --done or --undone", i.Direction, v),
	}
}
