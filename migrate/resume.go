package migrate

import "fmt"

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
