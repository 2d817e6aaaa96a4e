package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// runFlags are the flags of the commands that run migrations.
type runFlags struct {
	to         string
	steps      int
	all        bool
	plan       string
	dryRun     bool
	outOfOrder bool
	allow      []string
	reason     string
}

// hazards are what --allow takes.
var hazards = []string{"down", "data-loss", "out-of-order", "changed", "missing", "unlinted"}

func (f *runFlags) allowFlags(set *pflag.FlagSet) {
	set.StringSliceVar(&f.allow, "allow", nil, "go on in spite of a guard: "+strings.Join(hazards, ", "))
	set.StringVar(&f.reason, "reason", "", "why; kept in the history")
	set.BoolVar(&f.dryRun, "dry-run", false, "show what would be done and change nothing")
}

// allows tells whether --allow names a hazard.
func (f *runFlags) allows(hazard string) bool { return slices.Contains(f.allow, hazard) }

// check refuses a mistyped hazard.
func (f *runFlags) check() error {
	for _, h := range f.allow {
		if !slices.Contains(hazards, h) {
			return usagef("--allow %s: expected one of %s", h, strings.Join(hazards, ", "))
		}
	}
	return nil
}

// request is what the flags ask of the planner.
func (f *runFlags) request(direction migrate.Direction, environment string) (migrate.Request, error) {
	r := migrate.Request{
		Direction:   direction,
		Steps:       f.steps,
		All:         f.all,
		Environment: environment,
		Allow: migrate.Allowances{
			OutOfOrder: f.outOfOrder || f.allows("out-of-order"),
			Changed:    f.allows("changed"),
			Missing:    f.allows("missing"),
		},
	}
	if f.to != "" {
		v, err := migrate.ParseVersion(f.to)
		if err != nil {
			return r, usagef("--to: %v", err)
		}
		r.To = &v
	}
	return r, nil
}

func upCommand(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Apply pending migrations",
		Long: `Applies pending migrations in order, each in one transaction with its history
row, then repeatable ones whose content has changed. Statements that cannot run
in a transaction are found by reading them; they run one by one, each recorded
before and after, so that a second run goes on where the first stopped.`,
		Example: `  kedge up
  kedge up --to 20260301000000 --env staging
  kedge plan --env production --out plan.json && kedge up --env production --plan plan.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runMigrations(cmd.Context(), migrate.Up, &f)
		},
	}
	cmd.Flags().StringVar(&f.to, "to", "", "apply versions up to and including this one")
	cmd.Flags().IntVar(&f.steps, "steps", 0, "apply at most this many migrations")
	cmd.Flags().StringVar(&f.plan, "plan", "", "apply exactly the plan kept in this file by plan --out, or refuse")
	cmd.Flags().BoolVar(&f.outOfOrder, "out-of-order", false, "apply versions below the current one, too")
	f.allowFlags(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("to", "steps", "plan")
	return cmd
}

func downCommand(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Revert the last migration",
		Long: `Reverts the last applied migration with its down script, or more with --to,
--steps and --all. It works from the history when the file is gone.`,
		Example: `  kedge down
  kedge down --to 20260301000000
  kedge down --all --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runMigrations(cmd.Context(), migrate.Down, &f)
		},
	}
	cmd.Flags().StringVar(&f.to, "to", "", "revert everything above this version")
	cmd.Flags().IntVar(&f.steps, "steps", 0, "revert this many migrations (default 1)")
	cmd.Flags().BoolVar(&f.all, "all", false, "revert everything")
	f.allowFlags(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("to", "steps", "all")
	return cmd
}

func redoCommand(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "redo",
		Short: "Revert the last migration and apply it again",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runMigrations(cmd.Context(), redo, &f)
		},
	}
	f.allowFlags(cmd.Flags())
	return cmd
}

// redo is the direction of a down and an up.
const redo migrate.Direction = "redo"

