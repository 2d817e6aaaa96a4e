package schema

import (
	"slices"
	"strings"
)

// Options says how Diff writes its statements. The zero value works.
type Options struct {
	// Style chooses between statements that leave others at work and short ones.
	Style Style
	// Role is who runs the statements and so owns what they create; empty
	// means From's User.
	Role string
	// Without leaves attributes out: neither compared nor written.
	Without Without
}

// Style is how much a statement may stand in others' way.
type Style int

const (
	// Online builds indexes concurrently, validates constraints in a
	// transaction of their own, and so on.
	Online Style = iota
	// Offline writes the shortest statements that do the work.
	Offline
)

// Without is a set of attributes to leave out.
type Without uint8

// What can be left out.
const (
	WithoutOwners Without = 1 << iota
	WithoutGrants
	WithoutComments
	WithoutLabels
)

// Operation is what happens to an object.
type Operation string

// The operations.
const (
	Added    Operation = "added"
	Removed  Operation = "removed"
	Changed  Operation = "changed"
	Replaced Operation = "replaced" // dropped and made again
)

// ObjectChange is what Diff found about one object.
type ObjectChange struct {
	Operation Operation
	Object    ID
	Changes   Changes
	// Because is the object whose change made this one be replaced although it is the same.
	Because ID
}

// Result is what takes one model to another.
type Result struct {
	Statements []Statement
	// Changes lists the objects that differ, by ID; objects that are only
	// taken along (Because is set) stand among them.
	Changes []ObjectChange
}

type state uint8

const (
	kept state = iota
	created
	dropped
	altered
	replaced
)

// item is one object in both models that is not simply the same.
type item struct {
	id         ID
	from, to   Object
	state      state
	changes    Changes
	attributes Changes
	alter      []Statement
	because    ID
	swap       bool
	// spread: the users of this dropped part of a replaced object were taken along.
	spread bool
}

type differ struct {
	Context
	items map[ID]*item
	order []*item
	queue []*item
	// users is who depends on what in From, by position; built when asked for.
	users    [][]int32
	granters []DefaultGranter
}

// Diff returns the statements that take the model from to the model to.
func Diff(from, to *Model, options Options) (Result, error) {
	statements, d, err := diff(from, to, options)
	if err != nil || d == nil {
		return Result{}, err
	}
	return Result{Statements: statements, Changes: d.report()}, nil
}

func diff(from, to *Model, options Options) ([]Statement, *differ, error) {
	d := &differ{Context: Context{From: from, To: to, Options: options}, items: map[ID]*item{}}
	d.holdTogether()
	d.compare()
	if len(d.order) == 0 {
		return nil, nil, nil
	}
	d.spread()
	d.chooseSwaps()
	statements, err := d.plan()
	return statements, d, err
}

// Differences returns what differs between two models, without statements.
func Differences(from, to *Model, options Options) []ObjectChange {
	d := &differ{Context: Context{From: from, To: to, Options: options}, items: map[ID]*item{}}
	d.compare()
	for _, it := range d.order {
		if it.state == replaced {
			it.state = altered
		}
	}
	return d.report()
}

func (d *differ) add(it *item) *item {
	d.items[it.id] = it
	d.order = append(d.order, it)
	return it
}

func (d *differ) attributeChanges(from, to Object) Changes {
	changes := CompareAttributes(from.Common(), to.Common())
	if d.Options.Without == 0 {
		return changes
	}
	left := changes[:0]
	for _, c := range changes {
		w := d.Options.Without
		if c.Property == "owner" && w&WithoutOwners != 0 || c.Property == "grants" && w&WithoutGrants != 0 ||
			c.Property == "comment" && w&WithoutComments != 0 || c.Property == "labels" && w&WithoutLabels != 0 {
			continue
		}
		left = append(left, c)
	}
	return left
}

// compare finds which objects differ.
func (d *differ) compare() {
	for _, a := range d.From.objects {
		b := d.To.Object(a.ID())
		if b == nil {
			d.add(&item{id: a.ID(), from: a, state: dropped})
			continue
		}
		changes := Compare(a, b)
		attributes := d.attributeChanges(a, b)
		if a.Parent() != b.Parent() {
			d.add(&item{id: a.ID(), from: a, to: b, state: replaced, changes: changes, attributes: attributes})
			continue
		}
		if len(changes)+len(attributes) == 0 {
			continue
		}
		it := d.add(&item{id: a.ID(), from: a, to: b, state: altered, changes: changes, attributes: attributes})
		if len(changes) > 0 {
			statements, ok := a.Alter(b, changes, d.Context)
			if ok {
				it.alter = statements
			} else {
				it.state = replaced
			}
		}
	}
	for _, b := range d.To.objects {
		if !d.From.Has(b.ID()) {
			d.order = append(d.order, &item{id: b.ID(), to: b, state: created})
		}
	}
	slices.SortFunc(d.order, func(a, b *item) int { return a.id.Compare(b.id) })
}

