package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

func renumberCommand(a *app) *cobra.Command {
	var since string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "renumber",
		Short: "Put a late branch's migrations behind those that are merged already",
		Long: `Renames the migrations that a branch adds and that --since has overtaken, with
their down scripts, so that they come after everything there, in the order that
they have among themselves. Files that --since has are never touched.`,
		Example: `  kedge renumber --since origin/main`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.renumber(cmd.Context(), since, dryRun)
		},
	}
	cmd.Flags().StringVar(&since, "since", "main", "the git revision to come after")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the new names and change nothing")
	return cmd
}

// renaming is a file's old and new path.
type renaming struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (a *app) renumber(ctx context.Context, since string, dryRun bool) error {
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	folder, err := a.migrationsFolder(t.project)
	if err != nil {
		return err
	}
	b, err := a.branchOf(ctx, t, since)
	if err != nil {
		return err
	}
	list := []renaming{}
	after, now := b.highest, time.Now().UTC()
	for i, m := range b.overtaken() {
		draft := source.Draft{Name: m.Name, Now: now.Add(time.Duration(i) * time.Second), OneWay: m.Down == nil, After: after}
		files, err := source.New(source.Location{Path: folder}, t.project.Format, draft)
		if err != nil {
			return err
		}
		moves, err := a.moves(folder, m, files)
		if err != nil {
			return err
		}
		if after, err = migrate.ParseVersion(newNumber.FindString(filepath.Base(moves[0].To))); err != nil {
			return fmt.Errorf("renaming %s to %s: %w", moves[0].From, moves[0].To, err)
		}
		for _, m := range moves {
			if !dryRun {
				if err := os.Rename(a.path(m.From), a.path(m.To)); err != nil {
					return fmt.Errorf("renaming %s: %w", m.From, err)
				}
			}
			list = append(list, m)
		}
	}
	if a.flags.json {
		return a.document(struct {
			Renamed []renaming `json:"renamed"`
		}{list})
	}
	for _, m := range list {
		a.result("%s -> %s", m.From, m.To)
	}
	if len(list) == 0 {
		a.say("nothing comes too late for %s", since)
	}
	return nil
}

// newNumber is the version in the name of a new file.
var newNumber = regexp.MustCompile(`[0-9]+`)

// overtaken are the branch's migrations from the first that comes too late on:
// those behind it may build upon it, and keep their place after it.
func (b *branch) overtaken() []*migrate.Migration {
	for i, m := range b.added {
		if slices.ContainsFunc(b.late, func(l lateMigration) bool { return l.migration == m }) {
			return b.added[i:]
		}
	}
	return nil
}

// moves pairs a migration's files with those that a new one would have.
func (a *app) moves(folder string, m *migrate.Migration, files []source.NewFile) ([]renaming, error) {
	old := map[migrate.Direction]*migrate.Script{migrate.Up: m.Up, migrate.Down: m.Down}
	if m.Down != nil && m.Down.File == m.Up.File {
		old[migrate.Down] = nil
	}
	var list []renaming
	for _, f := range files {
		script := old[fileDirection(f.Path)]
		if script == nil {
			continue
		}
		from := script.File
		if rel, err := filepath.Rel(a.shown(folder), from); err != nil || strings.HasPrefix(rel, "..") {
			return nil, fmt.Errorf("renaming %s: it is not below %s", from, a.shown(folder))
		}
		list = append(list, renaming{from, filepath.ToSlash(filepath.Join(filepath.Dir(from), filepath.Base(f.Path)))})
	}
	if len(list) == 0 {
		return nil, usagef("%s: files of the format %s cannot be renumbered", m.Up.File, m.Up.Format)
	}
	return list, nil
}
