package main

import (
	"context"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/drift"
)

func baselineCommand(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "baseline V",
		Short: "Declare everything up to a version present in an existing database",
		Long: `Records that a database that was not built by kedge holds everything up to and
including version V. Nothing is run; migrations above V are pending.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			version, err := migrate.ParseVersion(args[0])
			if err != nil {
				return usagef("%v", err)
			}
			t, set, err := a.prepared(ctx)
			if err != nil {
				return err
			}
			options := t.options()
			options.Reason = reason
			report, err := apply.Baseline(ctx, t.connect, set.Migrations, version, options)
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.document(report)
			}
			a.say("%s: baseline %s recorded", t.name(), version)
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; kept in the history")
	return cmd
}

func repairCommand(a *app) *cobra.Command {
	var reason string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "repair [V…]",
		Short: "Accept changed checksums and missing files, after showing the difference",
		Long: `Shows how the files of applied migrations differ from what ran, and records that
the new content is accepted. A migration whose file is gone is struck from the
state (its history stays). With versions, only those.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			t, set, err := a.prepared(ctx)
			if err != nil {
				return err
			}
			options := t.options()
			options.Reason = reason
			repairs, err := apply.Repairs(ctx, t.connect, set.Migrations, args, options)
			if err != nil {
				return err
			}
			if !a.flags.json {
				a.showRepairs(repairs)
			}
			if len(repairs) == 0 || dryRun {
				if a.flags.json {
					return a.document(repairDocument{t.env.Name, repairs, false})
				}
				if len(repairs) == 0 {
					a.say("%s: nothing to repair", t.name())
				}
				return nil
			}
			yes, err := a.confirm("Accept %s?", count(len(repairs), "difference"))
			if err != nil {
				return err
			}
			if !yes {
				return refusef("nothing was changed")
			}
			if err := t.repair(ctx, set.Migrations, repairs, options); err != nil {
				return err
			}
			if a.flags.json {
				return a.document(repairDocument{t.env.Name, repairs, true})
			}
			a.say("%s: %s accepted", t.name(), count(len(repairs), "difference"))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; kept in the history")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the differences and change nothing")
	return cmd
}

// repair accepts differences. What was recorded for drift stays what is expected:
// nothing of the schema has changed.
func (t *target) repair(ctx context.Context, migrations []*migrate.Migration, accepted []apply.RepairProposal, o apply.Options) error {
	before, err := apply.History(ctx, t.connect, o)
	if err != nil {
		return err
	}
	if err := apply.Repair(ctx, t.connect, migrations, accepted, o); err != nil {
		return err
	}
	after, err := apply.History(ctx, t.connect, o)
	if err != nil {
		return err
	}
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return drift.Carry(ctx, conn, t.project.HistorySchema, migrate.Fold(before).Digest(), migrate.Fold(after).Digest())
}

// showRepairs prints each difference: the SQL that ran against the file's.
func (a *app) showRepairs(repairs []apply.RepairProposal) {
	for _, r := range repairs {
		title := string(r.Version) + " " + r.Name
		if r.Kind == migrate.Repeatable {
			title = "R " + r.Name
		}
		switch {
		case r.State == migrate.StateMissing:
			a.result("%s: applied, and no file has it", a.paint(a.out, bold, visible(title)))
		case r.WasSQL == "":
			a.result("%s: %s differs from what ran, which the history did not keep", a.paint(a.out, bold, visible(title)), r.File)
		default:
			a.result("%s:", a.paint(a.out, bold, visible(title)))
			a.result("%s", visible(strings.TrimRight(string(diff.Diff("history", []byte(r.WasSQL), r.File, []byte(r.NowSQL))), "\n")))
		}
	}
}

type repairDocument struct {
	Environment string                 `json:"environment"`
	Repairs     []apply.RepairProposal `json:"repairs"`
	Accepted    bool                   `json:"accepted"`
}

func resolveCommand(a *app) *cobra.Command {
	var resume, done, undone bool
	var reason string
	cmd := &cobra.Command{
		Use:   "resolve V",
		Short: "Decide what to do with an interrupted non-transactional migration",
		Long: `A migration that cannot run in a transaction is recorded statement by statement.
Where a crash left it unknown whether a statement took effect, kedge shows what
it knows and a person decides:

  --resume  run the statement in doubt again, then the rest
  --done    everything took effect
  --undone  nothing of it is left: it is as if it had not begun`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			decision, err := decide(resume, done, undone)
			if err != nil {
				return err
			}
			t, set, err := a.prepared(ctx)
			if err != nil {
				return err
			}
			options := t.options()
			options.Reason = reason
			was, err := apply.Resolve(ctx, t.connect, set.Migrations, args[0], decision, options)
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.document(struct {
					Version    string         `json:"version"`
					Decision   apply.Decision `json:"decision"`
					Done       int            `json:"statements_done"`
					Statements int            `json:"statements"`
				}{args[0], decision, was.Done, was.Statements})
			}
			a.say("%s: %s is resolved (%s)", t.name(), args[0], decision)
			if decision == apply.Resume {
				a.say("Go on with: kedge %s", was.Direction)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&resume, "resume", false, "run the statement in doubt again, then the rest")
	cmd.Flags().BoolVar(&done, "done", false, "everything took effect")
	cmd.Flags().BoolVar(&undone, "undone", false, "nothing of it is left")
	cmd.Flags().StringVar(&reason, "reason", "", "why; kept in the history")
	cmd.MarkFlagsMutuallyExclusive("resume", "done", "undone")
	return cmd
}

func decide(resume, done, undone bool) (apply.Decision, error) {
	switch {
	case resume:
		return apply.Resume, nil
	case done:
		return apply.Done, nil
	case undone:
		return apply.Undone, nil
	}
	return "", usagef("say what became of it: --resume, --done or --undone")
}
