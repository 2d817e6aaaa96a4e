package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/drift"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/snapshot"
)

// driftFlags are the flags of drift.
type driftFlags struct {
	against  string
	fix      string
	name     string
	format   string
	severity string
	audit    string
	noOwner  bool
	noGrants bool
}

func driftCommand(a *app) *cobra.Command {
	var f driftFlags
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Show how the live database differs from what the migrations made",
		Long: `Compares the live schema with what is expected and says what has changed, how bad
it is and what SQL puts it right. Nothing is changed. Pending migrations are no
drift, and neither is kedge's own schema.

--against replay runs the applied migrations on a shadow of the same major
version; recorded takes the schema as the last run of kedge left it; a FILE is a
snapshot or anything that diff takes. The default is recorded where there is a
recording, else replay, and the report says which.

--fix revert prints the SQL that takes the database back to what is expected.
--fix adopt writes a migration that makes the live schema the expectation, and
records it as applied.

Ends with 0 when nothing drifted, 2 when something did, 1 when it could not tell.`,
		Example: `  kedge drift --env production
  kedge drift --env production --severity integrity --json
  kedge drift --fix revert > revert.sql`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.audit != "" {
				return a.auditDrift(cmd.Context(), f.audit)
			}
			return a.drift(cmd.Context(), &f)
		},
	}
	cmd.Flags().StringVar(&f.against, "against", "", "replay, recorded or a FILE")
	cmd.Flags().StringVar(&f.fix, "fix", "", "revert: print the SQL; adopt: write a migration and record it as applied")
	cmd.Flags().StringVar(&f.name, "name", "adopt_drift", "the name of the migration that --fix adopt writes")
	cmd.Flags().StringVar(&f.format, "format", "text", strings.Join(driftFormatNames(), ", "))
	cmd.Flags().StringVar(&f.severity, "severity", "", "from which severity drift counts: security, integrity, structure, performance, cosmetic (default all)")
	cmd.Flags().StringVar(&f.audit, "audit", "", "install or remove the ledger of DDL statements outside of kedge")
	cmd.Flags().BoolVar(&f.noOwner, "no-owner", false, "leave owners out")
	cmd.Flags().BoolVar(&f.noGrants, "no-grants", false, "leave grants out")
	return cmd
}

func (f *driftFlags) check() error {
	if f.severity != "" && !slices.Contains(drift.Severities, drift.Severity(f.severity)) {
		return usagef("--severity %s: expected security, integrity, structure, performance or cosmetic", f.severity)
	}
	if f.fix != "" && f.fix != "revert" && f.fix != "adopt" {
		return usagef("--fix %s: expected revert or adopt", f.fix)
	}
	if !slices.Contains(driftFormatNames(), f.format) {
		return usagef("--format %s: expected one of %s", f.format, strings.Join(driftFormatNames(), ", "))
	}
	return nil
}

// expectation is what a live database is compared with.
type expectation struct {
	model   *schema.Model
	against string
	version migrate.Version
	edited  *schema.Model // what was recorded when the files ran, where the model is what they build today
}

