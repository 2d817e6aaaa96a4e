package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

func convertCommand(a *app) *cobra.Command {
	var to, out string
	cmd := &cobra.Command{
		Use:   "convert",
		Short: "Rewrite a folder of another tool's migrations in kedge's own format",
		Long: `Writes the migrations into a folder of their own, named as golang-migrate names
them, with headers of kedge's in place of the other tool's annotations, and reads
them back: versions and SQL are the same, and databases that have them notice
nothing. The old folder stays as it is.`,
		Example: `  kedge convert --to kedge --source db/goose --out db/migrations`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to != "kedge" {
				return usagef("--to %s: expected kedge", to)
			}
			return a.convert(cmd.Context(), out)
		},
	}
	cmd.Flags().StringVar(&to, "to", "kedge", "the format to write: kedge")
	cmd.Flags().StringVar(&out, "out", "", "the folder to write (default: the old one's name with -kedge)")
	return cmd
}

func (a *app) convert(ctx context.Context, out string) error {
	project, err := a.loadProject()
	if err != nil {
		return err
	}
	folder, err := a.migrationsFolder(project)
	if err != nil {
		return err
	}
	if out = a.path(out); out == "" {
		out = filepath.Clean(folder) + "-kedge"
	}
	if !folderIsEmpty(out) {
		return refusef("%s is not empty", a.shown(out))
	}
	set, err := source.Load(ctx, source.Location{Path: folder, Shown: a.shown(folder)}, source.Options{Format: project.Format, Hooks: source.KeepHooks})
	if err != nil {
		return err
	}
	for _, w := range set.Warnings {
		a.warn("%v", w)
	}
	for _, m := range set.Migrations {
		if m.Up.Values != nil {
			a.warn("%s: the values of this moment stand in what was written", m.Up.File)
		}
	}
	files, err := source.Convert(set)
	if err != nil {
		return refusef("%v", err)
	}
	for _, f := range files {
		if err := writeNewFile(filepath.Join(out, filepath.FromSlash(f.Path)), f.Content); err != nil {
			return err
		}
	}
	again, err := source.Load(ctx, source.Location{Path: out, Shown: a.shown(out)}, source.Options{Format: "golang-migrate", Hooks: source.KeepHooks})
	if err == nil {
		err = equalSets(set, again)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("what was written is not the same: %w", err), os.RemoveAll(out))
	}
	if a.flags.json {
		names := make([]string, len(files))
		for i, f := range files {
			names[i] = f.Path
		}
		return a.document(struct {
			From   string   `json:"from"`
			Format string   `json:"format"`
			To     string   `json:"to"`
			Files  []string `json:"files"`
		}{a.shown(folder), set.Format, a.shown(out), names})
	}
	a.say("%s, %s: %s in %s", a.shown(folder), set.Format, count(len(set.Migrations), "migration"), a.shown(out))
	return nil
}

// equalSets tells how two sets of migrations differ.
func equalSets(a, b *source.Set) error {
	if len(a.Migrations) != len(b.Migrations) || len(a.Hooks) != len(b.Hooks) {
		return fmt.Errorf("there are %d migrations and were %d", len(b.Migrations), len(a.Migrations))
	}
	for i, m := range a.Migrations {
		o := b.Migrations[i]
		if m.Key() != o.Key() || m.Kind != o.Kind || (m.Down == nil) != (o.Down == nil) {
			return fmt.Errorf("%s became %s", m.Key(), o.Key())
		}
		if err := equalScripts(m.Up, o.Up); err != nil {
			return err
		}
		if m.Down != nil {
			if err := equalScripts(m.Down, o.Down); err != nil {
				return err
			}
		}
	}
	return nil
}

func equalScripts(a, b *migrate.Script) error {
	if a.Values != nil {
		return nil // the values were put in
	}
	was, err := a.Sum()
	if err != nil {
		return err
	}
	is, err := b.Sum()
	if err != nil {
		return err
	}
	if was.SQL != is.SQL || a.Header.Transaction != b.Header.Transaction {
		return fmt.Errorf("%s and %s hold different SQL", a.File, b.File)
	}
	return nil
}
