package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

func historyCommand(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show every event: who, when, from where, how long, what failed",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			t, err := a.target(ctx)
			if err != nil {
				return err
			}
			entries, err := apply.History(ctx, t.connect, t.options())
			if err != nil {
				return err
			}
			if limit > 0 && len(entries) > limit {
				entries = entries[len(entries)-limit:]
			}
			if a.flags.json {
				return a.historyDocument(t, entries)
			}
			a.showHistory(entries)
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "only the last so many events")
	return cmd
}

func (a *app) historyDocument(t *target, entries []migrate.Entry) error {
	type event struct {
		migrate.Entry
		DurationMS int64 `json:"duration_ms"`
	}
	list := make([]event, len(entries))
	for i, e := range entries {
		list[i] = event{e, e.Duration.Milliseconds()}
	}
	return a.document(struct {
		Environment string  `json:"environment"`
		Events      []event `json:"events"`
	}{t.env.Name, list})
}

func (a *app) showHistory(entries []migrate.Entry) {
	if len(entries) == 0 {
		a.say("no history yet")
		return
	}
	colors := map[migrate.Event]paint{migrate.Applied: green, migrate.Failed: red, migrate.Reverted: yellow}
	rows := make([][]cell, len(entries))
	for i, e := range entries {
		who := e.By
		if e.OSUser != "" || e.Host != "" {
			who = fmt.Sprintf("%s (%s@%s)", e.By, e.OSUser, e.Host)
		}
		event := string(e.Event)
		if e.Statement > 0 {
			event = fmt.Sprintf("%s %d/%d", event, e.Statement, e.Statements)
		}
		note := e.Note
		if e.Error != "" {
			note = firstLine(e.Error, 100)
		}
		took := ""
		if e.Duration > 0 {
			took = brief(e.Duration)
		}
		rows[i] = []cell{plain(e.At.UTC().Format(time.DateTime) + "Z"), {event, colors[e.Event]}, plain(e.Key()), plain(e.Name), plain(took), plain(who), plain(note)}
	}
	a.table([]string{"at", "event", "version", "name", "took", "by", "note"}, rows)
}
