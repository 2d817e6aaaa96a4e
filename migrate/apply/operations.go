package apply

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

// Up applies everything that is pending in a source: the one call for a program
// that brings its migrations along.
//
//	//go:embed migrations
//	var migrations embed.FS
//	…
//	report, err := apply.Up(ctx, apply.Pool(pool), source.Location{FS: migrations, Path: "migrations"}, apply.Options{})
func Up(ctx context.Context, to Connector, from source.Location, o Options) (*Report, error) {
	set, err := source.Load(ctx, from, source.Options{Hooks: source.KeepHooks})
	if err != nil {
		return nil, err
	}
	o.Hooks = append(slices.Clone(o.Hooks), set.Hooks...)
	report, err := Run(ctx, to, set.Migrations, migrate.Request{Direction: migrate.Up}, o)
	if closing := set.Close(); err == nil {
		err = closing
	}
	return report, err
}

// ApplyPlan does exactly what a plan that was written down says, or refuses
// with migrate.ErrPlanStale, saying whether the database or the files have
// changed since.
func ApplyPlan(ctx context.Context, to Connector, migrations []*migrate.Migration, kept *migrate.Document, o Options) (*Report, error) {
	r := newRunner(to, migrations, o)
	defer r.close()
	now := r.request(kept.Request)
	return r.run(ctx, func(ctx context.Context) (*migrate.Plan, error) {
		p, err := now(ctx)
		if err != nil {
			return nil, err
		}
		return p, kept.Check(p)
	})
}

// History is every row of the history table, the oldest first. A database
// without one has an empty history.
func History(ctx context.Context, to Connector, o Options) ([]migrate.Entry, error) {
	r := newRunner(to, nil, o)
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	return r.sorted(), nil
}

func (r *runner) sorted() []migrate.Entry {
	slices.SortFunc(r.entries, func(a, b migrate.Entry) int { return int(a.ID - b.ID) })
	return r.entries
}

// StatusReport is where every migration stands in a database.
type StatusReport struct {
	Database      string           `json:"database"`
	ServerVersion int              `json:"server_version"` // as in server_version_num: 150018
	Current       migrate.Version  `json:"current"`
	Migrations    []migrate.Status `json:"migrations"`
	History       migrate.History  `json:"-"`
}

// Status says where every migration stands, for an environment.
func Status(ctx context.Context, to Connector, migrations []*migrate.Migration, environment string, o Options) (*StatusReport, error) {
	r := newRunner(to, migrations, o)
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	h := migrate.Fold(r.sorted())
	return &StatusReport{
		Database: r.facts.database, ServerVersion: r.facts.serverVersion, Current: h.Current(),
		Migrations: migrate.States(migrations, h, environment), History: h,
	}, nil
}

// write does something to the history under the run lock.
func write(ctx context.Context, to Connector, migrations []*migrate.Migration, o Options, what func(ctx context.Context, r *runner, h migrate.History) error) (*runner, error) {
	r := newRunner(to, migrations, o)
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return r, err
	}
	if r.facts.standby || r.facts.readOnly {
		return r, readOnly(r.facts)
	}
	if err := r.take(ctx); err != nil {
		return r, err
	}
	return r, what(ctx, r, migrate.Fold(r.sorted()))
}

// Baseline declares everything up to a version present in a database that was
// not built by its migrations. Nothing is run.
func Baseline(ctx context.Context, to Connector, migrations []*migrate.Migration, version migrate.Version, o Options) (*Report, error) {
	var from migrate.Version
	r, err := write(ctx, to, migrations, o, func(ctx context.Context, r *runner, h migrate.History) error {
		from = h.Current()
		for _, applied := range h.InOrder() {
			if applied.Entry.Kind != migrate.Repeatable {
				return &migrate.Refusal{
					Rule: migrate.ErrRequest, Detail: "the database has a history already: it is at " + h.Current().String(),
					Advice: "a baseline is for a database that has none",
				}
			}
		}
		e := migrate.Entry{Event: migrate.Baselined, Version: version, Kind: migrate.Baseline, Note: o.Reason}
		for _, m := range migrations {
			if m.Version == version && m.Kind != migrate.Repeatable && m.Up != nil {
				e.Name, e.File, e.Checksum = m.Name, m.Up.File, m.Up.Checksum
			}
		}
		return r.add(ctx, r.signed(e), scripts{})
	})
	if err != nil {
		return nil, describe(err, "recording the baseline")
	}
	return &Report{RunID: r.runID, From: from, To: version, Steps: []StepReport{}}, nil
}