func (a *app) drift(ctx context.Context, f *driftFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	l, e, err := t.sides(ctx, f.against)
	if err != nil {
		return err
	}
	options := drift.Options{Rules: t.driftRules()}
	if f.noOwner {
		options.Without |= schema.WithoutOwners
	}
	if f.noGrants {
		options.Without |= schema.WithoutGrants
	}
	report, err := drift.Compare(e.model, l.model, options)
	if err != nil {
		return err
	}
	report.Against, report.ExpectedVersion = e.against, e.version
	settled := make([]drift.Change, 0, len(report.Ignored)) // what --fix leaves as it is
	for _, i := range report.Ignored {
		settled = append(settled, i.Change)
	}
	if f.severity != "" {
		for _, c := range report.Changes {
			if !c.Severity.AtLeast(drift.Severity(f.severity)) {
				settled = append(settled, c)
			}
		}
		report.Changes = slices.DeleteFunc(report.Changes, func(c drift.Change) bool { return !c.Severity.AtLeast(drift.Severity(f.severity)) })
		report.Drifted = len(report.Changes) > 0
	}
	if e.edited != nil {
		edited, err := drift.Compare(e.edited, e.model, options)
		if err != nil {
			return err
		}
		report.EditedFiles = edited.Changes
	}
	if err := t.trace(ctx, report); err != nil {
		return err
	}
	if f.fix != "" {
		expected, err := drift.Accept(e.model, l.model, settled)
		if err != nil {
			return fmt.Errorf("leaving out what is excused: %w", err)
		}
		return a.fixDrift(ctx, t, f, expected, l)
	}
	if err := a.showDrift(report, t.name(), f.format); err != nil {
		return err
	}
	return found(report.Drifted)
}

// driftRules are the environment's exceptions.
func (t *target) driftRules() []drift.Rule {
	var rules []drift.Rule
	for _, i := range t.env.Drift.Ignore {
		rules = append(rules, drift.Rule{
			Kind: i.Kind, Name: i.Name, Schema: i.Schema, Owner: i.Owner, Extension: i.Extension, Property: i.Property,
			Reason: i.Reason, Until: i.Until, File: t.app.shown(i.File), Line: i.Line,
		})
	}
	return rules
}

