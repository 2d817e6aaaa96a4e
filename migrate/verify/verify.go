// Package verify knows whether a set of migrations holds what it promises: each
// one goes up, down and up again and builds the same schema each time. It opens
// no database; it is given a stage to play on.
package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema"
)

// Stage is a throw-away database with a history of its own, empty at first.
type Stage interface {
	// Run takes the database to where the request wants it.
	Run(ctx context.Context, migrations []*migrate.Migration, request migrate.Request) error
	// Model reads the database's schema.
	Model(ctx context.Context) (*schema.Model, error)
}

// Options say what is verified. The zero value verifies everything.
type Options struct {
	Environment string
	// Only narrows the round trips down to some migrations; all are still
	// applied. Nil is all of them.
	Only func(*migrate.Migration) bool
}

// The rules that findings of a replay name.
const (
	RuleUp         = "up-fails"
	RuleNoDown     = "down-missing"
	RuleDown       = "down-fails"
	RuleNotReverse = "down-not-reverse"
	RuleLosesData  = "down-loses-data"
	RuleAgain      = "up-differs-again"
	RuleRepeatable = "repeatable-not-repeatable"
	RuleUnusable   = "environment-unusable"
)

// Explain says what a rule is about; "" for one that is none of this package's.
func Explain(rule string) string {
	return map[string]string{
		RuleUp:         "A migration does not run on an empty database after those before it.",
		RuleNoDown:     "A migration has no down script: it can only be taken back by a new migration.",
		RuleDown:       "A down script does not run.",
		RuleNotReverse: "After up and down the schema is another one than before.",
		RuleLosesData:  "Down makes a column or table anew that up had removed: the structure comes back, its rows do not.",
		RuleAgain:      "Up after down builds another schema than the first up.",
		RuleUnusable:   "A script cannot be read as an environment has it: a placeholder is not defined there, or its value may not stand there.",
		RuleRepeatable: "A repeatable migration, run twice, fails or changes the schema the second time.",
	}[rule]
}

// replay is one verification.
type replay struct {
	stage      Stage
	migrations []*migrate.Migration
	o          Options
	findings   []finding.Finding
}

// Replay applies a whole set to the stage, one migration at a time, each up,
// down and up again, repeatable ones twice, and returns what it found with the
// schema that the set builds. The model is nil when an up failed.
func Replay(ctx context.Context, stage Stage, migrations []*migrate.Migration, o Options) ([]finding.Finding, *schema.Model, error) {
	plan, err := migrate.NewPlan(migrations, migrate.Fold(nil), migrate.Request{Direction: migrate.Up, Environment: o.Environment})
	if err != nil {
		return nil, nil, err
	}
	r := &replay{stage: stage, migrations: migrations, o: o}
	before, err := stage.Model(ctx)
	if err != nil {
		return nil, nil, err
	}
	var repeatable []*migrate.Migration
	for i := range plan.Steps {
		m := plan.Steps[i].Migration
		if m.Kind == migrate.Repeatable {
			repeatable = append(repeatable, m)
			continue
		}
		after, err := r.roundTrip(ctx, m, before)
		if err != nil || after == nil {
			return r.findings, nil, err
		}
		before = after
	}
	if len(repeatable) > 0 {
		before, err = r.repeat(ctx, repeatable)
	}
	return r.findings, before, err
}

// request asks for one direction up to, or down below, a version.
func (r *replay) request(d migrate.Direction, to migrate.Version) migrate.Request {
	q := migrate.Request{Direction: d, Environment: r.o.Environment}
	if d == migrate.Up {
		q.To = &to
	} else {
		q.Steps = 1
	}
	return q
}

// versioned are the migrations without the repeatable ones, which would run
// again after each version.
func (r *replay) versioned() []*migrate.Migration {
	var list []*migrate.Migration
	for _, m := range r.migrations {
		if m.Kind != migrate.Repeatable {
			list = append(list, m)
		}
	}
	return list
}

