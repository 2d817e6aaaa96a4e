package adopt

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
)

// Files are the migrations that a tool's history is compared with. FS is the
// folder that they were read from, and Shown how their names begin.
type Files struct {
	Migrations []*migrate.Migration
	FS         fs.FS
	Shown      string
}

// Proposal is what would be recorded of a tool's history.
type Proposal struct {
	Tool     string    `json:"tool"`
	Table    string    `json:"table"`
	Records  []Record  `json:"records"`
	Refusals []Refusal `json:"refusals,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
}

// Record is a migration that would be recorded as applied.
type Record struct {
	Version   migrate.Version `json:"version"`
	Name      string          `json:"name"`
	Kind      migrate.Kind    `json:"kind"`
	File      string          `json:"file"`
	Checksum  Verdict         `json:"checksum"`
	AppliedAt string          `json:"applied_at,omitempty"`
	AppliedBy string          `json:"applied_by,omitempty"`
	Assumed   bool            `json:"assumed,omitempty"` // the tool keeps the highest version alone

	adoption apply.Adoption
}

// Verdict is what a comparison of checksums found.
type Verdict string

// The verdicts.
const (
	Matches    Verdict = "matches"
	Differs    Verdict = "differs"
	NotChecked Verdict = "not checked" // the tool keeps one whose algorithm kedge does not know
	NoChecksum Verdict = "none"        // the tool keeps none
)

// Refusal is a reason not to take over a history. Hazard is what --allow has to
// name to do it all the same; "" when nothing helps.
type Refusal struct {
	Key     string `json:"key"`
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`
	Hazard  string `json:"hazard,omitempty"`
}

// Propose compares a tool's rows with the files. It changes nothing.
func (t Table) Propose(rows []Row, with Files) (*Proposal, error) {
	p := &Proposal{Tool: t.Tool.Name, Table: t.String(), Records: []Record{}}
	f := &files{fsys: with.FS, shown: with.Shown}
	left := slices.Clone(rows)
	taken := func(m *migrate.Migration, key string) *Row {
		for i := range left {
			r := &left[i]
			if r.State != "" && r.Repeatable == (m.Kind == migrate.Repeatable && t.Tool.Name == "flyway") && same(r.Key, key) {
				return r
			}
		}
		return nil
	}
	var current migrate.Version
	if t.Tool.Single {
		for _, r := range rows {
			current, _ = migrate.ParseVersion(r.Key) // a number
		}
	}
	for _, r := range rows {
		if r.State == RowFailed {
			p.Refusals = append(p.Refusals, Refusal{Key: r.Key, Message: t.Tool.Name + " says that it failed, or did not end", Advice: t.Tool.Repair})
		}
	}
	if t.Tool.Advice != "" {
		p.Refusals = append(p.Refusals, Refusal{Key: p.Table, Message: t.Tool.Name + " has " + fmt.Sprint(len(rows)) + " migrations there", Advice: t.Tool.Advice})
		return p, nil
	}
	if err := p.baselines(rows, with.Migrations, left); err != nil {
		return nil, err
	}
	for _, m := range with.Migrations {
		key, err := t.Tool.keyOf(f, m)
		if err != nil {
			return nil, err
		}
		if key == "" {
			continue
		}
		r := taken(m, key)
		if r == nil && t.Tool.Single && current != "" && m.Kind == migrate.Versioned && m.Version.Compare(current) <= 0 {
			p.record(m, Row{}, NoChecksum, true, t.Tool)
			continue
		}
		if r == nil || r.State != RowApplied {
			continue
		}
		verdict, err := t.verdict(f, m, r)
		if err != nil {
			return nil, err
		}
		row := *r
		r.State = ""
		if verdict == Differs && m.Kind == migrate.Repeatable {
			p.Warnings = append(p.Warnings, m.Key()+" has changed since "+t.Tool.Name+" ran it: it stays pending")
			continue
		}
		if verdict == Differs {
			p.Refusals = append(p.Refusals, Refusal{Key: m.Key(), Message: m.Up.File + " is not the file that " + t.Tool.Name + " ran", Advice: "put the file back, or accept it with --allow changed", Hazard: "changed"})
		}
		p.record(m, row, verdict, t.Tool.Single, t.Tool)
	}
	for _, r := range left {
		if r.State == RowApplied && !p.covered(r.Key) {
			p.Refusals = append(p.Refusals, Refusal{Key: r.Key, Message: t.Tool.Name + " has it as applied, and no file has it", Advice: "bring the file back, or leave it out with --allow missing", Hazard: "missing"})
		}
	}
	return p, nil
}

