//go:build later

package main

import (
	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
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
			t, err := a.target(ctx)
			if err != nil {
				return err
			}
			set, err := t.migrations(ctx)
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
			a.say("%s: baseline %s recorded", t.env.Name, version)
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
			t, err := a.target(ctx)
			if err != nil {
				return err
			}
			set, err := t.migrations(ctx)
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
					a.say("%s: nothing to repair", t.env.Name)
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
			if err := apply.Repair(ctx, t.connect, set.Migrations, repairs, options); err != nil {
				return err
			}
			if a.flags.json {
				return a.document(repairDocument{t.env.Name, repairs, true})
			}
			a.say("%s: %s accepted", t.env.Name, count(len(repairs), "difference"))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; kept in the history")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the differences and change nothing")
	return cmd
}

type repairDocument struct {
	Environment string                 `json:"environment"`
	Repairs     []apply.RepairProposal `json:"repairs"`
	Accepted    bool                   `json:"accepted"`
}
