package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/migrate/lint"
	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

// planLock is a lock of a statement as `plan --json` shows it.
type planLock struct {
	Object  string `json:"object"`
	Mode    string `json:"mode"`
	Rewrite bool   `json:"rewrite"`
	Scan    bool   `json:"scan"`
	Bytes   int64  `json:"bytes"`
	Rows    int64  `json:"rows"`
	// Estimate is how long the lock is held, for people; Assumed marks what
	// neither the statement nor the database tells for sure.
	Estimate string  `json:"estimate,omitempty"`
	Assumed  bool    `json:"assumed,omitempty"`
	Reads    float64 `json:"reads_per_second,omitempty"`
	Writes   float64 `json:"writes_per_second,omitempty"`
}

// judgement is what lint says of a plan.
type judgement struct {
	result *lint.Result
	target *rules.Target
	speed  lint.Throughput
	traced bool
}

// judgePlan has lint look at what a plan is about to do, with the target's own
// facts; with trace also at what it does on a shadow.
func (a *app) judgePlan(ctx context.Context, t *target, plan *migrate.Plan, trace bool) (*judgement, error) {
	o := lint.Options{Scope: lint.Together, Throughput: lint.Assumed}
	if err := withProject(&o, t); err != nil {
		return nil, err
	}
	conn, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := askTarget(ctx, t, conn, &o, false); err != nil {
		return nil, err
	}
	var files []lint.File
	for i := range plan.Steps {
		s := &plan.Steps[i]
		file, err := scriptFile(s.Script, s.Direction)
		if err != nil {
			return nil, err
		}
		if file != nil {
			files = append(files, *file)
		}
	}
	if trace && plan.Direction == migrate.Up {
		before, err := t.unapplied(ctx, plan)
		if err != nil {
			return nil, err
		}
		if err := a.trace(ctx, t, before, files, &o); err != nil {
			return nil, err
		}
	}
	return &judgement{lint.Run(files, o), o.Target, o.Throughput, trace}, nil
}

// judge adds to a plan what lint and the target's sizes say of its statements.
func (a *app) judge(ctx context.Context, t *target, plan *migrate.Plan, d *migrate.Document) error {
	if len(plan.Steps) == 0 {
		return nil
	}
	j, err := a.judgePlan(ctx, t, plan, a.planShadow)
	if err != nil {
		return err
	}
	for i := range plan.Steps {
		s := &plan.Steps[i]
		for k, st := range s.Statements {
			if k >= len(d.Steps[i].Statements) {
				break
			}
			judged := j.result.Judged(s.Script.File, st.Offset)
			d.Steps[i].Statements[k].Locks = j.locks(judged.Effects)
			d.Steps[i].Statements[k].Findings = append([]finding.Finding{}, judged.Findings...)
		}
	}
	return nil
}

// locks are the effects on what is there, with its size.
func (j *judgement) locks(effects []ddl.Effect) []planLock {
	list := []planLock{}
	for _, e := range effects {
		l := planLock{Object: e.Object.String(), Mode: e.Mode.String(), Rewrite: e.Rewrite, Scan: e.Scan, Assumed: e.Assumed}
		if r := j.target.Scene.Relation(e.Object); r != nil && !e.Object.IsZero() {
			l.Bytes, l.Rows = r.Bytes, r.Rows
			traffic := j.target.Traffic[r.Name.String()]
			l.Reads, l.Writes = traffic.ReadsPerSecond, traffic.WritesPerSecond
		}
		if took := j.speed.Duration(workOf(e), l.Bytes); took > 0 {
			l.Estimate = lint.About(took)
		}
		list = append(list, l)
	}
	return list
}

// workOf is what takes the time of an effect.
func workOf(e ddl.Effect) rules.Work {
	switch {
	case e.Rewrite:
		return rules.Rewrites
	case e.Builds > 0:
		return rules.Builds
	case e.Scan:
		return rules.Reads
	}
	return rules.Momentary
}

