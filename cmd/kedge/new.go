package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

func newCommand(a *app) *cobra.Command {
	var repeatable, oneWay, stamp, sequential bool
	var sql string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write the next migration's files, in the project's naming format",
		Example: `  kedge new add_orders_status_index
  kedge new --repeatable order_totals_view
  kedge diff --from migrations --to schema.sql | kedge new --sql - add_invoices`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if name := strings.Join(args, "_"); !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
				return usagef("%q is no name for a migration: it needs letters or digits", name)
			}
			draft := source.Draft{Name: strings.Join(args, "_"), Now: time.Now().UTC(), OneWay: oneWay}
			if repeatable {
				draft.Kind = migrate.Repeatable
			}
			switch {
			case stamp:
				draft.Scheme = source.Timestamp
			case sequential:
				draft.Scheme = source.Sequential
			}
			texts, err := a.givenSQL(sql)
			if err != nil {
				return err
			}
			return a.newMigration(draft, texts)
		},
	}
	cmd.Flags().BoolVar(&repeatable, "repeatable", false, "a repeatable migration: run again whenever it changes")
	cmd.Flags().BoolVar(&oneWay, "one-way", false, "without a down script")
	cmd.Flags().BoolVar(&stamp, "timestamp", false, "number it by the time, whatever the folder uses")
	cmd.Flags().BoolVar(&sequential, "sequential", false, "number it after the last one, whatever the folder uses")
	cmd.Flags().StringVar(&sql, "sql", "", "take the up script from this file; - is standard input")
	cmd.MarkFlagsMutuallyExclusive("timestamp", "sequential")
	return cmd
}

// givenSQL is the up script that --sql names.
func (a *app) givenSQL(file string) (contents, error) {
	var text []byte
	var err error
	switch file {
	case "":
		return nil, nil
	case "-":
		text, err = io.ReadAll(a.in)
	default:
		text, err = os.ReadFile(a.path(file))
	}
	if err != nil {
		return nil, usagef("reading the up script: %v", err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, usagef("reading the up script: %s is empty", file)
	}
	return contents{migrate.Up: string(text)}, nil
}

// contents are the texts of a new migration's files, by direction; a direction
// that is not there keeps the template.
type contents map[migrate.Direction]string

// newMigration writes the files of a new migration and prints their paths.
func (a *app) newMigration(draft source.Draft, texts contents) error {
	project, err := a.loadProject()
	if err != nil {
		return err
	}
	folder, err := a.migrationsFolder(project)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the migrations folder: %w", err)
	}
	files, err := source.New(source.Location{Path: folder, Shown: a.shown(folder)}, project.Format, draft)
	if err != nil {
		return err
	}
	var written []string
	for _, f := range files {
		path := filepath.Join(folder, filepath.FromSlash(f.Path))
		text := f.Content
		if t, ok := texts[fileDirection(f.Path)]; ok {
			text = t
		}
		write := writeNewFile
		if f.Replaces {
			write = replaceFile
		}
		if err := write(path, text); err != nil {
			return err
		}
		written = append(written, a.shown(path))
	}
	if a.flags.json {
		return a.document(struct {
			Files []string `json:"files"`
		}{written})
	}
	for _, path := range written {
		a.result("%s", path)
	}
	return nil
}

// writeNewFile writes a file that must not be there yet.
func writeNewFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return refusef("%s is already there", path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = out.WriteString(text)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// replaceFile writes a list that a format keeps beside its migrations.
func replaceFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// fileDirection tells an up script's file from a down script's.
func fileDirection(path string) migrate.Direction {
	base := strings.ToLower(filepath.Base(path))
	if strings.HasSuffix(base, ".down.sql") || strings.HasPrefix(base, "u") && strings.Contains(base, "__") || base == "down.sql" {
		return migrate.Down
	}
	return migrate.Up
}
