package source

import (
	"path"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// prisma reads folders such as 20260101120000_create_users with migration.sql
// (prisma.io/docs, "Migration histories"), and those of drizzle-kit's newer layout. Prisma runs them in
// the order of their names, whatever they begin with.
type prisma struct{}

func (prisma) Name() string { return "prisma" }

const (
	prismaFile = "migration.sql"
	prismaLock = "migration_lock.toml"
)

func (prisma) Detect(f *Folder) int {
	return count(f.Files, func(name string) bool { return path.Base(name) == prismaFile && strings.Contains(name, "/") })
}

func (prisma) Read(f *Folder) Reading {
	var r Reading
	var names []string
	for _, name := range f.Files {
		switch {
		case path.Base(name) == prismaFile && strings.Count(name, "/") == 1:
			names = append(names, name)
		case path.Base(name) == "down.sql" && strings.Count(name, "/") == 1 && slices.Contains(f.Files, path.Dir(name)+"/"+prismaFile):
		case slices.Contains(f.Files, path.Join(path.Dir(name), prismaFile)) && strings.Count(name, "/") == 1:
			r.warn(f, name, 0, RuleName, "Prisma runs "+prismaFile+" alone: passed over")
			r.Ignored = append(r.Ignored, name)
		default:
			r.problem(f, name, 0, RuleName, "expected for example 20260101120000_create_users/migration.sql")
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(path.Dir(a), path.Dir(b)) })
	var versions serial
	for _, name := range names {
		number, title, ok := strings.Cut(path.Dir(name), "_")
		if _, err := migrate.ParseVersion(number); err != nil || !ok {
			title = path.Dir(name)
		}
		u := Unit{Version: versions.next(number), Name: title, Kind: migrate.Versioned, Direction: migrate.Up, Path: name}
		r.Units = append(r.Units, u)
		if down := path.Dir(name) + "/down.sql"; slices.Contains(f.Files, down) {
			u.Path, u.Direction = down, migrate.Down
			r.Units = append(r.Units, u)
		}
	}
	if f.has(prismaLock) {
		if text, ok := r.text(f, prismaLock); ok {
			for _, s := range readINI(text) {
				if provider := strings.Trim(s.value, `"`); s.key == "provider" && provider != "postgresql" && provider != "postgres" && provider != "cockroachdb" {
					r.problem(f, prismaLock, s.line, RuleContent, "these migrations are for "+provider+", not for PostgreSQL")
				}
			}
		}
	}
	for _, name := range f.Other {
		if path.Base(name) == "schema.prisma" || path.Base(name) == "steps.json" {
			r.warn(f, name, 0, RuleName, "of a Prisma before 2.19, which kept no SQL: passed over")
		}
		r.Ignored = append(r.Ignored, name)
	}
	return r
}

func (prisma) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("prisma"); err != nil {
		return nil, err
	}
	name, err := fileName(d.Name)
	if err != nil {
		return nil, err
	}
	highest := migrate.Version("")
	for _, file := range f.Files {
		number, _, _ := strings.Cut(path.Dir(file), "_")
		if v, err := migrate.ParseVersion(number); err == nil && v.Compare(highest) > 0 {
			highest = v
		}
	}
	return []NewFile{{Path: d.stamp(highest) + "_" + name + "/" + prismaFile, Content: upTemplate}}, nil
}