// spread takes the dependents of what is replaced along.
func (d *differ) spread() {
	d.move()
	d.queue = append(d.queue, d.order...)
	for len(d.queue) > 0 {
		it := d.queue[0]
		d.queue = d.queue[1:]
		if remaker, ok := it.to.(Remaker); ok && (it.state == created || it.state == altered || it.state == replaced) && remaker.Remakes(d.Context) {
			if parent := d.From.Object(it.to.Parent()); parent != nil && d.To.Has(parent.ID()) {
				d.replace(parent, it.id)
			}
		}
		switch it.state {
		case dropped:
			if it.swap = it.swap || d.succeeded(it.from); it.swap {
				for _, user := range d.usersOf(it.id) {
					if d.To.Has(user.ID()) {
						d.takeAlong(user, it)
					}
				}
				continue
			}
			// What stays as it is cannot keep what it needs: a foreign key whose
			// target has another name now.
			for _, user := range d.usersOf(it.id) {
				other := d.items[user.ID()]
				if user.ID().Kind == it.id.Kind && user.ID().Name == it.id.Name {
					continue // a child table's: its own Alter knows
				}
				if stays := other == nil || other.state == altered && (len(other.alter) == 0 || d.overloaded(it.id)); stays && user.Parent() != it.id && (!user.Traits().Data || computed(user)) {
					d.replace(user, it.id)
				}
			}
		case replaced:
			_, it.swap = it.from.(Swapper)
			if _, chooses := it.from.(SwapChooser); chooses {
				it.swap = false // decided when all is known
			}
			if mover, ok := it.from.(Mover); ok {
				_, it.swap = mover.Moves(d.Context)
			}
			for _, user := range d.usersOf(it.id) {
				d.takeAlong(user, it)
			}
		case altered:
			for _, s := range it.alter {
				for _, displaced := range s.Displaces {
					for _, user := range d.usersOf(displaced.Of) {
						if slices.Contains(displaced.Kinds, user.ID().Kind) && (displaced.Only == nil || displaced.Only(user)) {
							d.replace(d.whole(user), it.id)
						}
					}
				}
			}
		}
	}
}

// holdTogether chooses the forms that fit into one transaction where data
// move: nobody may find an object gone between two.
func (d *differ) holdTogether() {
	for _, o := range d.From.objects {
		if mover, ok := o.(Mover); ok {
			if _, moves := mover.Moves(d.Context); moves {
				d.Options.Style = Offline
				return
			}
		}
	}
}

// move has objects whose data move step aside.
func (d *differ) move() {
	for _, o := range d.From.objects {
		mover, ok := o.(Mover)
		if !ok {
			continue
		}
		if _, moves := mover.Moves(d.Context); !moves {
			continue
		}
		if it := d.items[o.ID()]; it != nil && it.state == dropped {
			it.swap = true
		} else {
			d.replace(o, ID{})
		}
	}
}

// whole is the object to replace for a part: a view for its column, which no
// statement drops.
func (d *differ) whole(o Object) Object {
	if parent := d.From.Object(o.Parent()); parent != nil && !parent.Traits().Data && o.Drop(d.Context) == nil {
		return parent
	}
	return o
}

// chooseSwaps decides which replaced objects stay until their successors are there.
func (d *differ) chooseSwaps() {
	for _, it := range d.order {
		chooser, ok := it.from.(SwapChooser)
		if !ok || it.state != replaced || !it.because.IsZero() || !chooser.Swaps(d.Context) {
			continue
		}
		it.swap = !d.touched(d.From, it.id) && !d.touched(d.To, it.id)
	}
}

// touched reports whether anything that the object needs or that needs it changes.
func (d *differ) touched(m *Model, id ID) bool {
	for on := range m.Dependencies(id) {
		if !d.From.Has(on) {
			return true
		}
		if other := d.items[on]; other != nil && (other.state != altered || len(other.alter) > 0) {
			return true
		}
	}
	for _, user := range d.usersOf(id) {
		if d.items[user.ID()] != nil {
			return true
		}
	}
	return false
}

