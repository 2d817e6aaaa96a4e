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
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/migrate/verify"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/snapshot"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	since   string
	changed bool
	format  string
}

func verifyCommand(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Replay every migration on a shadow: up, down, up again; the snapshot fresh",
		Long: `Replays the whole set on a throw-away PostgreSQL: each migration up, down and up
again, comparing the schema each time; repeatable ones twice; the placeholders of
each environment in turn; the result against the kept snapshot.

--since REF looks at the branch as well: versions that REF has got in the
meantime, numbers that come too late. --changed makes round trips only of what
the branch adds. Ends with 2 when there is something to look at.`,
		Example: `  kedge verify
  kedge verify --since origin/main --changed`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verify(cmd.Context(), &f)
		},
	}
	cmd.Flags().StringVar(&f.since, "since", "", "compare with this git revision, mostly the branch to merge into")
	cmd.Flags().BoolVar(&f.changed, "changed", false, "make round trips only of migrations that are new since --since (default: HEAD)")
	cmd.Flags().StringVar(&f.format, "format", "text", strings.Join(finding.FormatNames(), ", "))
	return cmd
}

// stage is a shadow database that verify plays on.
type stage struct {
	*shadow
	target   *target
	database string
}

func (s *stage) Run(ctx context.Context, migrations []*migrate.Migration, request migrate.Request) error {
	return s.shadow.run(ctx, s.database, migrations, request, s.target.shadowOptions())
}

func (s *stage) Model(ctx context.Context) (*schema.Model, error) {
	return s.shadow.model(ctx, s.database, s.target.project.HistorySchema)
}

func (a *app) verify(ctx context.Context, f *verifyFlags) error {
	if !slices.Contains(finding.FormatNames(), f.format) {
		return usagef("--format %s: expected one of %s", f.format, strings.Join(finding.FormatNames(), ", "))
	}
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	list, only, err := a.branch(ctx, t, f)
	if err != nil {
		return err
	}
	replayed, err := a.verifyEnvironments(ctx, t, only)
	if err != nil {
		return err
	}
	return a.showFindings(append(list, replayed...), f.format, verify.Explain)
}

// verifyEnvironments replays the set as each environment has it. Environments
// whose scripts come out the same are replayed once.
func (a *app) verifyEnvironments(ctx context.Context, t *target, only func(*migrate.Migration) bool) ([]finding.Finding, error) {
	names, err := t.project.EnvironmentNames()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		names = []string{t.env.Name}
	}
	var list []finding.Finding
	seen := map[string]string{}
	for _, name := range names {
		one := &target{app: a, project: t.project, env: t.env}
		if name != t.env.Name {
			if one.env, err = t.project.Named(name); err != nil {
				return nil, err
			}
		}
		set, err := one.migrations(ctx)
		if problems := (source.Problems)(nil); name != t.env.Name && errors.As(err, &problems) {
			list = append(list, unusable(name, problems)...)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("environment %s: %w", one.name(), err)
		}
		key := fingerprint(set, one.env.Name)
		if same, ok := seen[key]; ok {
			a.detail("%s: the same as %s", one.name(), same)
			continue
		}
		seen[key] = one.name()
		a.detail("%s: %s", one.name(), count(len(set.Migrations), "migration"))
		found, m, err := a.replayOn(ctx, one, set, only)
		if err != nil {
			return nil, fmt.Errorf("environment %s: %w", one.name(), err)
		}
		for _, f := range found {
			if !slices.ContainsFunc(list, func(g finding.Finding) bool { return f.Rule == g.Rule && f.File == g.File && f.Line == g.Line }) {
				list = append(list, f)
			}
		}
		if m == nil || name != t.env.Name {
			continue
		}
		if len(set.Hooks) > 0 && t.project.Snapshot != "" { // round trips go without hooks, which no down script takes back
			if m, err = one.replayed(ctx, set, likeness{}); err != nil {
				return nil, err
			}
		}
		stale, err := t.snapshotFindings(m)
		if err != nil {
			return nil, err
		}
		list = append(list, stale...)
	}
	return list, nil
}

