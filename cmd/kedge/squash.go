package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/snapshot"
)

// squashFlags are the flags of kedge squash.
type squashFlags struct {
	to      string
	name    string
	archive string
	dryRun  bool
}

func squashCommand(a *app) *cobra.Command {
	var f squashFlags
	cmd := &cobra.Command{
		Use:   "squash --to V",
		Short: "Replace old migrations by one baseline, and prove that it is the same",
		Long: `Replays the migrations up to a version on a shadow, writes what they make as one
baseline, rows included, and replays the new set: only when both sets build the
same schema with the same rows are the old files taken away. Databases past that
version notice nothing; fresh ones start from the baseline.`,
		Example: `  kedge squash --to 20250101000000 --archive db/old`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			version, err := migrate.ParseVersion(f.to)
			if err != nil {
				return usagef("--to: %v", err)
			}
			return a.squash(cmd.Context(), version, &f)
		},
	}
	cmd.Flags().StringVar(&f.to, "to", "", "the last version that the baseline stands for")
	cmd.Flags().StringVar(&f.name, "name", "squashed", "the baseline's name")
	cmd.Flags().StringVar(&f.archive, "archive", "", "move the old files into this folder (default: remove them)")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "prove it, print the baseline and change nothing")
	_ = cmd.MarkFlagRequired("to") // the flag is there
	return cmd
}

// squashable are the formats in which a migration can be taken away by taking away its files.
var squashable = []string{"golang-migrate", "flyway", "goose", "dbmate", "sqlx", "diesel", "prisma"}

