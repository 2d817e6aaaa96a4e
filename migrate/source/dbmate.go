package source

import (
	"path"
	"regexp"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// dbmate reads 20260101120000_name.sql with "-- migrate:up" and "-- migrate:down"
// inside (github.com/amacneil/dbmate, "Creating Migrations").
type dbmate struct{}

func (dbmate) Name() string { return "dbmate" }

func (dbmate) Detect(f *Folder) int { return f.detectMarked(dbmateMark) }

var (
	dbmateName      = regexp.MustCompile(`^([0-9]+)_?(.*)\.sql$`)
	dbmateDirective = regexp.MustCompile(`^--\s*migrate:(up|down)(?:\s+(\S.*))?\s*$`)
)

func (b dbmate) Read(f *Folder) Reading {
	var r Reading
	for _, name := range f.topFiles("dbmate", &r) {
		m := dbmateName.FindStringSubmatch(path.Base(name))
		if m == nil {
			r.problem(f, name, 0, RuleName, "the name does not begin with a version; expected for example 20260101120000_create_users.sql")
			continue
		}
		version, err := migrate.ParseVersion(m[1])
		if err != nil { // digits always parse
			r.problem(f, name, 0, RuleName, err.Error())
			continue
		}
		if text, ok := r.text(f, name); ok {
			b.units(f, &r, Unit{Version: version, Name: m[2], Kind: migrate.Versioned, Path: name}, text)
		}
	}
	r.rest(f)
	return r
}

func (dbmate) units(f *Folder, r *Reading, u Unit, text string) {
	lines := textLines(text)
	at := map[string]int{}
	options := map[string]string{}
	for n, l := range lines {
		m := dbmateDirective.FindStringSubmatch(l.text)
		body := strings.TrimSpace(l.text)
		switch {
		case m == nil && len(at) == 0 && body != "" && !strings.HasPrefix(body, "--"):
			r.problem(f, u.Path, l.number, RuleContent, "SQL before -- migrate:up")
			return
		case m == nil:
			continue
		case m[1] == "down" && len(at) == 0:
			r.problem(f, u.Path, l.number, RuleContent, "-- migrate:down stands before -- migrate:up")
			return
		}
		if _, twice := at[m[1]]; twice {
			r.problem(f, u.Path, l.number, RuleContent, "a second -- migrate:"+m[1]+": write a migration of its own")
			return
		}
		at[m[1]], options[m[1]] = n, m[2]
	}
	start, ok := at["up"]
	if !ok {
		r.problem(f, u.Path, 1, RuleContent, "dbmate needs -- migrate:up in a migration")
		return
	}
	end, reverts := at["down"]
	if !reverts {
		end = -1
	}
	for _, d := range []migrate.Direction{migrate.Up, migrate.Down} {
		one := u
		one.Direction = d
		if d == migrate.Down {
			start, end = end, -1
		}
		if start < 0 {
			break
		}
		one.Part = stretch(text, lines, start, end)
		for _, option := range strings.Fields(options[string(d)]) {
			switch option {
			case "transaction:false":
				one.Settings.Transaction = migrate.Off
			case "transaction:true":
			default:
				r.warn(f, u.Path, lines[start].number, RuleContent, "dbmate's option "+option+" is not known: passed over")
			}
		}
		r.Units = append(r.Units, one)
	}
}

func (dbmate) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("dbmate"); err != nil {
		return nil, err
	}
	stem, err := d.numberedName(f)
	if err != nil {
		return nil, err
	}
	return []NewFile{{Path: stem + ".sql", Content: "-- migrate:up\n" + upTemplate + "-- migrate:down\n" + downTemplate}}, nil
}