// sides reads the live schema and what it should be, at the same time where a
// recording can say that.
func (t *target) sides(ctx context.Context, against string) (*live, *expectation, error) {
	if err := t.configure(ctx); err != nil {
		return nil, nil, err
	}
	var l *live
	var e *expectation
	group, both := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		l, err = t.live(both)
		return err
	})
	if against == "" || against == "recorded" {
		group.Go(func() (err error) {
			e, err = t.expectRecorded(both)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	if e != nil {
		return l, e, nil
	}
	if against == "recorded" {
		return nil, nil, fmt.Errorf("nothing is recorded for the state that the database is in: kedge up records it, or use --against replay")
	}
	e, err := t.expect(ctx, against, l.like)
	if err != nil {
		return nil, nil, fmt.Errorf("working out what is expected: %w", err)
	}
	return l, e, nil
}

// expect works out what the database should be, by a replay or from a state.
func (t *target) expect(ctx context.Context, against string, like likeness) (*expectation, error) {
	if against == "" || against == "replay" {
		return t.expectReplay(ctx, like)
	}
	if isLive(against) {
		l, err := t.app.liveModel(ctx, against)
		if err != nil {
			return nil, err
		}
		return &expectation{model: l.model, against: redact(against)}, nil
	}
	m, err := t.app.keptModel(ctx, against, like)
	if err != nil {
		return nil, err
	}
	return &expectation{model: m, against: describeState(against)}, nil
}

// expectRecorded is the schema as the last run left it; nil when there is none
// for the state that the history is in now.
func (t *target) expectRecorded(ctx context.Context) (*expectation, error) {
	entries, err := apply.History(ctx, t.connect, t.options())
	if err != nil {
		return nil, err
	}
	recording, err := t.recorded(ctx, migrate.Fold(entries))
	if err != nil || recording == nil {
		return nil, err
	}
	return &expectation{model: recording.Model, against: "recorded", version: recording.Version}, nil
}

// recorded is the newest recording, nil when it is of another state of the history.
func (t *target) recorded(ctx context.Context, history migrate.History) (*drift.Recording, error) {
	conn, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	recording, err := drift.Recorded(ctx, conn, t.project.HistorySchema)
	if err != nil || recording == nil {
		return nil, err
	}
	if recording.Basis != history.Digest() {
		t.app.detail("the recorded schema is of another state of the history (at %s)", orNothingApplied(recording.Version))
		return nil, nil
	}
	return recording, nil
}

// expectReplay runs the applied migrations, and no others, on a shadow.
func (t *target) expectReplay(ctx context.Context, like likeness) (*expectation, error) {
	set, err := t.migrations(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := apply.History(ctx, t.connect, t.options())
	if err != nil {
		return nil, err
	}
	history := migrate.Fold(entries)
	applied, err := t.applied(set, history)
	if err != nil {
		return nil, err
	}
	m, err := t.replayed(ctx, &source.Set{Migrations: applied, Hooks: set.Hooks}, like)
	if err != nil {
		return nil, err
	}
	e := &expectation{model: m, against: "replay", version: history.Current()}
	recording, err := t.recorded(ctx, history)
	if err == nil && recording != nil {
		e.edited = recording.Model
	}
	return e, err
}

// replayed is the model that applied migrations build, from the cache where the
// same ones were replayed before.
func (t *target) replayed(ctx context.Context, applied *source.Set, like likeness) (*schema.Model, error) {
	kept := t.keptReplay(applied, like)
	if kept != "" {
		if m, err := snapshotModel(kept); err == nil {
			t.app.detail("the replay is known: %s", kept)
			return m, nil
		}
	}
	s, err := t.app.shadow(ctx, like)
	if err != nil {
		return nil, fmt.Errorf("a shadow of PostgreSQL %d is needed: %w", like.major, err)
	}
	database, err := s.create(ctx)
	if err != nil {
		return nil, err
	}
	options := t.shadowOptions()
	options.Hooks = applied.Hooks
	if err := s.run(ctx, database, applied.Migrations, migrate.Request{Environment: t.env.Name}, options); err != nil {
		return nil, fmt.Errorf("replaying the applied migrations on a shadow: %w", err)
	}
	m, err := s.model(ctx, database, t.project.HistorySchema)
	if err != nil {
		return nil, err
	}
	if text, err := snapshot.JSON(m); err == nil && kept != "" {
		if err := keepFile(kept, text); err != nil {
			t.app.detail("the replay could not be kept: %v", err)
		}
	}
	return m, nil
}

// keptReplay is the file that a replay is kept in, by all that shapes it. A
// build without a version keeps none: it may read catalogs in another way than
// the one before it.
func (t *target) keptReplay(applied *source.Set, like likeness) string {
	if versionText() == undated {
		return ""
	}
	o := t.shadowOptions()
	about := fmt.Sprintf("%s|%d|%s|%s|%s|%s|%s|%v|%s", versionText(), like.major, like.user, like.owner, like.roles, o.Role, o.SearchPath, o.Settings, fingerprint(applied, t.env.Name))
	sum := sha256.Sum256([]byte(about))
	return filepath.Join(t.app.cacheFolder(), "replays", hex.EncodeToString(sum[:16])+".json")
}

// keepFile writes a file of the cache, whole or not at all.
func keepFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	part := fmt.Sprintf("%s.%d.part", path, os.Getpid())
	if err := os.WriteFile(part, text, 0o600); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// applied are the migrations that the database has. One whose file is gone
// cannot be replayed.
func (t *target) applied(set *source.Set, history migrate.History) ([]*migrate.Migration, error) {
	var list []*migrate.Migration
	for _, s := range migrate.States(set.Migrations, history, t.env.Name) {
		switch s.State {
		case migrate.StateMissing:
			return nil, refusef("%s was applied and its file is gone: put it back, or compare with --against recorded or a FILE", s.Version)
		case migrate.StateInterrupted:
			return nil, refusef("%s was interrupted: finish it with kedge up, or decide with kedge resolve", s.Version)
		case migrate.StateApplied, migrate.StateChanged, migrate.StateOutdated, migrate.StateBaseline:
			if s.Migration == nil {
				continue
			}
			if s.State == migrate.StateOutdated && s.Record != nil && s.Migration.Up.Checksum.Text != s.Record.Checksum.Text {
				t.app.warn("%s has changed since it was applied: the replay runs it as it is now, so that what it will change shows as drift", s.Migration.Up.File)
			}
			list = append(list, s.Migration)
		}
	}
	return list, nil
}

// trace names, where it is known, the statement that made each change.
func (t *target) trace(ctx context.Context, report *drift.Report) error {
	if len(report.Changes) == 0 {
		return nil
	}
	if set, err := t.migrations(ctx); err == nil {
		report.Origins(set.Migrations)
	}
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	ledger, err := drift.Audited(ctx, conn, t.project.HistorySchema, time.Time{})
	if errors.Is(err, drift.ErrAuditDenied) {
		t.app.warn("%v: the report cannot name who made the changes", err)
		return nil
	}
	if err != nil {
		return err
	}
	report.Attribute(ledger)
	return nil
}

// fixDrift prints the way back, or makes the live schema the expectation.
func (a *app) fixDrift(ctx context.Context, t *target, f *driftFlags, expected *schema.Model, l *live) error {
	flags := &diffFlags{noOwner: f.noOwner, noGrants: f.noGrants}
	back, err := a.way(ctx, l.model, expected, l.like, flags)
	if err != nil {
		return err
	}
	if f.fix == "revert" {
		if a.flags.json {
			return a.document(back.document())
		}
		return back.script(a.out, fmt.Sprintf("takes %s back to what is expected", t.name()))
	}
	if len(back.statements) == 0 {
		a.say("%s: nothing has drifted", t.name())
		return nil
	}
	there, err := a.way(ctx, expected, l.model, l.like, flags)
	if err != nil {
		return err
	}
	draft := source.Draft{Name: f.name, Now: time.Now().UTC()}
	if err := a.newMigration(draft, contents{migrate.Up: there.migration(), migrate.Down: back.migration()}); err != nil {
		return err
	}
	return t.adoptNewest(ctx, f.name)
}

// adoptNewest records the migration that was just written as applied: the
// database has what it makes.
func (t *target) adoptNewest(ctx context.Context, name string) error {
	t.set = nil
	set, err := t.migrations(ctx)
	if err != nil {
		return err
	}
	entries, err := apply.History(ctx, t.connect, t.options())
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(migrate.States(set.Migrations, migrate.Fold(entries), t.env.Name)) {
		if s.State == migrate.StatePending && s.Name == name {
			options := t.options()
			options.Reason = "drift adopted"
			if err := apply.Adopt(ctx, t.connect, []*migrate.Migration{s.Migration}, options); err != nil {
				return err
			}
			t.app.say("%s: %s %s recorded as applied", t.name(), s.Version, s.Name)
			if entries, err = apply.History(ctx, t.connect, t.options()); err != nil {
				return err
			}
			return t.record(ctx, migrate.Fold(entries))
		}
	}
	return fmt.Errorf("recording %s as applied: it is not among the pending migrations", name)
}

// record keeps the schema as it is now, for drift: what a run left.
func (t *target) record(ctx context.Context, history migrate.History) error {
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	like, err := likenessOf(ctx, conn)
	if err != nil {
		return err
	}
	m, err := readModel(ctx, conn, t.project.HistorySchema, t.connect)
	if err != nil {
		return err
	}
	m.Identity = like.identity
	return drift.Record(ctx, conn, t.project.HistorySchema, drift.Recording{Version: history.Current(), Basis: history.Digest(), Model: m})
}

func (a *app) auditDrift(ctx context.Context, what string) error {
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	switch what {
	case "install":
		err = drift.InstallAudit(ctx, conn, t.project.HistorySchema)
	case "remove":
		err = drift.RemoveAudit(ctx, conn, t.project.HistorySchema)
	default:
		return usagef("--audit %s: expected install or remove", what)
	}
	if err != nil {
		return err
	}
	a.say("%s: audit of DDL statements: %s", t.name(), map[string]string{"install": "installed", "remove": "removed"}[what])
	return nil
}