func (a *app) squash(ctx context.Context, to migrate.Version, f *squashFlags) error {
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	folder, err := a.migrationsFolder(t.project)
	if err != nil {
		return err
	}
	set, err := t.migrations(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(squashable, set.Format) {
		return refusef("%s keeps a list of its migrations beside them: kedge convert comes first", set.Format)
	}
	var old, rest []*migrate.Migration
	there := false
	for _, m := range set.Migrations {
		there = there || m.Kind == migrate.Versioned && m.Version == to
		if m.Kind != migrate.Repeatable && m.Version.Compare(to) <= 0 {
			old = append(old, m)
		} else {
			rest = append(rest, m)
		}
	}
	if !there {
		return usagef("--to %s: there is no such version", to)
	}
	text, err := a.baselineOf(ctx, t, set, to, old)
	if err != nil {
		return err
	}
	name := source.BaselineFile(to, f.name)
	script := scriptOf(name, text)
	fresh := append([]*migrate.Migration{{Version: to, Name: f.name, Kind: migrate.Baseline, Up: script}}, rest...)
	a.say("proving that both sets build the same database")
	if err := a.proveSame(ctx, t, set, fresh); err != nil {
		return err
	}
	if f.dryRun {
		a.result("%s", strings.TrimRight(text, "\n"))
		return nil
	}
	yes, err := a.confirm("Replace %s by %s?", count(len(old), "migration"), name)
	if err != nil {
		return err
	}
	if !yes {
		return refusef("nothing was changed")
	}
	path := filepath.Join(folder, name)
	for _, m := range old { // a baseline of the same version and name is replaced
		if m.Kind == migrate.Baseline && filepath.Base(m.Up.File) == name {
			return refusef("%s is already there: give the new one another --name", m.Up.File)
		}
	}
	if err := writeNewFile(path, text); err != nil {
		return err
	}
	if err := a.takeAway(folder, old, a.path(f.archive)); err != nil {
		return err
	}
	if a.flags.json {
		return a.document(struct {
			Baseline string `json:"baseline"`
			Replaced int    `json:"replaced"`
		}{a.shown(path), len(old)})
	}
	a.say("%s stands for %s", a.shown(path), count(len(old), "migration"))
	return nil
}

// scriptOf is a text as a script.
func scriptOf(name, text string) *migrate.Script {
	return &migrate.Script{File: name, Text: text, Size: int64(len(text)), Checksum: migrate.Checksum{Text: migrate.TextChecksum([]byte(text))}}
}

// build runs migrations on a new shadow database.
func (a *app) build(ctx context.Context, t *target, migrations []*migrate.Migration, hooks []source.Hook, request migrate.Request) (*shadow, string, error) {
	s, err := a.shadow(ctx, likeness{})
	if err != nil {
		return nil, "", err
	}
	database, err := s.create(ctx)
	if err != nil {
		return nil, "", err
	}
	request.Environment = t.env.Name
	options := t.shadowOptions()
	options.Hooks = hooks
	if err := s.run(ctx, database, migrations, request, options); err != nil {
		return nil, "", fmt.Errorf("replaying on a shadow: %w", err)
	}
	return s, database, nil
}

// baselineOf is the SQL of what migrations make, with their rows.
func (a *app) baselineOf(ctx context.Context, t *target, set *source.Set, to migrate.Version, old []*migrate.Migration) (string, error) {
	s, database, err := a.build(ctx, t, old, set.Hooks, migrate.Request{To: &to})
	if err != nil {
		return "", err
	}
	m, err := s.model(ctx, database, t.project.HistorySchema)
	if err != nil {
		return "", err
	}
	text, err := snapshot.SQL(m, snapshot.Options{})
	if err != nil {
		return "", err
	}
	conn, err := s.connect(ctx, database, s.like.user)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := rowsSQL(ctx, conn, t.project.HistorySchema)
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("-- Stands for %s up to %s.\n\n", count(len(old), "migration"), to)
	if text == "" && rows == "" {
		return head, nil
	}
	return head + text + rows, nil
}

// proveSame builds the databases of both sets and compares schema and rows.
func (a *app) proveSame(ctx context.Context, t *target, set *source.Set, fresh []*migrate.Migration) error {
	var models [2]*schema.Model
	var digests [2]map[string]string
	for i, migrations := range [][]*migrate.Migration{set.Migrations, fresh} {
		s, database, err := a.build(ctx, t, migrations, set.Hooks, migrate.Request{})
		if err != nil {
			return err
		}
		if models[i], err = s.model(ctx, database, t.project.HistorySchema); err != nil {
			return err
		}
		conn, err := s.connect(ctx, database, s.like.user)
		if err != nil {
			return err
		}
		digests[i], err = rowDigests(ctx, conn, t.project.HistorySchema)
		if err = errors.Join(err, conn.Close(ctx)); err != nil {
			return err
		}
	}
	if list := schema.Differences(models[0], models[1], schema.Options{}); len(list) > 0 {
		return refusef("the baseline does not build the same schema; nothing was changed:%s", listChanges(list))
	}
	for table, sum := range digests[0] {
		if digests[1][table] != sum {
			return refusef("the rows of %s depend on more than its own values (a time, a random number); nothing was changed", table)
		}
	}
	return nil
}

func listChanges(list []schema.ObjectChange) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "\n  %v %v", c.Operation, c.Object)
	}
	return b.String()
}

// takeAway moves the files of migrations into a folder, or removes them.
func (a *app) takeAway(folder string, old []*migrate.Migration, archive string) error {
	seen := map[string]bool{}
	for _, m := range old {
		for _, s := range []*migrate.Script{m.Up, m.Down} {
			if s == nil || seen[s.File] {
				continue
			}
			seen[s.File] = true
			rel := strings.TrimPrefix(strings.TrimPrefix(s.File, a.shown(folder)), "/")
			for _, name := range []string{rel, rel + ".conf", filepath.Join(filepath.Dir(rel), "metadata.toml")} {
				if err := takeFile(folder, filepath.FromSlash(name), archive); err != nil {
					return err
				}
			}
			if dir := filepath.Join(folder, filepath.Dir(filepath.FromSlash(rel))); dir != filepath.Clean(folder) {
				_ = os.Remove(dir) // a folder that holds more stays
			}
		}
	}
	return nil
}

func takeFile(folder, name, archive string) error {
	path := filepath.Join(folder, name)
	if !exists(path) {
		return nil
	}
	if archive == "" {
		return os.Remove(path)
	}
	to := filepath.Join(archive, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Rename(path, to)
}