// runMigrations is up, down and redo.
func (a *app) runMigrations(ctx context.Context, direction migrate.Direction, f *runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	t.cache = a.checksums()
	request, err := f.request(direction, t.env.Name)
	if err != nil {
		return err
	}
	if direction == redo {
		request.Direction, request.Redo = migrate.Down, true
	}
	if err := t.guard(string(direction), f); err != nil {
		return err
	}
	if err := a.guardPlan(ctx, t, request, f); err != nil {
		return err
	}
	if f.all && !f.dryRun {
		if yes, err := a.confirm("Revert every migration of %s?", t.name()); err != nil || !yes {
			return orNothing(err)
		}
	}
	options := t.options()
	options.Reason = f.reason
	if f.dryRun {
		options.Mode = apply.DryRun
	}
	shown := a.startProgress()
	options.Observer = shown.observe
	var report *apply.Report
	if f.plan != "" {
		report, err = a.runPlan(ctx, t, f.plan, options)
	} else {
		set, e := t.migrations(ctx)
		if e != nil {
			shown.close()
			return e
		}
		options.Hooks = set.Hooks
		report, err = apply.Run(ctx, t.connect, set.Migrations, request, options)
	}
	shown.close()
	if report == nil && (!a.flags.json || err == nil) {
		return err
	}
	if a.flags.json {
		report = a.withError(report, t, err)
		if e := a.document(report); e != nil || err != nil || f.dryRun {
			return errors.Join(err, e)
		}
		return t.afterRun(ctx, report)
	}
	if f.dryRun {
		return orElseError(err, func() error { return a.showPlan(report.Plan.Document()) })
	}
	a.summarize(report, direction, err)
	if err != nil {
		return err
	}
	return t.afterRun(ctx, report)
}

// withError is the report of a run for --json: its error is there whatever went
// wrong, a statement or not.
func (a *app) withError(r *apply.Report, t *target, err error) *apply.Report {
	if r == nil {
		r = &apply.Report{Environment: t.env.Name, Steps: []apply.StepReport{}}
	}
	if err != nil && r.Error == nil {
		r.Error = &migrate.StatementError{Message: explain(err, a.dir)}
	}
	return r
}

func orNothing(err error) error {
	if err != nil {
		return err
	}
	return refusef("nothing was changed")
}

func orElseError(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}

func (a *app) runPlan(ctx context.Context, t *target, file string, options apply.Options) (*apply.Report, error) {
	text, err := os.ReadFile(a.path(file))
	if err != nil {
		return nil, usagef("reading the plan: %v", err)
	}
	document, err := migrate.ReadDocument(text)
	if err != nil {
		if !isRefused(err) {
			return nil, usagef("%s is no plan: %v", file, err)
		}
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if document.Environment != t.env.Name {
		return nil, refusef("%s was made for environment %s, not for %s", file, document.Environment, t.env.Name)
	}
	set, err := t.migrations(ctx)
	if err != nil {
		return nil, err
	}
	options.Hooks = set.Hooks
	return apply.ApplyPlan(ctx, t.connect, set.Migrations, document, options)
}

// afterRun keeps what a run left behind: the recorded schema, and the snapshot
// where the project wants it fresh.
func (t *target) afterRun(ctx context.Context, r *apply.Report) error {
	if len(r.Steps) == 0 {
		return nil
	}
	if err := t.record(ctx, r.History); err != nil {
		t.app.warn("%s: the run is done; the schema could not be recorded for drift: %v", t.name(), err)
	}
	if !t.env.RefreshSnapshot || t.project.Snapshot == "" {
		return nil
	}
	return t.app.snapshot(ctx, &snapshotFlags{out: t.project.Snapshot})
}

// summarize ends a run with one line for a person.
func (a *app) summarize(r *apply.Report, direction migrate.Direction, err error) {
	done := 0
	for _, s := range r.Steps {
		if s.State == apply.StepApplied || s.State == apply.StepReverted {
			done++
		}
	}
	where := r.Environment
	if where == "" {
		where = "database"
	}
	at := "at " + string(r.To)
	if r.To == "" {
		at = "nothing is applied"
	}
	switch {
	case err != nil && len(r.Steps) == 0:
	case err != nil:
		a.say("%s: %d of %s done; %s", where, done, count(len(r.Steps), "step"), at)
	case len(r.Steps) == 0 && direction == migrate.Up:
		a.say("%s: up to date, %s", where, at)
	case len(r.Steps) == 0:
		a.say("%s: nothing to revert, %s", where, at)
	default:
		verb := "applied"
		switch direction {
		case migrate.Down:
			verb = "reverted"
		case redo:
			verb = "redone"
		}
		a.say("%s: %s %s in %s; %s", where, count(done, "migration"), verb, brief(r.Duration), at)
	}
}
