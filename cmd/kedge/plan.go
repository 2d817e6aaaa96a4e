package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

func planCommand(a *app) *cobra.Command {
	var f runFlags
	var out string
	var script, down bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show the exact steps and statements, what they lock, and lint's findings",
		Long: `Shows what up (or down) would do: every migration with every statement, what it
locks on which table of which size, what lint says of it, and what happens when
it fails. Nothing is changed.

--out keeps the plan in a file for "kedge up --plan FILE", which applies exactly
that plan or refuses because the database or the files have changed since.
--sql prints the script that a DBA could run by hand, history rows included.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			direction := migrate.Up
			if down {
				direction = migrate.Down
			}
			return a.plan(cmd.Context(), direction, &f, out, script)
		},
	}
	cmd.Flags().StringVar(&f.to, "to", "", "plan up to, or down to, this version")
	cmd.Flags().IntVar(&f.steps, "steps", 0, "plan at most this many migrations")
	cmd.Flags().BoolVar(&down, "down", false, "plan a down instead of an up")
	cmd.Flags().BoolVar(&f.outOfOrder, "out-of-order", false, "plan versions below the current one, too")
	cmd.Flags().StringSliceVar(&f.allow, "allow", nil, "plan in spite of a guard: "+strings.Join(hazards, ", "))
	cmd.Flags().StringVar(&out, "out", "", "keep the plan in this file")
	cmd.Flags().BoolVar(&script, "sql", false, "print the plan as an SQL script for psql")
	cmd.Flags().BoolVar(&a.planShadow, "shadow", false, "run the plan on a shadow, and show the locks that were seen there")
	cmd.MarkFlagsMutuallyExclusive("to", "steps")
	cmd.MarkFlagsMutuallyExclusive("sql", "out")
	return cmd
}

func (a *app) plan(ctx context.Context, direction migrate.Direction, f *runFlags, out string, script bool) error {
	if err := f.check(); err != nil {
		return err
	}
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	request, err := f.request(direction, t.env.Name)
	if err != nil {
		return err
	}
	set, err := t.migrations(ctx)
	if err != nil {
		return err
	}
	options := t.options()
	options.Mode = apply.DryRun
	report, err := apply.Run(ctx, t.connect, set.Migrations, request, options)
	if err != nil {
		return err
	}
	if script {
		return apply.WriteScript(a.out, report.Plan, options)
	}
	document := report.Plan.Document()
	if err := a.judge(ctx, t, report.Plan, document); err != nil {
		return err
	}
	if out != "" {
		text, err := json.MarshalIndent(document, "", "  ")
		if err != nil {
			return fmt.Errorf("writing the plan: %w", err)
		}
		if err := os.WriteFile(a.path(out), append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("keeping the plan: %w", err)
		}
		a.say("kept the plan in %s; apply it with: kedge up --plan %s", out, out)
	}
	if a.flags.json {
		return a.document(document)
	}
	return a.showPlan(document)
}

// showPlan prints a plan for people.
func (a *app) showPlan(d *migrate.Document) error {
	name := d.Environment
	if name == "" {
		name = "database"
	}
	if len(d.Steps) == 0 {
		a.say("%s: nothing to do", name)
		return nil
	}
	for i, s := range d.Steps {
		if i > 0 {
			a.result("")
		}
		title := string(s.Version) + " " + s.Name
		if s.Kind == migrate.Repeatable {
			title = "R " + s.Name
		}
		how := "in one transaction"
		if !s.Transactional {
			how = "statement by statement: " + s.Reason
		}
		a.result("%s %s  %s", a.paint(a.out, bold, fmt.Sprintf("%-4s", s.Direction)), a.paint(a.out, bold, visible(title)), a.paint(a.out, dim, visible(s.File+", "+how)))
		if s.Resume > 0 {
			a.result("     goes on with statement %d, where an earlier run stopped", s.Resume)
		}
		for _, st := range s.Statements {
			a.result("%s %s", a.paint(a.out, dim, fmt.Sprintf("%5d |", st.Line)), visible(firstLine(st.SQL, 110)))
			a.showVerdict(st)
		}
		if len(s.Statements) == 0 {
			a.result("      | a large script, read as a stream")
		}
	}
	if !a.flags.quiet {
		a.say("\n%s to do: %s, from %s to %s", count(len(d.Steps), "step"), name, orNothingApplied(d.From), orNothingApplied(d.To))
	}
	return nil
}

func orNothingApplied(v migrate.Version) string {
	if v == "" {
		return "nothing"
	}
	return string(v)
}