// unusable are the findings of an environment that the migrations cannot be read
// for: a placeholder that it does not define, mostly.
func unusable(environment string, problems source.Problems) []finding.Finding {
	var list []finding.Finding
	for _, p := range problems {
		line, column := max(p.Line, 1), max(p.Column, 1)
		list = append(list, finding.Finding{
			Rule: verify.RuleUnusable, Severity: finding.Error, File: p.File, Line: line, Column: column, EndLine: line,
			Message: fmt.Sprintf("environment %s cannot use it: %s", environment, p.Message),
		})
	}
	return list
}

func (a *app) replayOn(ctx context.Context, t *target, set *source.Set, only func(*migrate.Migration) bool) ([]finding.Finding, *schema.Model, error) {
	s, err := a.shadow(ctx, likeness{})
	if err != nil {
		return nil, nil, err
	}
	database, err := s.create(ctx)
	if err != nil {
		return nil, nil, err
	}
	return verify.Replay(ctx, &stage{s, t, database}, set.Migrations, verify.Options{Environment: t.env.Name, Only: only})
}

// fingerprint identifies what would run for an environment.
func fingerprint(set *source.Set, environment string) string {
	var b strings.Builder
	for _, h := range set.Hooks {
		fmt.Fprintf(&b, "%s %s %v\n", h.Event, h.Script.Checksum.Text, h.Script.Values)
	}
	for _, m := range set.Migrations {
		if e := m.Header.Environments; len(e) > 0 && !slices.Contains(e, environment) {
			continue
		}
		for _, s := range []*migrate.Script{m.Up, m.Down} {
			if s != nil {
				fmt.Fprintf(&b, "%s %s %v\n", m.Key(), s.Checksum.Text, s.Values)
			}
		}
	}
	return b.String()
}

// snapshotFindings says whether the kept snapshot is what the migrations build.
func (t *target) snapshotFindings(m *schema.Model) ([]finding.Finding, error) {
	out := t.project.Snapshot
	if out == "" {
		return nil, nil
	}
	f := &snapshotFlags{}
	format, err := f.chosen(out)
	if err != nil {
		return nil, err
	}
	files, err := format.files(m, snapshot.Options{}, out)
	if err != nil {
		return nil, err
	}
	kept, err := keptFiles(out, format)
	if err != nil {
		return nil, err
	}
	old := map[string]string{}
	for _, k := range kept {
		old[k.Path] = k.Text
	}
	var stale []string
	for _, n := range files {
		if old[n.Path] != n.Text {
			stale = append(stale, n.Path)
		}
		delete(old, n.Path)
	}
	for path := range old {
		stale = append(stale, path)
	}
	if len(stale) == 0 {
		return nil, nil
	}
	slices.Sort(stale)
	return []finding.Finding{{
		Rule: "snapshot-stale", Severity: finding.Error, File: t.app.shown(out), Line: 1, Column: 1, EndLine: 1,
		Message: "the kept snapshot is not what the migrations build: " + strings.Join(stale, ", "), Fix: "kedge snapshot --from migrations --out " + t.app.shown(out),
	}}, nil
}

// branch looks at what a branch adds: versions that are taken or come too late.
// only accepts what is new, where --changed asks for it.
func (a *app) branch(ctx context.Context, t *target, f *verifyFlags) ([]finding.Finding, func(*migrate.Migration) bool, error) {
	if f.since == "" && !f.changed {
		return nil, nil, nil
	}
	ref := f.since
	if ref == "" {
		ref = "HEAD"
	}
	b, err := a.branchOf(ctx, t, ref)
	if err != nil {
		return nil, nil, err
	}
	var list []finding.Finding
	for _, l := range b.late {
		list = append(list, finding.Finding{
			Rule: l.rule, Severity: finding.Error, File: l.migration.Up.File, Line: 1, Column: 1, EndLine: 1,
			Message: l.message, Fix: "kedge renumber --since " + ref,
		})
	}
	if !f.changed {
		return list, nil, nil
	}
	return list, func(m *migrate.Migration) bool { return b.fresh[m.Key()] }, nil
}