// roundTrip takes one migration up, down and up again. The model is nil when it
// cannot go on from there.
func (r *replay) roundTrip(ctx context.Context, m *migrate.Migration, before *schema.Model) (*schema.Model, error) {
	set := r.versioned()
	if err := r.stage.Run(ctx, set, r.request(migrate.Up, m.Version)); err != nil {
		return nil, r.failed(ctx, RuleUp, m.Up, err)
	}
	after, err := r.stage.Model(ctx)
	if err != nil || r.o.Only != nil && !r.o.Only(m) || m.Kind == migrate.Baseline {
		return after, err
	}
	if m.Down == nil {
		r.add(RuleNoDown, finding.Notice, m.Up, "it has no down script")
		return after, nil
	}
	if err := r.stage.Run(ctx, set, r.request(migrate.Down, m.Version)); err != nil {
		return nil, r.failed(ctx, RuleDown, m.Down, err)
	}
	down, err := r.stage.Model(ctx)
	if err != nil {
		return nil, err
	}
	if left := schema.Differences(before, down, schema.Options{}); len(left) > 0 {
		r.add(RuleNotReverse, finding.Error, m.Down, "after up and down the schema is not what it was: "+describe(left))
	}
	if lost := anew(before, down); len(lost) > 0 {
		r.add(RuleLosesData, finding.Notice, m.Down, "the structure comes back, the rows do not: "+strings.Join(lost, ", "))
	}
	if err := r.stage.Run(ctx, set, r.request(migrate.Up, m.Version)); err != nil {
		return nil, r.failed(ctx, RuleAgain, m.Up, err)
	}
	again, err := r.stage.Model(ctx)
	if err != nil {
		return nil, err
	}
	if left := schema.Differences(after, again, schema.Options{}); len(left) > 0 {
		r.add(RuleAgain, finding.Error, m.Up, "up after down builds another schema: "+describe(left))
	}
	return again, nil
}

// repeat runs the repeatable migrations, and each of them once more.
func (r *replay) repeat(ctx context.Context, list []*migrate.Migration) (*schema.Model, error) {
	up := migrate.Request{Direction: migrate.Up, Environment: r.o.Environment}
	if err := r.stage.Run(ctx, r.migrations, up); err != nil {
		return nil, r.failed(ctx, RuleUp, scriptOf(list, err), err)
	}
	once, err := r.stage.Model(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if r.o.Only != nil && !r.o.Only(m) {
			continue
		}
		if err := r.stage.Run(ctx, touched(r.migrations, m), up); err != nil {
			return nil, r.failed(ctx, RuleRepeatable, m.Up, err)
		}
		twice, err := r.stage.Model(ctx)
		if err != nil {
			return nil, err
		}
		if left := schema.Differences(once, twice, schema.Options{}); len(left) > 0 {
			r.add(RuleRepeatable, finding.Error, m.Up, "run twice it changes the schema again: "+describe(left))
		}
	}
	return once, nil
}

// touched is the set with one migration's content counted as changed.
func touched(migrations []*migrate.Migration, m *migrate.Migration) []*migrate.Migration {
	list := make([]*migrate.Migration, len(migrations))
	for i, other := range migrations {
		list[i] = other
		if other == m {
			again, script := *m, *m.Up
			script.Checksum = migrate.Checksum{Text: script.Checksum.Text + "+again", SQL: script.Checksum.SQL + "+again"}
			again.Up = &script
			list[i] = &again
		}
	}
	return list
}

// scriptOf is the script of a list that an error is about; the first when it
// does not say.
func scriptOf(list []*migrate.Migration, err error) *migrate.Script {
	var at *migrate.StatementError
	if errors.As(err, &at) {
		for _, m := range list {
			if m.Up.File == at.File {
				return m.Up
			}
		}
	}
	return list[0].Up
}

// failed makes a failed statement a finding; any other error stays one.
func (r *replay) failed(ctx context.Context, rule string, s *migrate.Script, err error) error {
	var at *migrate.StatementError
	if ctx.Err() != nil || !errors.As(err, &at) {
		return err
	}
	r.findings = append(r.findings, finding.Finding{
		Rule: rule, Severity: finding.Error, File: s.File, Line: at.Line, Column: at.Column, EndLine: at.Line,
		Statement: at.Statement, Message: at.Message, Fix: at.Hint,
	})
	return nil
}

func (r *replay) add(rule string, severity finding.Severity, s *migrate.Script, message string) {
	line := max(s.Line, 1)
	r.findings = append(r.findings, finding.Finding{Rule: rule, Severity: severity, File: s.File, Line: line, Column: 1, EndLine: line, Message: message})
}

// shownChanges is how many differences a message names.
const shownChanges = 5

// describe names differences for a message.
func describe(changes []schema.ObjectChange) string {
	var parts []string
	for i, c := range changes {
		if i == shownChanges {
			parts = append(parts, fmt.Sprintf("and %d more", len(changes)-i))
			break
		}
		part := fmt.Sprintf("%s %s", c.Object, c.Operation)
		for j, p := range c.Changes {
			part += map[bool]string{true: " (", false: ", "}[j == 0] + p.Property
			if j == len(c.Changes)-1 {
				part += ")"
			}
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// anew are the tables and columns that stand in both models but are not the
// same ones: they were dropped and made again.
func anew(before, after *schema.Model) []string {
	var list []string
	gone := map[schema.ID]bool{}
	for _, o := range before.Objects() {
		id := o.ID()
		if id.Kind != "table" && id.Kind != "column" || gone[o.Parent()] {
			continue
		}
		other := after.Object(id)
		if other == nil {
			continue
		}
		if a, b := o.Common(), other.Common(); a.Oid != b.Oid || a.Attnum != b.Attnum {
			gone[id] = true
			list = append(list, id.String())
		}
	}
	return list
}
