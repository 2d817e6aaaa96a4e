package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

func statusCommand(a *app) *cobra.Command {
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show every migration and its state",
		Long: `Shows every migration in the files and in the database's history with its state:

  applied       in the database as its file has it
  pending       to be applied by the next up
  changed       applied, and the file's SQL differs from what ran
  missing       applied, and no file has it
  ignored       not for this environment, or superseded by a baseline
  interrupted   non-transactional, started and not ended
  baseline      covered by the baseline: never run here, taken as present
  out_of_order  not applied, and below the current version
  outdated      repeatable, to be run again by the next up`,
		Example: `  kedge status --env production
  kedge status --exit-code --json | jq .pending`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.status(cmd, exitCode)
		},
	}
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "end with 2 when anything is pending, changed, missing or interrupted")
	return cmd
}

// statusDocument is what `status --json` prints.
type statusDocument struct {
	Environment   string           `json:"environment"`
	Database      string           `json:"database"`
	ServerVersion string           `json:"server_version"`
	Current       migrate.Version  `json:"current"`
	Pending       int              `json:"pending"`
	Migrations    []migrate.Status `json:"migrations"`
}

func (a *app) status(cmd *cobra.Command, useExitCode bool) error {
	t, err := a.target(cmd.Context())
	if err != nil {
		return err
	}
	t.cache = a.checksums()
	report, err := t.status(cmd.Context())
	if err != nil {
		return err
	}
	attention := false
	for _, s := range report.Migrations {
		attention = attention || s.Attention()
		if s.Pending() {
			report.Pending++
		}
	}
	if a.flags.json {
		err = a.document(report)
	} else {
		a.showStatus(t.name(), report)
	}
	if err != nil {
		return err
	}
	return found(attention && useExitCode)
}

// status asks the database where every migration stands.
func (t *target) status(ctx context.Context) (*statusDocument, error) {
	set, err := t.migrations(ctx)
	if err != nil {
		return nil, err
	}
	r, err := apply.Status(ctx, t.connect, set.Migrations, t.env.Name, t.options())
	if err != nil {
		return nil, err
	}
	version := fmt.Sprintf("%d.%d", r.ServerVersion/10000, r.ServerVersion%10000)
	return &statusDocument{Environment: t.env.Name, Database: r.Database, ServerVersion: version, Current: r.Current, Migrations: r.Migrations}, nil
}

var stateColors = map[migrate.State]paint{
	migrate.StateApplied: green, migrate.StatePending: cyan, migrate.StateOutdated: cyan, migrate.StateChanged: red, migrate.StateMissing: red,
	migrate.StateInterrupted: red, migrate.StateOutOfOrder: yellow, migrate.StateIgnored: dim, migrate.StateBaseline: dim,
}

func (a *app) showStatus(name string, r *statusDocument) {
	current := string(r.Current)
	if current == "" {
		current = "nothing applied"
	}
	a.say("%s: database %s, PostgreSQL %s, at %s", name, visible(r.Database), r.ServerVersion, current)
	if len(r.Migrations) == 0 {
		a.say("no migrations")
		return
	}
	rows := make([][]cell, len(r.Migrations))
	for i, s := range r.Migrations {
		version := string(s.Version)
		if s.Kind == migrate.Repeatable {
			version = "R"
		}
		applied, took := "", ""
		if s.AppliedAt != nil {
			applied = s.AppliedAt.UTC().Format(time.DateTime) + "Z"
			took = brief(time.Duration(s.DurationMS) * time.Millisecond)
		}
		note := s.Note
		if s.Error != "" && s.State != migrate.StateApplied {
			note = "last attempt: " + firstLine(s.Error, 80)
		}
		rows[i] = []cell{plain(version), plain(s.Name), {string(s.State), stateColors[s.State]}, plain(applied), plain(took), plain(note)}
	}
	a.table([]string{"version", "name", "state", "applied", "took", "note"}, rows)
	if r.Pending > 0 {
		a.say("\n%s", fmt.Sprintf("%s pending", count(r.Pending, "migration")))
	}
}
