package source

import (
	"path"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// textLine is a line of a file, without its end.
type textLine struct {
	number int // from 1
	offset int // of its first byte
	text   string
}

// textLines are the lines of a file. A byte order mark is no part of the first one.
func textLines(text string) []textLine {
	list := make([]textLine, 0, strings.Count(text, "\n")+1)
	offset := 0
	if rest, ok := strings.CutPrefix(text, "\ufeff"); ok {
		text, offset = rest, len("\ufeff")
	}
	for n := 1; text != ""; n++ {
		line, rest, found := strings.Cut(text, "\n")
		list = append(list, textLine{n, offset, strings.TrimSuffix(line, "\r")})
		offset += len(line)
		if found {
			offset++
		}
		text = rest
	}
	return list
}

// stretch is the part of a text from a line to before another; -1 is the end.
func stretch(text string, lines []textLine, from, to int) *Part {
	end := len(text)
	if to >= 0 {
		end = lines[to].offset
	}
	start := lines[from].offset
	return &Part{Offset: int64(start), Size: int64(end - start), Line: lines[from].number}
}

// in is the part's bytes.
func (p *Part) in(text string) string { return text[p.Offset : p.Offset+p.Size] }

// terminated tells whether the last statement of a text ends in a semicolon, or
// there is none, so that another may follow.
func terminated(text string) bool {
	last := ddl.Token{}
	for t := range ddl.Tokens(text) {
		if !t.Trivia() && t.Kind != ddl.EOF {
			last = t
		}
	}
	return last.Text == "" || last.IsPunct(';')
}

// mark is what the beginning of a file says of the format it is in.
type mark string

const (
	unmarked      mark = ""
	gooseMark     mark = "goose"
	dbmateMark    mark = "dbmate"
	ternMark      mark = "tern"
	liquibaseMark mark = "liquibase"
)

// mark looks into a file whose name leaves its format open.
func (f *Folder) mark(name string) mark {
	if f.marked == nil {
		f.marked = map[string]mark{}
	}
	m, ok := f.marked[name]
	if !ok {
		m = f.peekMark(name)
		f.marked[name] = m
	}
	return m
}

func (f *Folder) peekMark(name string) mark {
	if _, _, settled := cutDirection(path.Base(name)); settled {
		return unmarked
	}
	head, err := f.Peek(name)
	if err != nil {
		return unmarked
	}
	for _, l := range textLines(string(head)) {
		comment, ok := strings.CutPrefix(l.text, "--")
		if !ok {
			if b := strings.TrimSpace(l.text); strings.HasPrefix(b, "/*") && liquibaseHead(strings.Trim(b, "/* ")) {
				return liquibaseMark
			}
			continue
		}
		body := strings.TrimSpace(comment)
		switch {
		case strings.HasPrefix(body, "+goose"):
			return gooseMark
		case strings.HasPrefix(body, "migrate:up"):
			return dbmateMark
		case strings.HasPrefix(l.text, "---- create above") || strings.HasPrefix(l.text, "---- tern:"):
			return ternMark
		case liquibaseHead(body):
			return liquibaseMark
		}
	}
	return unmarked
}

func liquibaseHead(body string) bool {
	words := strings.Fields(strings.ToLower(body))
	return len(words) >= 2 && words[0] == "liquibase" && strings.HasPrefix(words[1], "formatted")
}

// has tells whether one of the files that are not .sql has this path.
func (f *Folder) has(name string) bool { return slices.Contains(f.Other, name) }

// topFiles are the files right in the folder. Of those below, which the tool does
// not read, it says so.
func (f *Folder) topFiles(tool string, r *Reading) []string {
	list := make([]string, 0, len(f.Files))
	for _, name := range f.Files {
		if strings.Contains(name, "/") {
			r.warn(f, name, 0, RuleName, tool+" does not read folders below the migrations: passed over")
			r.Ignored = append(r.Ignored, name)
			continue
		}
		list = append(list, name)
	}
	return list
}

func (r *Reading) warn(f *Folder, name string, line int, rule Rule, message string) {
	r.Warnings = append(r.Warnings, Problem{File: f.Shown(name), Line: line, Rule: rule, Message: message})
}

func (r *Reading) problem(f *Folder, name string, line int, rule Rule, message string) {
	r.Problems = append(r.Problems, Problem{File: f.Shown(name), Line: line, Rule: rule, Message: message})
}

// text reads a whole file; what is wrong with it is a problem.
func (r *Reading) text(f *Folder, name string) (string, bool) {
	b, err := f.ReadFile(name)
	if err != nil {
		r.Problems = append(r.Problems, Problem{File: f.Shown(name), Rule: RuleRead, Message: "cannot be read: " + reason(err), Err: err})
		return "", false
	}
	return string(b), true
}

// rest goes through the files that are not .sql: programs that are migrations of
// the tool are problems, unless the program that runs kedge brings them along.
func (r *Reading) rest(f *Folder, extensions ...string) {
	for _, name := range f.Other {
		base := path.Base(name)
		ext := path.Ext(base)
		number, title, _ := strings.Cut(strings.TrimSuffix(base, ext), "_")
		version, err := migrate.ParseVersion(number)
		if err != nil || !slices.Contains(extensions, ext) || strings.HasSuffix(title, "_test") || f.inCode[version] {
			r.Ignored = append(r.Ignored, name)
			continue
		}
		r.problem(f, name, 0, RuleName, "a migration written in "+ext[1:]+": kedge cannot run it; write it in SQL, or register it with migrate.InCode in a Go program")
	}
}

// parseNumbered reads 0001_name.sql.
func parseNumbered(base string) (Unit, string) {
	stem, ok := strings.CutSuffix(base, ".sql")
	if !ok {
		return Unit{}, "the name does not end in .sql"
	}
	number, name, _ := strings.Cut(stem, "_")
	version, err := migrate.ParseVersion(number)
	if err != nil {
		return Unit{}, "the name does not begin with a version; expected for example 20260101120000_create_users.sql"
	}
	return Unit{Version: version, Name: name, Kind: migrate.Versioned, Direction: migrate.Up}, ""
}

// detectMarked counts the files that fit when at least one has the mark.
func (f *Folder) detectMarked(want mark) int {
	marked := false
	n := 0
	for _, name := range f.Files {
		if _, problem := parseNumbered(path.Base(name)); problem != "" {
			continue
		}
		switch f.mark(name) {
		case want:
			marked = true
			n++
		case unmarked:
			n++
		}
	}
	if !marked {
		return 0
	}
	return n
}

// numberedName is the name of a new file in a folder of numbered ones.
func (d Draft) numberedName(f *Folder) (string, error) {
	name, err := fileName(d.Name)
	if err != nil {
		return "", err
	}
	number, err := d.next(f, func(base string) (string, bool) {
		number, _, _ := strings.Cut(strings.TrimSuffix(base, ".sql"), "_")
		_, problem := parseNumbered(base)
		return number, problem == ""
	})
	return number + "_" + name, err
}

// refuseKind is for formats that have no repeatable migrations.
func (d Draft) refuseKind(tool string) error {
	if d.Kind == migrate.Repeatable {
		return &kindError{tool}
	}
	return nil
}

type kindError struct{ tool string }

func (e *kindError) Error() string {
	return e.tool + " has no repeatable migrations; kedge convert rewrites the folder in a format that does"
}

// serial gives versions to names in the order in which a tool runs them. The
// number at the front of a name is its version; a name without one, or one that
// is not above the version before, goes on from that: 7, 7.1, 7.2.
type serial struct {
	last  migrate.Version
	base  migrate.Version
	extra int
}

func (s *serial) next(number string) migrate.Version {
	v, err := migrate.ParseVersion(number)
	if err == nil && v.Compare(s.last) > 0 {
		s.last, s.base, s.extra = v, v, 0
		return v
	}
	if s.base == "" {
		s.base = "0"
	}
	s.extra++
	s.last, _ = migrate.ParseVersion(s.base.String() + "." + itoa(s.extra)) // digits and a dot
	return s.last
}

// Unwrap is ErrInvalid: what was asked for does not fit the folder.
func (e *kindError) Unwrap() error { return ErrInvalid }
