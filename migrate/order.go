package migrate

import (
	"slices"
	"strings"
)

// dependency is the key that a header's depends names: R__name as it is, a
// version in its canonical form.
func dependency(name string) string {
	if v, err := ParseVersion(name); err == nil {
		return string(v)
	}
	return name
}

// order sorts pending migrations so that each stands after what its header
// depends on, and otherwise as they came: versions ascending, then repeatable
// ones by name.
func (p *planner) order(pending []*Migration) ([]*Migration, error) {
	o := orderer{planner: p, pending: make(map[string]*Migration, len(pending)), state: map[string]mark{}, list: make([]*Migration, 0, len(pending))}
	for _, m := range pending {
		if m.Kind != Baseline {
			o.pending[m.Key()] = m
		}
	}
	for _, m := range pending {
		if m.Kind == Baseline {
			o.list = append(o.list, m)
			continue
		}
		if err := o.visit(m); err != nil {
			return nil, err
		}
	}
	return o.list, nil
}

type mark int

const (
	unseen mark = iota
	open
	placed
)

// orderer is a depth-first topological sort.
type orderer struct {
	*planner
	pending map[string]*Migration
	state   map[string]mark
	path    []*Migration
	list    []*Migration
}

func (o *orderer) visit(m *Migration) error {
	key := m.Key()
	switch o.state[key] {
	case placed:
		return nil
	case open:
		return o.cycle(m)
	}
	o.state[key] = open
	o.path = append(o.path, m)
	for _, name := range m.Header.Depends {
		d := dependency(name)
		next := o.pending[d]
		switch {
		case next != nil && m.Kind == Versioned && next.Kind == Versioned && next.Version.Compare(m.Version) > 0:
			return o.refuse(m, "it depends on "+name+", a higher version")
		case next != nil:
			if err := o.visit(next); err != nil {
				return err
			}
		case o.h.applied[d] != nil, o.covered(d):
		case o.byKey[d] != nil && !o.byKey[d].runsIn(o.environment):
			return o.refuse(m, "it depends on "+name+", which is only for "+enumerate(o.byKey[d].Header.Environments))
		case o.byKey[d] != nil:
			return o.refuse(m, "it depends on "+name+", which this plan does not apply")
		default:
			return o.refuse(m, "it depends on "+name+", which no file has")
		}
	}
	o.path = o.path[:len(o.path)-1]
	o.state[key] = placed
	o.list = append(o.list, m)
	return nil
}

// covered tells whether a version is present by a baseline, done or about to be.
func (o *orderer) covered(key string) bool {
	v, err := ParseVersion(key)
	if err != nil {
		return false
	}
	start := o.start(o.request.To)
	return o.h.Covers(v) || v.Compare(o.squashed) <= 0 && o.h.current != "" || start != nil && v.Compare(start.Version) <= 0
}

func (o *orderer) refuse(m *Migration, detail string) error {
	return &Refusal{Rule: ErrDepends, Items: []RefusedItem{{Key: m.Key(), File: m.file(), Detail: detail}}}
}

func (o *orderer) cycle(m *Migration) error {
	i := slices.Index(o.path, m)
	var names []string
	var items []RefusedItem
	for _, n := range o.path[i:] {
		names = append(names, n.Key())
		items = append(items, RefusedItem{Key: n.Key(), File: n.file()})
	}
	return &Refusal{Rule: ErrDepends, Detail: "a circle, " + strings.Join(append(names, m.Key()), " → "), Items: items}
}
