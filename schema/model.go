package schema

import (
	"fmt"
	"iter"
	"slices"
)

// Model is a database's schema: its objects and what they depend on.
type Model struct {
	// Server is the server's major version, 0 when unknown.
	Server int
	// Database is the name of the database, Owner its owner.
	Database, Owner string
	// User is the role that the model was read as; it owns what its statements create.
	User string
	// Identity names the database that the objects' oids are of; empty when
	// they cannot be compared with another model's.
	Identity string
	// Unmodelled are objects of the database that no kind covers.
	Unmodelled []Unmodelled
	// LargeObjects is how many there are; they are data.
	LargeObjects int64

	objects      []Object
	index        map[ID]int32
	dependencies [][]int32
	parts        map[ID][]int32
}

// Unmodelled is an object that no kind covers.
type Unmodelled struct {
	Catalog     string `json:"catalog"`
	Description string `json:"description"`
	Reason      string `json:"reason,omitempty"`
}

// NewModel returns an empty model of a server's major version.
func NewModel(server int) *Model {
	return &Model{Server: server, index: map[ID]int32{}}
}

// Add puts an object into the model; its ID must be new.
func (m *Model) Add(o Object) error {
	id := o.ID()
	if _, dup := m.index[id]; dup {
		return fmt.Errorf("%s is in the model twice", id)
	}
	m.index[id] = int32(len(m.objects))
	m.objects = append(m.objects, o)
	m.dependencies = append(m.dependencies, nil)
	m.parts = nil
	return nil
}

// Grow makes room for n more objects.
func (m *Model) Grow(n int) {
	m.objects = slices.Grow(m.objects, n)
	m.dependencies = slices.Grow(m.dependencies, n)
	if len(m.index) == 0 {
		m.index = make(map[ID]int32, n)
	}
}

// Depend records that the object id needs the object on. Unknown and equal IDs are ignored.
func (m *Model) Depend(id, on ID) {
	a, ok := m.index[id]
	if !ok {
		return
	}
	if b, ok := m.index[on]; ok {
		m.dependAt(a, b)
	}
}

func (m *Model) dependAt(a, b int32) {
	if a != b && !slices.Contains(m.dependencies[a], b) {
		m.dependencies[a] = append(m.dependencies[a], b)
	}
}

// DependAt is Depend by the positions in which the objects were added.
func (m *Model) DependAt(a, b int) { m.dependAt(int32(a), int32(b)) }

// Position is the position at which an object was added.
func (m *Model) Position(id ID) (int32, bool) {
	at, ok := m.index[id]
	return at, ok
}

// Len is the number of objects.
func (m *Model) Len() int { return len(m.objects) }

// Object returns the object of that ID, nil when the model has none.
func (m *Model) Object(id ID) Object {
	if i, ok := m.index[id]; ok {
		return m.objects[i]
	}
	return nil
}

// Has reports whether the model has an object of that ID.
func (m *Model) Has(id ID) bool {
	_, ok := m.index[id]
	return ok
}

// Objects returns all objects in the order of their rank and ID.
func (m *Model) Objects() []Object {
	all := slices.Clone(m.objects)
	slices.SortFunc(all, compareObjects)
	return all
}

func compareObjects(a, b Object) int {
	if d := a.Traits().Rank - b.Traits().Rank; d != 0 {
		return d
	}
	return a.ID().Compare(b.ID())
}

// OfKind returns the objects of one kind, by ID.
func (m *Model) OfKind(kind Kind) []Object {
	var out []Object
	for _, o := range m.objects {
		if o.ID().Kind == kind {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b Object) int { return a.ID().Compare(b.ID()) })
	return out
}

// Dependencies yields what an object needs.
func (m *Model) Dependencies(id ID) iter.Seq[ID] {
	return func(yield func(ID) bool) {
		i, ok := m.index[id]
		if !ok {
			return
		}
		for _, d := range m.dependencies[i] {
			if !yield(m.objects[d].ID()) {
				return
			}
		}
	}
}

// Parts returns the objects whose parent is id, by rank and ID.
func (m *Model) Parts(id ID) []Object {
	if m.parts == nil {
		m.parts = map[ID][]int32{}
		for i, o := range m.objects {
			if p := o.Parent(); !p.IsZero() {
				m.parts[p] = append(m.parts[p], int32(i))
			}
		}
		for _, list := range m.parts {
			slices.SortFunc(list, func(a, b int32) int { return compareObjects(m.objects[a], m.objects[b]) })
		}
	}
	list := m.parts[id]
	out := make([]Object, len(list))
	for i, at := range list {
		out[i] = m.objects[at]
	}
	return out
}

// dependents is the reverse of the dependencies, by position.
func (m *Model) dependents() [][]int32 {
	out := make([][]int32, len(m.objects))
	for a, list := range m.dependencies {
		for _, b := range list {
			out[b] = append(out[b], int32(a))
		}
	}
	return out
}

// Filter returns a model of the objects that keep accepts. A part whose parent
// is left out is left out with it.
func (m *Model) Filter(keep func(Object) bool) *Model {
	out := NewModel(m.Server)
	out.Database, out.Owner, out.User = m.Database, m.Owner, m.User
	out.Identity, out.Unmodelled, out.LargeObjects = m.Identity, m.Unmodelled, m.LargeObjects
	decided := map[ID]bool{}
	var decide func(Object) bool
	decide = func(o Object) bool {
		id := o.ID()
		if kept, done := decided[id]; done {
			return kept
		}
		kept := keep(o)
		if parent := m.Object(o.Parent()); kept && parent != nil {
			kept = decide(parent)
		}
		decided[id] = kept
		return kept
	}
	at := make([]int32, len(m.objects))
	for i, o := range m.objects {
		at[i] = -1
		if decide(o) {
			at[i] = int32(len(out.objects))
			out.index[o.ID()] = at[i]
			out.objects = append(out.objects, o)
			out.dependencies = append(out.dependencies, nil)
		}
	}
	for i, list := range m.dependencies {
		if at[i] < 0 {
			continue
		}
		for _, d := range list {
			if at[d] >= 0 {
				out.dependAt(at[i], at[d])
			}
		}
	}
	return out
}
