package source

import (
	"path"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// golangMigrate reads 000001_create_users.up.sql and .down.sql, numbered or
// with time stamps (github.com/golang-migrate/migrate, MIGRATIONS.md), and
// besides R__name.sql and R__name.down.sql for repeatable ones and Flyway's callbacks, which that tool does not have.
type golangMigrate struct{}

func (golangMigrate) Name() string { return "golang-migrate" }

func (g golangMigrate) Detect(f *Folder) int {
	return count(f.Files, func(name string) bool {
		_, problem := g.parse(path.Base(name))
		return problem == ""
	})
}

func (g golangMigrate) Read(f *Folder) Reading {
	rest, hooks := takeCallbacks(f)
	r := readNames(rest, g.parse)
	r.Hooks = hooks
	return r
}

// parse reads a file's name. The problem is "" when it fits.
func (golangMigrate) parse(base string) (Unit, string) {
	if rest, ok := strings.CutPrefix(base, "R__"); ok {
		return parseRepeatable(rest)
	}
	stem, direction, ok := cutDirection(base)
	if !ok {
		return Unit{}, "the name does not end in .up.sql or .down.sql; expected for example 20260101120000_create_users.up.sql"
	}
	number, name, _ := strings.Cut(stem, "_")
	version, err := migrate.ParseVersion(number)
	if err != nil {
		return Unit{}, "the name does not begin with a version; expected for example 20260101120000_create_users." + string(direction) + ".sql"
	}
	return Unit{Version: version, Name: name, Kind: migrate.Versioned, Direction: direction}, ""
}

func cutDirection(base string) (stem string, d migrate.Direction, ok bool) {
	if stem, ok = strings.CutSuffix(base, ".up.sql"); ok {
		return stem, migrate.Up, true
	}
	stem, ok = strings.CutSuffix(base, ".down.sql")
	return stem, migrate.Down, ok
}

// parseRepeatable reads what follows R__ in a file's name.
func parseRepeatable(rest string) (Unit, string) {
	u := Unit{Kind: migrate.Repeatable, Direction: migrate.Up}
	if stem, d, ok := cutDirection(rest); ok {
		u.Name, u.Direction = stem, d
	} else if u.Name, ok = strings.CutSuffix(rest, ".sql"); !ok {
		return Unit{}, "the name does not end in .sql"
	}
	if u.Name == "" {
		return Unit{}, "a repeatable migration needs a name: R__order_totals.sql"
	}
	return u, ""
}

// readNames reads a folder of a format in which the name says everything.
func readNames(f *Folder, parse func(base string) (Unit, string)) Reading {
	var r Reading
	r.Units = make([]Unit, 0, len(f.Files))
	for _, name := range f.Files {
		u, problem := parse(path.Base(name))
		if problem != "" {
			r.Problems = append(r.Problems, Problem{File: f.Shown(name), Rule: RuleName, Message: problem})
			continue
		}
		u.Path = name
		r.Units = append(r.Units, u)
	}
	r.others(f, func(base string) bool {
		_, problem := parse(base)
		return problem == ""
	})
	return r
}

// others goes through the files that are not .sql: what would be a migration if
// it were is a problem, everything else is passed over.
func (r *Reading) others(f *Folder, fits func(base string) bool) {
	for _, name := range f.Other {
		base := path.Base(name)
		stem := strings.TrimSuffix(base, path.Ext(base))
		if fits(stem+".sql") || fits(stem) {
			r.Problems = append(r.Problems, Problem{File: f.Shown(name), Rule: RuleName, Message: "named like a migration, but it does not end in .sql: rename it, or take it out of the folder"})
			continue
		}
		r.Ignored = append(r.Ignored, name)
	}
}

func (g golangMigrate) New(f *Folder, d Draft) ([]NewFile, error) {
	name, err := fileName(d.Name)
	if err != nil {
		return nil, err
	}
	if d.Kind == migrate.Repeatable {
		return []NewFile{{Path: "R__" + name + ".sql", Content: repeatableTemplate}}, nil
	}
	number, err := d.next(f, func(base string) (string, bool) {
		number, _, _ := strings.Cut(base, "_")
		u, problem := g.parse(base)
		return number, problem == "" && u.Kind == migrate.Versioned
	})
	if err != nil {
		return nil, err
	}
	files := []NewFile{{Path: number + "_" + name + ".up.sql", Content: upTemplate}}
	if !d.OneWay {
		files = append(files, NewFile{Path: number + "_" + name + ".down.sql", Content: downTemplate})
	}
	return files, nil
}
