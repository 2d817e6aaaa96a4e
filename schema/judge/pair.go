package judge

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Roles are the roles that pairs may name. They must exist on the server, since
// a pair's scripts make none: roles belong to no database.
var Roles = []string{"app_owner", "app_reader", "app_writer", "Odd Role"}

// Pair is a schema before and after a change, each as a script for an empty
// database. A pair is judged both ways.
//
// Its file, FAMILY/NAME.txtar, has a sentence on what it is about, old.sql,
// new.sql, maybe rows.sql, which fills the old schema's tables with rows that
// must outlive the difference, and maybe options, "name: value" on lines:
//
//	lost: TABLE TABLE.COLUMN …       may change their content on the way to new
//	lost-back: TABLE TABLE.COLUMN …  may change their content on the way back
//	back: fresh                      the way back starts from a new database of
//	                                 the new schema without rows, since the rows
//	                                 could not stand the way back
//	back: none REASON                there is no way back
//	major: N                         needs PostgreSQL N
type Pair struct {
	Family, Name, Doc string

	Old, New string
	Rows     string

	Lost, LostBack []string
	Back           Back
	Major          int
}

// Back says how the way back is judged.
type Back int

// The ways back.
const (
	BackWithRows Back = iota // in the database that came forward, rows included
	BackFresh                // in a new database of the new schema
	BackNone                 // not at all
)

// String is the pair's family and name.
func (p Pair) String() string { return p.Family + "/" + p.Name }

// ReadPairs reads all pairs of a folder of families, ordered by name.
func ReadPairs(fsys fs.FS) ([]Pair, error) {
	files, err := fs.Glob(fsys, "*/*.txtar")
	if err != nil {
		return nil, fmt.Errorf("reading pairs: %w", err)
	}
	slices.Sort(files)
	pairs := make([]Pair, 0, len(files))
	for _, file := range files {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("reading pairs: %w", err)
		}
		p, err := parsePair(text)
		if err != nil {
			return nil, fmt.Errorf("reading pair %s: %w", file, err)
		}
		p.Family, p.Name = path.Dir(file), strings.TrimSuffix(path.Base(file), ".txtar")
		pairs = append(pairs, p)
	}
	return pairs, nil
}

func parsePair(text []byte) (Pair, error) {
	archive := txtar.Parse(text)
	p := Pair{Doc: strings.TrimSpace(string(archive.Comment))}
	seen := map[string]bool{}
	for _, f := range archive.Files {
		seen[f.Name] = true
		data := string(f.Data)
		switch f.Name {
		case "old.sql":
			p.Old = data
		case "new.sql":
			p.New = data
		case "rows.sql":
			p.Rows = data
		case "options":
			if err := p.setOptions(data); err != nil {
				return p, err
			}
		default:
			return p, fmt.Errorf("unknown part %q", f.Name)
		}
	}
	if !seen["old.sql"] || !seen["new.sql"] {
		return p, fmt.Errorf("old.sql or new.sql is missing")
	}
	return p, nil
}

func (p *Pair) setOptions(text string) error {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch {
		case name == "":
		case name == "lost":
			p.Lost = strings.Fields(value)
		case name == "lost-back":
			p.LostBack = strings.Fields(value)
		case name == "back" && value == "fresh":
			p.Back = BackFresh
		case name == "back" && strings.HasPrefix(value, "none "):
			p.Back = BackNone
		case name == "major":
			if _, err := fmt.Sscan(value, &p.Major); err != nil {
				return fmt.Errorf("option major: %w", err)
			}
		default:
			return fmt.Errorf("unknown option %q", line)
		}
	}
	return nil
}
