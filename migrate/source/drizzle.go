package source

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// drizzle reads 0000_name.sql in the order of meta/_journal.json, with
// "--> statement-breakpoint" between statements (orm.drizzle.team, "Migrations").
type drizzle struct{}

func (drizzle) Name() string { return "drizzle" }

const (
	drizzleJournal    = "meta/_journal.json"
	drizzleBreakpoint = "--> statement-breakpoint"
)

// DrizzleJournal is drizzle's list of migrations.
type DrizzleJournal struct {
	Version string         `json:"version"`
	Dialect string         `json:"dialect"`
	Entries []DrizzleEntry `json:"entries"`
}

// DrizzleEntry is a migration in a journal. When is in milliseconds since 1970, and is
// what drizzle's history table knows a migration by.
type DrizzleEntry struct {
	Idx         int    `json:"idx"`
	Version     string `json:"version"`
	When        int64  `json:"when"`
	Tag         string `json:"tag"`
	Breakpoints bool   `json:"breakpoints"`
}

// ReadDrizzleJournal reads the text of a journal.
func ReadDrizzleJournal(text []byte) (*DrizzleJournal, error) {
	var j DrizzleJournal
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, err
	}
	return &j, nil
}

func (drizzle) Detect(f *Folder) int {
	if !f.has(drizzleJournal) {
		return 0
	}
	return len(f.Files) + 1
}

func (d drizzle) Read(f *Folder) Reading {
	var r Reading
	defer func() { r.Ignored = append(r.Ignored, f.Other...) }()
	text, ok := r.text(f, drizzleJournal)
	if !ok {
		return r
	}
	journal, err := ReadDrizzleJournal([]byte(text))
	if err != nil {
		r.problem(f, drizzleJournal, 1, RuleContent, "not a journal of drizzle: "+err.Error())
		return r
	}
	if journal.Dialect != "" && journal.Dialect != "postgresql" && journal.Dialect != "pg" {
		r.problem(f, drizzleJournal, 1, RuleContent, "these migrations are for "+journal.Dialect+", not for PostgreSQL")
		return r
	}
	var versions serial
	named := map[string]bool{}
	for _, e := range journal.Entries {
		name := e.Tag + ".sql"
		number, title, _ := strings.Cut(e.Tag, "_")
		version := versions.next(number)
		named[name] = true
		if !slices.Contains(f.Files, name) {
			r.problem(f, drizzleJournal, lineOf(text, `"`+e.Tag+`"`), RuleContent, "it names "+name+", which is not there")
			continue
		}
		u := Unit{Version: version, Name: title, Kind: migrate.Versioned, Direction: migrate.Up, Path: name}
		if body, ok := r.text(f, name); ok {
			u.Text = d.rewrite(body)
			r.Units = append(r.Units, u)
		}
	}
	for _, name := range f.Files {
		if !named[name] {
			r.warn(f, name, 0, RuleName, drizzleJournal+" does not name it, so drizzle does not run it: passed over")
			r.Ignored = append(r.Ignored, name)
		}
	}
	return r
}

// lineOf is the line of the first place of a word in a text; 1 when it is not there.
func lineOf(text, word string) int {
	before, _, found := strings.Cut(text, word)
	if !found {
		return 1
	}
	return 1 + strings.Count(before, "\n")
}

// rewrite puts semicolons before breakpoints where they are missing; nil when none is.
func (drizzle) rewrite(text string) *string {
	chunks := strings.Split(text, drizzleBreakpoint)
	changed := false
	for i := range chunks[:len(chunks)-1] {
		if !terminated(chunks[i]) {
			chunks[i] += ";"
			changed = true
		}
	}
	if !changed {
		return nil
	}
	text = strings.Join(chunks, drizzleBreakpoint)
	return &text
}

func (drizzle) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("drizzle"); err != nil {
		return nil, err
	}
	name, err := fileName(d.Name)
	if err != nil {
		return nil, err
	}
	text, err := f.ReadFile(drizzleJournal)
	if err != nil {
		return nil, fmt.Errorf("reading drizzle's journal: %w", err)
	}
	journal, err := ReadDrizzleJournal(text)
	if err != nil {
		return nil, fmt.Errorf("reading drizzle's journal: %w", err)
	}
	e := DrizzleEntry{Version: "7", Breakpoints: true, When: d.Now.UnixMilli()}
	if n := len(journal.Entries); n > 0 {
		last := journal.Entries[n-1]
		e.Idx, e.Version, e.When = last.Idx+1, last.Version, max(e.When, last.When+1)
	}
	e.Tag = fmt.Sprintf("%04d_%s", e.Idx, name)
	journal.Entries = append(journal.Entries, e)
	list, err := json.MarshalIndent(journal, "", "  ")
	if err != nil {
		return nil, err
	}
	return []NewFile{{Path: path.Base(e.Tag) + ".sql", Content: upTemplate}, {Path: drizzleJournal, Content: string(list), Replaces: true}}, nil
}