// overloaded reports whether a dropped routine has a new namesake: a call could
// mean either while both are there.
func (d *differ) overloaded(id ID) bool {
	if id.Args == "" {
		return false
	}
	for _, it := range d.order {
		if it.state == created && it.id.Kind == id.Kind && it.id.Schema == id.Schema && it.id.Name == id.Name {
			return true
		}
	}
	return false
}

// succeeded reports whether an object of another kind takes the place of one
// that steps aside when it is dropped: a domain that becomes an enum.
func (d *differ) succeeded(o Object) bool {
	if _, ok := o.(Swapper); !ok {
		return false
	}
	if _, ok := o.(Mover); ok {
		return false
	}
	mine := slots(o)
	for _, it := range d.order {
		if it.state == created && slices.ContainsFunc(slots(it.to), func(s Slot) bool { return slices.Contains(mine, s) }) {
			return true
		}
	}
	return false
}

func (d *differ) usersOf(id ID) []Object {
	if d.users == nil {
		d.users = d.From.dependents()
	}
	at, ok := d.From.index[id]
	if !ok {
		return nil
	}
	out := make([]Object, len(d.users[at]))
	for i, u := range d.users[at] {
		out[i] = d.From.objects[u]
	}
	slices.SortFunc(out, compareObjects)
	return out
}

// computed reports whether an object's data can be computed anew.
func computed(o Object) bool {
	c, ok := o.(Computed)
	return ok && c.Computed()
}

// takeAlong decides what happens to a dependent of a replaced object.
func (d *differ) takeAlong(user Object, of *item) {
	it := d.items[user.ID()]
	if it != nil && it.state == replaced {
		return
	}
	if it != nil && it.state == dropped {
		if user.Parent() == of.id && !it.spread {
			it.spread = true
			for _, next := range d.usersOf(it.id) {
				d.takeAlong(next, of)
			}
		}
		return
	}
	if user.Parent() != of.id {
		if rebuilder, ok := user.(Rebuilder); ok && of.swap {
			to := d.To.Object(user.ID())
			if it != nil && it.because == of.id {
				return // is rebuilt already
			}
			if statements, ok := rebuilder.Rebuild(to, of.id, d.Context); ok {
				if it == nil {
					it = d.add(&item{id: user.ID(), from: user, to: to})
				}
				it.state, it.because = altered, of.id
				it.alter = append(statements, it.alter...)
				d.queue = append(d.queue, it)
				return
			}
		}
		if stayer, ok := user.(Stayer); ok && stayer.Stays(d.Context) {
			return
		}
		ordered, ok := user.(DataOrdered)
		if follows := ok && ordered.DataOrder() == BeforeData && of.swap; user.Traits().Data && !computed(user) && !follows {
			return
		}
	}
	d.replace(user, of.id)
}

// replace has an object that is in both models dropped and made again.
func (d *differ) replace(o Object, because ID) {
	it := d.items[o.ID()]
	if it == nil {
		to := d.To.Object(o.ID())
		it = d.add(&item{id: o.ID(), from: o, to: to, because: because})
	}
	if it.state == dropped || it.state == replaced {
		return
	}
	it.state, it.alter = replaced, nil
	d.queue = append(d.queue, it)
}

func (d *differ) report() []ObjectChange {
	var out []ObjectChange
	for _, it := range d.order {
		change := ObjectChange{Object: it.id, Because: it.because}
		switch it.state {
		case created:
			change.Operation = Added
		case dropped:
			change.Operation = Removed
		case replaced:
			change.Operation = Replaced
		default:
			change.Operation = Changed
		}
		change.Changes = append(slices.Clone(it.changes), it.attributes...)
		out = append(out, change)
	}
	slices.SortFunc(out, func(a, b ObjectChange) int { return a.Object.Compare(b.Object) })
	return out
}

// CycleError reports objects that need each other in a way that no order of
// statements resolves.
type CycleError struct{ Objects []ID }

// Error names the objects in the cycle.
func (e *CycleError) Error() string {
	names := make([]string, len(e.Objects))
	for i, id := range e.Objects {
		names[i] = id.String()
	}
	return "objects need each other in a cycle that no order of statements resolves: " + strings.Join(names, ", ")
}
