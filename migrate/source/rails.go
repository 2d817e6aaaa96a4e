package source

import (
	"path"
	"regexp"

	"github.com/kedgedb/kedge/migrate"
)

// rails reads structure.sql, the schema that Rails writes down with the versions
// of the migrations in it (guides.rubyonrails.org, "Active Record Migrations"),
// as a baseline. SQL migrations beside it, named as golang-migrate's are, go on from there.
type rails struct{}

func (rails) Name() string { return "rails" }

const railsStructure = "structure.sql"

var (
	railsInsert  = regexp.MustCompile(`INSERT INTO "?(?:public"?\.)?"?schema_migrations"? \(version\) VALUES`)
	railsVersion = regexp.MustCompile(`\('(\d+)'\)`)
	railsRuby    = regexp.MustCompile(`^(\d{14})_\w+\.rb$`)
)

func (rails) Detect(f *Folder) int {
	for _, name := range f.Files {
		if path.Base(name) == railsStructure {
			return 1 + count(f.Files, func(name string) bool { _, problem := golangMigrate{}.parse(path.Base(name)); return problem == "" })
		}
	}
	return 0
}

func (x rails) Read(f *Folder) Reading {
	rest := *f
	rest.Files, rest.Other = nil, nil
	var r Reading
	known := map[string]bool{}
	for _, name := range f.Files {
		if path.Base(name) != railsStructure {
			rest.Files = append(rest.Files, name)
			continue
		}
		text, ok := r.text(f, name)
		if !ok {
			continue
		}
		at := railsInsert.FindStringIndex(text)
		if at == nil {
			r.problem(f, name, 0, RuleContent, "it does not say which migrations are in it: there is no INSERT INTO schema_migrations")
			continue
		}
		u := Unit{Name: "structure", Kind: migrate.Baseline, Direction: migrate.Up, Path: name}
		for _, m := range railsVersion.FindAllStringSubmatch(text[at[1]:], -1) {
			known[m[1]] = true
			if v, err := migrate.ParseVersion(m[1]); err == nil && v.Compare(u.Version) > 0 {
				u.Version = v
			}
		}
		if u.Version == "" {
			r.problem(f, name, lineOf(text, text[at[0]:at[1]]), RuleContent, "it names no migrations")
			continue
		}
		r.Units = append(r.Units, u)
	}
	beside := readNames(&rest, golangMigrate{}.parse)
	r.Units = append(r.Units, beside.Units...)
	r.Problems = append(r.Problems, beside.Problems...)
	for _, name := range f.Other {
		if m := railsRuby.FindStringSubmatch(path.Base(name)); m != nil && !known[m[1]] {
			r.problem(f, name, 0, RuleName, "a migration in Ruby that "+railsStructure+" does not have: run it with Rails, which writes "+railsStructure+" again")
			continue
		}
		r.Ignored = append(r.Ignored, name)
	}
	return r
}

// New goes on from the structure with golang-migrate's names.
func (rails) New(f *Folder, d Draft) ([]NewFile, error) {
	rest := *f
	rest.Files = nil
	for _, name := range f.Files {
		if path.Base(name) != railsStructure {
			rest.Files = append(rest.Files, name)
		}
	}
	return golangMigrate{}.New(&rest, d)
}
