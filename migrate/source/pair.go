package source

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// pairKey is what the up and the down script of a migration share.
type pairKey struct {
	kind migrate.Kind
	key  string
}

// pairing is the units of one migration by their places in the list.
type pairing struct{ up, down int }

// pair makes migrations of units: two with one version and direction, and a
// down without its up, are problems.
func (l *loader) pair(units []Unit) []*migrate.Migration {
	pairs := make(map[pairKey]*pairing, len(units))
	var order []pairKey
	for i := range units {
		u := &units[i]
		key := pairKey{u.Kind, string(u.Version)}
		if u.Kind == migrate.Repeatable {
			key.key = "R__" + u.Name
		}
		p := pairs[key]
		if p == nil {
			p = &pairing{-1, -1}
			pairs[key] = p
			order = append(order, key)
		}
		place := &p.up
		if u.Direction == migrate.Down {
			place = &p.down
		}
		if *place >= 0 {
			first := &units[*place]
			l.problem(Problem{File: l.folder.Shown(u.Path), Line: u.line(), Rule: RuleDuplicate, Message: fmt.Sprintf("the %s script of %s is also in %s", u.Direction, key.key, l.folder.Shown(first.Path))})
			continue
		}
		*place = i
	}
	list := make([]*migrate.Migration, 0, len(order))
	for _, key := range order {
		p := pairs[key]
		if p.up < 0 {
			u := &units[p.down]
			l.problem(Problem{File: l.folder.Shown(u.Path), Line: u.line(), Rule: RuleDown, Message: fmt.Sprintf("a down script for %s, of which there is no up script", key.key)})
			continue
		}
		if m := l.migration(units, p); m != nil {
			list = append(list, m)
		}
	}
	migrate.Sort(list)
	return list
}

func (u *Unit) line() int {
	if u.Part != nil {
		return u.Part.Line
	}
	return 0
}

// migration is made of an up and mostly a down script; nil when one could not be read.
func (l *loader) migration(units []Unit, p *pairing) *migrate.Migration {
	u, up := &units[p.up], l.scripts[p.up]
	if up == nil {
		return nil
	}
	m := &migrate.Migration{Version: u.Version, Name: u.Name, Kind: u.Kind, Up: up, Header: up.Header}
	if p.down < 0 {
		return m
	}
	if m.Down = l.scripts[p.down]; m.Down == nil {
		return nil
	}
	if d := &units[p.down]; d.Name != u.Name && !strings.EqualFold(d.Name, u.Name) {
		l.warnings = append(l.warnings, Problem{File: m.Down.File, Rule: RuleName, Message: fmt.Sprintf("the down script of %s is named otherwise than its up script %s", m.Key(), up.File)})
	}
	return m
}
