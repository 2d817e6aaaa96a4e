package source

import (
	"path"
	"strconv"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// goose reads 00001_name.sql with "-- +goose Up" and "-- +goose Down" inside
// (pressly.github.io/goose, "Annotations").
type goose struct{}

func (goose) Name() string { return "goose" }

func (goose) Detect(f *Folder) int { return f.detectMarked(gooseMark) }

func (g goose) Read(f *Folder) Reading {
	var r Reading
	for _, name := range f.topFiles("goose", &r) {
		u, problem := parseNumbered(path.Base(name))
		if problem == "" && !strings.Contains(path.Base(name), "_") {
			problem = "the name has no underscore between version and description; expected for example 00001_create_users.sql"
		}
		if problem != "" {
			r.problem(f, name, 0, RuleName, problem)
			continue
		}
		if text, ok := r.text(f, name); ok {
			u.Path = name
			r.Units = append(r.Units, g.units(f, &r, u, text)...)
		}
	}
	r.rest(f, ".go")
	return r
}

// gooseScript is one direction of a file while it is read.
type gooseScript struct {
	from, to int // lines; to is -1 for the end
	envsub   bool
	missing  []int // lines of StatementEnd before which a semicolon is missing
}

// gooseAnnotation reads "-- +goose Up"; ok is false for other lines.
func gooseAnnotation(line string) (annotation string, ok bool) {
	if !strings.HasPrefix(strings.TrimSpace(line), "--") || !strings.Contains(line, "+goose") {
		return "", false
	}
	annotation = strings.TrimSpace(strings.Replace(strings.ReplaceAll(line, "--", ""), "+goose", "", 1))
	return strings.ToUpper(annotation), true
}

// units reads the annotations of a file. Everything that goose refuses is a problem.
func (goose) units(f *Folder, r *Reading, u Unit, text string) []Unit {
	lines := textLines(text)
	up, down := &gooseScript{from: -1, to: -1}, &gooseScript{from: -1, to: -1}
	var now *gooseScript
	begin := -1 // line of the open StatementBegin
	envsub, transaction := false, migrate.Auto
	bad := len(r.Problems)
	fail := func(n int, message string) { r.problem(f, u.Path, lines[n].number, RuleContent, message) }
	for n, l := range lines {
		annotation, ok := gooseAnnotation(l.text)
		if !ok {
			body := strings.TrimSpace(l.text)
			if now == nil && body != "" && !strings.HasPrefix(body, "--") {
				fail(n, `SQL before "-- +goose Up"`)
				return nil
			}
			if envsub && now != nil {
				now.envsub = true
			}
			continue
		}
		if l.text[0] == ' ' || l.text[0] == '\t' {
			fail(n, "an annotation of goose begins at the start of its line")
			continue
		}
		switch annotation {
		case "UP":
			if now != nil {
				fail(n, `a second "-- +goose Up"`)
			}
			up.from, now = n, up
		case "DOWN":
			if now != up || begin >= 0 {
				fail(n, `"-- +goose Down" stands after "-- +goose Up", once, and outside of StatementBegin and StatementEnd`)
			}
			up.to, down.from, now = n, n, down
		case "STATEMENTBEGIN":
			if now == nil || begin >= 0 {
				fail(n, `"-- +goose StatementBegin" stands after Up or Down, and not inside another`)
			}
			begin = n
		case "STATEMENTEND":
			if begin < 0 || now == nil {
				fail(n, `"-- +goose StatementEnd" without its StatementBegin`)
				continue
			}
			if !terminated(text[lines[begin].offset:l.offset]) {
				now.missing = append(now.missing, n)
			}
			begin = -1
		case "NO TRANSACTION":
			transaction = migrate.Off
		case "ENVSUB ON":
			envsub = true
		case "ENVSUB OFF":
			envsub = false
		default:
			fail(n, "goose has no annotation "+strconv.Quote(annotation))
		}
	}
	switch {
	case up.from < 0 && len(r.Problems) == bad:
		r.problem(f, u.Path, 1, RuleContent, `goose needs "-- +goose Up" in a migration`)
	case begin >= 0:
		fail(begin, `"-- +goose StatementBegin" without its StatementEnd`)
	}
	if len(r.Problems) > bad {
		return nil
	}
	u.Settings.Transaction = transaction
	units := []Unit{up.unit(f, u, text, lines)}
	if down.from >= 0 {
		u.Direction = migrate.Down
		units = append(units, down.unit(f, u, text, lines))
	}
	return units
}

// unit is the script of one direction. It begins with its annotation, so that a
// section with nothing in it is deliberate.
func (s *gooseScript) unit(f *Folder, u Unit, text string, lines []textLine) Unit {
	u.Part = stretch(text, lines, s.from, s.to)
	if len(s.missing) > 0 {
		var b strings.Builder
		done := int(u.Part.Offset)
		for _, n := range s.missing {
			b.WriteString(text[done:lines[n].offset] + ";")
			done = lines[n].offset
		}
		b.WriteString(text[done : u.Part.Offset+u.Part.Size])
		whole := b.String()
		u.Text = &whole
	}
	if s.envsub {
		off := false
		u.Settings.Placeholders = &off
		u.Expand = func(script string) (string, map[string]string, error) {
			return gooseExpand(script, f.env, text, int(u.Part.Offset))
		}
	}
	return u
}

// gooseExpand substitutes the lines of a script on which ENVSUB is on. What is on
// at its beginning is told by the file before it.
func gooseExpand(script string, lookup func(string) (string, bool), file string, offset int) (string, map[string]string, error) {
	on := false
	for _, l := range textLines(file[:offset]) {
		on = envsubAfter(l.text, on)
	}
	used := map[string]string{}
	var b strings.Builder
	for n, line := range strings.SplitAfter(script, "\n") {
		if _, annotation := gooseAnnotation(strings.TrimPrefix(line, ";")); annotation {
			on = envsubAfter(line, on)
		} else if on && !strings.HasPrefix(strings.TrimSpace(line), "--") {
			expanded, err := substitute(line, lookup, used)
			if err != nil {
				return "", nil, &placeError{line: n + 1, column: 1, message: err.Error()}
			}
			line = expanded
		}
		b.WriteString(line)
	}
	return b.String(), used, nil
}

func envsubAfter(line string, on bool) bool {
	switch annotation, _ := gooseAnnotation(line); annotation {
	case "ENVSUB ON":
		return true
	case "ENVSUB OFF":
		return false
	}
	return on
}

const gooseTemplate = "-- +goose Up\n-- What this changes, and why.\n\n"

func (goose) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("goose"); err != nil {
		return nil, err
	}
	stem, err := d.numberedName(f)
	if err != nil {
		return nil, err
	}
	content := gooseTemplate
	if !d.OneWay {
		content += "-- +goose Down\n" + downTemplate
	}
	return []NewFile{{Path: stem + ".sql", Content: content}}, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
