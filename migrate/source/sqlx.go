package source

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// sqlx reads 20260101120000_name.sql, and 20260101120000_name.up.sql with its
// .down.sql, of sqlx-cli (docs.rs/sqlx, MigrationSource).
type sqlx struct{}

func (sqlx) Name() string { return "sqlx" }

// Detect counts names without a direction. sqlx does not mix them with those that
// name one, and a folder of the latter is read as golang-migrate's.
func (x sqlx) Detect(f *Folder) int {
	if x.reversible(f) {
		return 0
	}
	return count(f.Files, func(name string) bool {
		_, problem := x.parse(path.Base(name))
		return problem == "" && !strings.Contains(name, "/") && f.mark(name) == unmarked
	})
}

func (sqlx) reversible(f *Folder) bool {
	return count(f.Files, func(name string) bool { _, _, ok := cutDirection(path.Base(name)); return ok }) > 0
}

func (sqlx) parse(base string) (Unit, string) {
	u, problem := parseNumbered(base)
	if stem, d, ok := cutDirection(u.Name + ".sql"); problem == "" && ok {
		u.Name, u.Direction = stem, d
	}
	return u, problem
}

// strangeAnnotation begins a section in files of tools that keep both directions in one.
var strangeAnnotation = regexp.MustCompile(`(?m)^(?:--|#)[ \t-]*(?:\+[A-Za-z]+ +(?i:up|down)|!(?:Ups|Downs)|rambler +(?:up|down)|@(?i:up|undo|down)\b|migrate:(?:up|down)|(?i:migration )?(?i:up|down):?[ \t]*\r?$)`)

func (x sqlx) Read(f *Folder) Reading {
	var r Reading
	for _, name := range f.topFiles("sqlx", &r) {
		u, problem := x.parse(path.Base(name))
		if problem == "" && !strings.Contains(name, "_") {
			problem = "the name has no underscore between version and description, so sqlx would pass over it"
		}
		if problem != "" {
			r.problem(f, name, 0, RuleName, problem)
			continue
		}
		u.Path = name
		head, err := f.Peek(name)
		if err == nil && bytes.HasPrefix(head, []byte("-- no-transaction")) {
			u.Settings.Transaction = migrate.Off
		}
		if at := strangeAnnotation.FindIndex(head); at != nil { // what follows may take back what comes before
			r.problem(f, name, 1+bytes.Count(head[:at[0]], []byte("\n")), RuleContent, "an annotation of a tool whose files kedge does not read: part the script into NAME.up.sql and NAME.down.sql")
			continue
		}
		r.Units = append(r.Units, u)
	}
	r.rest(f)
	return r
}

func (x sqlx) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("sqlx"); err != nil {
		return nil, err
	}
	stem, err := d.numberedName(f)
	if err != nil {
		return nil, err
	}
	if !x.reversible(f) {
		return []NewFile{{Path: stem + ".sql", Content: upTemplate}}, nil
	}
	files := []NewFile{{Path: stem + ".up.sql", Content: upTemplate}}
	if !d.OneWay {
		files = append(files, NewFile{Path: stem + ".down.sql", Content: downTemplate})
	}
	return files, nil
}