// lateMigration is a migration of a branch that cannot be merged as it is.
type lateMigration struct {
	migration     *migrate.Migration
	rule, message string
}

// branch is what a branch's migrations are beside those of a revision.
type branch struct {
	late    []lateMigration
	added   []*migrate.Migration // versioned, in order: those that are new
	fresh   map[string]bool      // keys of those that are new or changed since the branch left the revision
	highest migrate.Version      // that the revision has
}

// branchOf compares the migrations with those of a revision.
func (a *app) branchOf(ctx context.Context, t *target, ref string) (*branch, error) {
	folder, err := a.migrationsFolder(t.project)
	if err != nil {
		return nil, err
	}
	ours, err := t.migrations(ctx)
	if err != nil {
		return nil, err
	}
	theirs, err := a.migrationsAt(ctx, t, folder, ref)
	if err != nil {
		return nil, err
	}
	base := theirs
	if text, err := a.git(ctx, folder, "merge-base", ref, "HEAD"); err == nil {
		if base, err = a.migrationsAt(ctx, t, folder, strings.TrimSpace(text)); err != nil {
			return nil, err
		}
	}
	was, there := map[string]*migrate.Migration{}, map[string]*migrate.Migration{}
	for _, m := range base {
		was[m.Key()] = m
	}
	b := &branch{fresh: map[string]bool{}}
	for _, m := range theirs {
		there[m.Key()] = m
		if m.Version.Compare(b.highest) > 0 {
			b.highest = m.Version
		}
	}
	for _, m := range ours.Migrations {
		old := was[m.Key()]
		if old != nil && sameScripts(old, m) {
			continue
		}
		b.fresh[m.Key()] = true
		if old != nil || m.Kind == migrate.Repeatable {
			continue
		}
		b.added = append(b.added, m)
		other := there[m.Key()]
		switch {
		case other != nil && !sameScripts(other, m):
			b.late = append(b.late, lateMigration{m, "version-taken", fmt.Sprintf("version %s is %s in %s", m.Version, other.Up.File, ref)})
		case other == nil && m.Version.Compare(b.highest) < 0:
			b.late = append(b.late, lateMigration{m, "version-late", fmt.Sprintf("version %s comes before %s, which %s has already: databases that are past it will refuse it", m.Version, b.highest, ref)})
		}
	}
	return b, nil
}

func sameScripts(a, b *migrate.Migration) bool {
	sum := func(s *migrate.Script) string {
		if s == nil {
			return ""
		}
		return s.Checksum.Text
	}
	return sum(a.Up) == sum(b.Up) && sum(a.Down) == sum(b.Down)
}

// migrationsAt reads the migrations as a commit has them; none when the folder
// was not there yet.
func (a *app) migrationsAt(ctx context.Context, t *target, folder, ref string) (list []*migrate.Migration, err error) {
	if text, err := a.git(ctx, folder, "ls-tree", ref, "."); err != nil || text == "" {
		if _, missing := a.git(ctx, folder, "rev-parse", "--verify", "--quiet", ref+"^{commit}"); missing != nil {
			return nil, usagef("--since %s: there is no such revision", ref)
		}
		return nil, nil
	}
	dir, err := a.filesAt(ctx, folder, ref)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	set, err := a.loadSource(ctx, t.project, t.env, source.Location{Path: dir, Shown: ref + ":" + filepath.ToSlash(a.shown(folder))}, nil)
	if err != nil {
		return nil, err
	}
	return set.Migrations, nil
}
