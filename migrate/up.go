package migrate

import (
	"fmt"
	"slices"
)

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