// Adopt records migrations as applied that took effect by other means: another
// tool, or statements run by hand. Nothing is run.
func Adopt(ctx context.Context, to Connector, migrations []*migrate.Migration, o Options) error {
	list := make([]Adoption, len(migrations))
	for i, m := range migrations {
		list[i] = Adoption{Migration: m, Note: o.Reason}
	}
	return AdoptAll(ctx, to, list, nil, o)
}

// signed says of a row who wrote it.
func (r *runner) signed(e migrate.Entry) migrate.Entry {
	e.RunID, e.OSUser, e.Host, e.Commit, e.Tool, e.By = r.runID, r.o.OSUser, r.o.Host, r.o.Commit, r.o.Tool, r.facts.user
	return e
}

// RepairProposal is a difference between history and the files that a repair
// would accept.
type RepairProposal struct {
	Version migrate.Version  `json:"version"`
	Name    string           `json:"name"`
	Kind    migrate.Kind     `json:"kind"`
	State   migrate.State    `json:"state"` // changed or missing; applied where only comments or white space differ
	File    string           `json:"file"`
	Was     migrate.Checksum `json:"was"`               // what history accepted
	Now     migrate.Checksum `json:"now"`               // of the file; empty when it is missing
	WasSQL  string           `json:"was_sql,omitempty"` // the script that ran, where history kept it
	NowSQL  string           `json:"now_sql,omitempty"` // the file's
}

// key is the migration's.
func (p RepairProposal) key() string {
	return (&migrate.Migration{Version: p.Version, Name: p.Name, Kind: p.Kind}).Key()
}

// Repairs are the differences that Repair could accept: changed checksums, and
// applied migrations without a file. Keys (versions, R__name) narrow them down.
func Repairs(ctx context.Context, to Connector, migrations []*migrate.Migration, keys []string, o Options) ([]RepairProposal, error) {
	r := newRunner(to, migrations, o)
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	proposals, err := r.repairs(ctx)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return proposals, nil
	}
	var list []RepairProposal
	for _, key := range keys {
		if v, err := migrate.ParseVersion(key); err == nil {
			key = v.String()
		}
		n := slices.IndexFunc(proposals, func(p RepairProposal) bool { return p.key() == key })
		if n < 0 {
			return nil, &migrate.Refusal{Rule: migrate.ErrUnknownVersion, Detail: key + " needs no repair, or is not applied"}
		}
		list = append(list, proposals[n])
	}
	return list, nil
}