// showVerdict prints what is known of a statement of a plan.
func (a *app) showVerdict(st migrate.DocumentStatement) {
	locks, _ := st.Locks.([]planLock)
	for _, l := range locks {
		if m, ok := ddl.LockModeOf(l.Mode); ok && m < ddl.ShareUpdateExclusive && !l.Scan {
			continue
		}
		text := l.Mode + " on " + l.Object
		if l.Object == "" {
			text = l.Mode + " on what it touches"
		}
		if l.Bytes > 0 || l.Rows > 0 {
			text += fmt.Sprintf(" (%s, %s rows)", lint.Bytes(l.Bytes), lint.Count(l.Rows))
		}
		switch {
		case l.Rewrite:
			text += ", written anew"
		case l.Scan:
			text += ", read whole"
		}
		if l.Estimate != "" {
			text += ", about " + l.Estimate
		}
		if l.Assumed {
			text += ", at worst"
		}
		a.result("      | %s", a.paint(a.out, dim, visible(text)))
	}
	list, _ := st.Findings.([]finding.Finding)
	for _, f := range list {
		a.result("      | %s %s: %s", a.paintSeverity(f.Severity, f.Severity.String()), f.Rule, visible(firstLine(f.Message, 200)))
	}
}

// guardPlan refuses, in a protected environment, to apply statements that lint
// has errors for (the hazard unlinted) or that lose data (data-loss), unless the
// run or the script's header allows it.
func (a *app) guardPlan(ctx context.Context, t *target, request migrate.Request, f *runFlags) error {
	if !t.env.Protected || f.dryRun || request.Direction == migrate.Down || f.allows("unlinted") && f.allows("data-loss") {
		return nil
	}
	set, err := t.migrations(ctx)
	if err != nil {
		return err
	}
	options := t.options()
	options.Mode = apply.DryRun
	report, err := apply.Run(ctx, t.connect, set.Migrations, request, options)
	if err != nil || report == nil || report.Plan == nil {
		return err
	}
	j, err := a.judgePlan(ctx, t, report.Plan, false)
	if err != nil {
		return err
	}
	var unlinted, losing []finding.Finding
	for i := range report.Plan.Steps {
		s := &report.Plan.Steps[i]
		for _, judged := range j.result.Statements {
			if judged.File != s.Script.File {
				continue
			}
			for _, found := range judged.Findings {
				rule := rules.Find(found.Rule)
				loses := rule != nil && rule.LosesData
				switch {
				case loses && !f.allows("data-loss") && !headerAllows(s.Script, "data-loss"):
					losing = append(losing, found)
				case !loses && found.Severity == finding.Error && !f.allows("unlinted") && !headerAllows(s.Script, "unlinted"):
					unlinted = append(unlinted, found)
				}
			}
		}
	}
	for _, found := range j.result.Findings { // of files that cannot be read, which are in no statement
		if found.Rule == "unreadable-script" && !f.allows("unlinted") {
			unlinted = append(unlinted, found)
		}
	}
	if len(unlinted)+len(losing) == 0 {
		return nil
	}
	var b strings.Builder
	var hazards []string
	for _, part := range []struct {
		hazard string
		list   []finding.Finding
	}{{"data-loss", losing}, {"unlinted", unlinted}} {
		if len(part.list) == 0 {
			continue
		}
		hazards = append(hazards, part.hazard)
		for _, found := range part.list {
			fmt.Fprintf(&b, "\n  %s:%d: %s: %s", found.File, found.Line, found.Rule, found.Message)
		}
	}
	return refusef("%s is protected: nothing was applied%s\nChange the migrations, or take it on: --allow %s --reason TEXT, or in the script's header: -- kedge: allow=%s reason=\"…\"",
		t.name(), b.String(), strings.Join(hazards, ","), strings.Join(hazards, ","))
}

func headerAllows(s *migrate.Script, hazard string) bool {
	return slices.ContainsFunc(s.Header.Allow, func(al migrate.Allowance) bool { return al.Hazard == hazard })
}