// same tells whether two keys are one: as text, or as versions.
func same(a, b string) bool {
	if a == b {
		return true
	}
	v, err := migrate.ParseVersion(a)
	w, other := migrate.ParseVersion(b)
	return err == nil && other == nil && v == w
}

// baselines takes over the tool's own baselines, and a baseline among the files
// for a history that is past it (Rails' structure.sql).
func (p *Proposal) baselines(rows []Row, migrations []*migrate.Migration, left []Row) error {
	for i, r := range rows {
		if r.State != RowBaseline {
			continue
		}
		v, err := migrate.ParseVersion(r.Key)
		if err != nil {
			return fmt.Errorf("the baseline of %s: %w", p.Tool, err)
		}
		left[i].State = ""
		m := &migrate.Migration{Version: v, Name: r.Name, Kind: migrate.Baseline}
		p.baseline(m, r)
	}
	for _, m := range migrations {
		if m.Kind != migrate.Baseline {
			continue
		}
		past := slices.ContainsFunc(rows, func(r Row) bool {
			v, err := migrate.ParseVersion(r.Key)
			return err == nil && r.State == RowApplied && v.Compare(m.Version) >= 0
		})
		fileOf := slices.ContainsFunc(migrations, func(o *migrate.Migration) bool {
			return o.Kind == migrate.Versioned && o.Version.Compare(m.Version) <= 0
		})
		if past && !fileOf {
			p.baseline(m, Row{})
		}
	}
	return nil
}

func (p *Proposal) baseline(m *migrate.Migration, r Row) {
	record := Record{Version: m.Version, Name: m.Name, Kind: migrate.Baseline, Checksum: NoChecksum, AppliedAt: r.AppliedAt, AppliedBy: r.By}
	if m.Up != nil {
		record.File = m.Up.File
	}
	record.adoption = apply.Adoption{Migration: m, Baseline: true, Note: "adopted from " + p.Tool + ", " + p.Table}
	p.Records = append(p.Records, record)
}

// covered tells whether a baseline that is recorded stands for a key.
func (p *Proposal) covered(key string) bool {
	v, err := migrate.ParseVersion(key)
	return err == nil && slices.ContainsFunc(p.Records, func(r Record) bool { return r.Kind == migrate.Baseline && v.Compare(r.Version) <= 0 })
}

func (p *Proposal) record(m *migrate.Migration, r Row, v Verdict, assumed bool, t *Tool) {
	note := "adopted from " + t.Name
	switch {
	case assumed:
		note += ", which keeps the highest version alone: assumed"
	case r.AppliedAt != "":
		note += ", applied " + r.AppliedAt
	}
	if r.By != "" {
		note += " by " + r.By
	}
	p.Records = append(p.Records, Record{
		Version: m.Version, Name: m.Name, Kind: m.Kind, File: m.Up.File, Checksum: v, AppliedAt: r.AppliedAt, AppliedBy: r.By, Assumed: assumed,
		adoption: apply.Adoption{Migration: m, Note: note},
	})
}

// verdict compares a row's checksum with the file's.
func (t Table) verdict(f *files, m *migrate.Migration, r *Row) (Verdict, error) {
	if r.Checksum == "" {
		return NoChecksum, nil
	}
	if t.Tool.sum == nil || f.fsys == nil {
		return NotChecked, nil
	}
	sum, err := t.Tool.sum(f, m)
	switch {
	case err != nil:
		return "", fmt.Errorf("the checksum of %s: %w", m.Up.File, err)
	case sum == "":
		return NotChecked, nil
	case sum == r.Checksum:
		return Matches, nil
	}
	return Differs, nil
}

// Adoptions are what apply.AdoptAll is to record.
func (p *Proposal) Adoptions() []apply.Adoption {
	list := make([]apply.Adoption, len(p.Records))
	for i, r := range p.Records {
		list[i] = r.adoption
	}
	return list
}