func (r *runner) repairs(ctx context.Context) ([]RepairProposal, error) {
	list := []RepairProposal{}
	for _, s := range migrate.States(r.migrations, migrate.Fold(r.sorted()), "") {
		if s.Record == nil || s.Kind == migrate.Repeatable && s.State != migrate.StateMissing {
			continue // a repeatable one that has changed is run again
		}
		p := RepairProposal{Version: s.Version, Name: s.Name, Kind: s.Kind, State: s.State, File: s.File, Was: s.Record.Checksum}
		if s.Migration != nil && s.Migration.Up != nil {
			p.Now = s.Migration.Up.Checksum
		}
		if s.State != migrate.StateMissing && (p.Was.Text == "" || p.Now.Text == "" || p.Was.Text == p.Now.Text) {
			continue
		}
		if s.State == migrate.StateMissing && s.Migration != nil {
			continue
		}
		var err error
		if p.WasSQL, err = r.store.keptUp(ctx, r.main, s.Record.Entry); err != nil {
			return nil, describe(err, "reading what ran from history")
		}
		if s.Migration != nil && s.Migration.Up != nil && s.Migration.Up.Size <= UpScriptLimit && s.Migration.Up.Run == nil {
			if p.NowSQL, err = readAll(s.Migration.Up); err != nil {
				return nil, err
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// keptUp reads the up script that history has for an applied migration; "" when it kept none.
func (s store) keptUp(ctx context.Context, w *wire, e migrate.Entry) (string, error) {
	r, err := w.exec(ctx, "BEGIN READ ONLY;\n"+s.asRole()+"SELECT up_script FROM "+s.table.String()+
		" WHERE version IS NOT DISTINCT FROM "+literal(string(e.Version))+" AND name IS NOT DISTINCT FROM "+literal(e.Name)+
		" AND up_script IS NOT NULL AND id <= "+strconv.FormatInt(e.ID, 10)+" ORDER BY id DESC LIMIT 1;\nCOMMIT")
	if err != nil {
		rollBack(ctx, w)
		return "", err
	}
	if len(r.rows) == 0 {
		return "", nil
	}
	return text(r.rows[0][0]), nil
}

// Repair accepts differences that Repairs showed: a changed checksum becomes
// the migration's, a missing migration is struck from the state (its rows
// stay). It refuses with migrate.ErrPlanStale when one is no longer as it was shown.
func Repair(ctx context.Context, to Connector, migrations []*migrate.Migration, accepted []RepairProposal, o Options) error {
	_, err := write(ctx, to, migrations, o, func(ctx context.Context, r *runner, _ migrate.History) error {
		now, err := r.repairs(ctx)
		if err != nil {
			return err
		}
		for _, p := range accepted {
			if !slices.Contains(now, p) {
				return &migrate.Refusal{
					Rule: migrate.ErrPlanStale, Items: []migrate.RefusedItem{{Key: p.key(), File: p.File}},
					Detail: "a difference is not as it was shown any more", Advice: "look at it again with kedge repair",
				}
			}
		}
		for _, p := range accepted {
			e := migrate.Entry{Event: migrate.Repaired, Version: p.Version, Name: p.Name, Kind: p.Kind, File: p.File, Checksum: p.Now, Note: o.Reason}
			if p.State == migrate.StateMissing {
				e.Event, e.Checksum = migrate.Forgotten, p.Was
			}
			if err := r.add(ctx, r.signed(e), scripts{}); err != nil {
				return err
			}
		}
		return nil
	})
	return describe(err, "repairing")
}

// Decision is what a person says of an interrupted migration.
type Decision string

// The decisions.
const (
	Resume Decision = "resume" // run the statement in doubt again, then the rest
	Done   Decision = "done"   // everything took effect
	Undone Decision = "undone" // nothing of it is left: it is as if it had not begun
)

// Resolve takes a decision on an interrupted migration, by its key (a version,
// or R__name), and returns what was known of it. Nothing is run.
func Resolve(ctx context.Context, to Connector, migrations []*migrate.Migration, key string, d Decision, o Options) (*migrate.Interrupted, error) {
	if v, err := migrate.ParseVersion(key); err == nil {
		key = v.String()
	}
	var found *migrate.Interrupted
	_, err := write(ctx, to, migrations, o, func(ctx context.Context, r *runner, h migrate.History) error {
		for _, i := range h.Interrupted() {
			if i.Entry.Key() == key {
				found = &i
			}
		}
		if found == nil {
			return &migrate.Refusal{Rule: migrate.ErrRequest, Detail: key + " is not interrupted", Advice: "kedge status shows what is"}
		}
		e := migrate.Entry{
			Event: migrate.Resolved, Direction: found.Direction, Version: found.Entry.Version, Name: found.Entry.Name, Kind: found.Entry.Kind,
			File: found.Entry.File, Checksum: found.Entry.Checksum, Statements: found.Statements, Note: string(d),
		}
		if o.Reason != "" {
			e.Note += ": " + o.Reason
		}
		switch d {
		case Resume:
			e.Statement = found.Done + 1
		case Done, Undone:
		default:
			return &migrate.Refusal{Rule: migrate.ErrRequest, Detail: fmt.Sprintf("decision %q: expected %s", string(d), strings.Join([]string{string(Resume), string(Done), string(Undone)}, ", "))}
		}
		return r.add(ctx, r.signed(e), scripts{})
	})
	return found, describe(err, "resolving %s", key)
}
