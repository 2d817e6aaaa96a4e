package source

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// diesel reads folders such as 2026-01-01-120000_create_users with up.sql,
// down.sql and metadata.toml (diesel.rs, "Getting Started"; docs.rs/diesel_migrations).
type diesel struct{}

func (diesel) Name() string { return "diesel" }

var dieselFolder = regexp.MustCompile(`^([0-9][0-9-]*)(?:_(.*))?$`)

func (diesel) Detect(f *Folder) int {
	return count(f.Files, func(name string) bool {
		base := path.Base(name)
		return (base == "up.sql" || base == "down.sql") && dieselFolder.MatchString(path.Base(path.Dir(name)))
	})
}

// dieselVersion is the version of a folder's number: dashes stand between parts
// of a date, and what follows its 14 digits is a part of its own.
func dieselVersion(number string) (migrate.Version, error) {
	digits := strings.ReplaceAll(number, "-", "")
	if len(digits) > len(stampLayout) && strings.Contains(number, "-") {
		digits = digits[:len(stampLayout)] + "." + digits[len(stampLayout):]
	}
	return migrate.ParseVersion(digits)
}

func (diesel) Read(f *Folder) Reading {
	var r Reading
	for _, name := range f.Files {
		base, folder := path.Base(name), path.Base(path.Dir(name))
		m := dieselFolder.FindStringSubmatch(folder)
		if m != nil && base != "up.sql" && base != "down.sql" && slices.Contains(f.Files, path.Join(path.Dir(name), "up.sql")) {
			r.warn(f, name, 0, RuleName, "diesel runs up.sql and down.sql alone: passed over")
			r.Ignored = append(r.Ignored, name)
			continue
		}
		if m == nil || base != "up.sql" && base != "down.sql" {
			r.problem(f, name, 0, RuleName, "expected for example 2026-01-01-120000_create_users/up.sql")
			continue
		}
		version, err := dieselVersion(m[1])
		if err != nil {
			r.problem(f, name, 0, RuleName, err.Error())
			continue
		}
		u := Unit{Version: version, Name: m[2], Kind: migrate.Versioned, Direction: migrate.Up, Path: name}
		if base == "down.sql" {
			u.Direction = migrate.Down
		}
		u.Settings.Transaction = dieselTransaction(f, &r, path.Join(path.Dir(name), "metadata.toml"))
		r.Units = append(r.Units, u)
	}
	r.rest(f)
	return r
}

// dieselTransaction reads run_in_transaction of a folder's metadata.toml.
func dieselTransaction(f *Folder, r *Reading, name string) migrate.TransactionMode {
	if !f.has(name) {
		return migrate.Auto
	}
	text, ok := r.text(f, name)
	if !ok {
		return migrate.Auto
	}
	for _, s := range readINI(text) {
		value, _, _ := strings.Cut(s.value, "#")
		switch {
		case s.key != "run_in_transaction":
			r.warn(f, name, s.line, RuleContent, "the key "+s.key+" is not known: passed over")
		case strings.TrimSpace(value) == "false":
			return migrate.Off
		}
	}
	return migrate.Auto
}

func (diesel) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("diesel"); err != nil {
		return nil, err
	}
	name, err := fileName(d.Name)
	if err != nil {
		return nil, err
	}
	highest := migrate.Version("")
	for _, file := range f.Files {
		if m := dieselFolder.FindStringSubmatch(path.Base(path.Dir(file))); m != nil {
			if v, err := dieselVersion(m[1]); err == nil && v.Compare(highest) > 0 {
				highest, _ = migrate.ParseVersion(strings.Split(v.String(), ".")[0])
			}
		}
	}
	number := d.stamp(highest)
	if len(number) == len(stampLayout) {
		number = number[:4] + "-" + number[4:6] + "-" + number[6:8] + "-" + number[8:]
	}
	folder := number + "_" + name
	files := []NewFile{{Path: folder + "/up.sql", Content: upTemplate}}
	if !d.OneWay {
		files = append(files, NewFile{Path: folder + "/down.sql", Content: downTemplate})
	}
	return files, nil
}
