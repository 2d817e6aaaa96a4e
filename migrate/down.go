package migrate

import (
	"fmt"
	"slices"
)

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
