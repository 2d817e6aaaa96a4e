package migrate

import (
	"errors"
	"fmt"

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
		return &Refusal{Rule: ErrRequest, Detail: fmt.Sprintf("%d is no number of steps", r.Steps)}
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
