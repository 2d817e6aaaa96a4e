package source

import (
	"crypto/sha256"
	"encoding/base64"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// atlas reads 20260101120000_name.sql beside an atlas.sum, which it checks
// (atlasgo.io, "Migration Directory Integrity" and "Directives").
type atlas struct{}

func (atlas) Name() string { return "atlas" }

const atlasSum = "atlas.sum"

func (a atlas) Detect(f *Folder) int {
	if !f.has(atlasSum) {
		return 0
	}
	return count(f.Files, func(name string) bool {
		_, problem := parseNumbered(path.Base(name))
		return problem == "" && !strings.Contains(name, "/")
	})
}

var atlasDirective = regexp.MustCompile(`^(?:--|#)\s*atlas:(\w+)(?:\s+(.*))?$`)

func (a atlas) Read(f *Folder) Reading {
	var r Reading
	files := f.topFiles("Atlas", &r)
	for _, name := range files {
		u, problem := parseNumbered(name)
		if problem != "" {
			r.problem(f, name, 0, RuleName, problem)
			continue
		}
		u.Path = name
		if text, ok := r.text(f, name); ok && a.directives(f, &r, &u, text) {
			r.Units = append(r.Units, u)
		}
	}
	if text, ok := r.text(f, atlasSum); ok {
		a.check(f, &r, files, text)
	}
	r.rest(f)
	return r
}

// directives reads the comments at the top of a file.
func (atlas) directives(f *Folder, r *Reading, u *Unit, text string) bool {
	for _, l := range textLines(text) {
		if !strings.HasPrefix(l.text, "--") && !strings.HasPrefix(l.text, "#") {
			break
		}
		m := atlasDirective.FindStringSubmatch(l.text)
		if m == nil {
			continue
		}
		switch name, value := m[1], strings.TrimSpace(m[2]); name {
		case "txmode":
			switch value {
			case "none":
				u.Settings.Transaction = migrate.Off
			case "file", "all":
			default:
				r.problem(f, u.Path, l.number, RuleContent, "atlas:txmode "+value+": expected none, file or all")
				return false
			}
		case "delimiter":
			delimiter := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t").Replace(value)
			if delimiter != ";" {
				whole := withSemicolons(text, delimiter)
				u.Text = &whole
			}
		case "checkpoint":
			u.Kind = migrate.Baseline
		case "sum", "nolint":
		case "txtar":
			r.problem(f, u.Path, l.number, RuleContent, "a migration with checks (atlas:txtar) cannot be read: make the checks statements of the migration")
			return false
		default:
			r.warn(f, u.Path, l.number, RuleContent, "the directive atlas:"+name+" is not known: passed over")
		}
	}
	return true
}

// withSemicolons ends every stretch between delimiters in a semicolon, and leaves
// the lines where they are. Inside of constants and comments a delimiter is none.
func withSemicolons(text, delimiter string) string {
	var b strings.Builder
	chunk := 0
	end := func(to int) {
		b.WriteString(text[chunk:to])
		if terminated(text[chunk:to]) {
			return
		}
		if i := strings.LastIndexByte(text[chunk:to], '\n'); strings.Contains(text[chunk+i+1:to], "--") {
			b.WriteByte('\n') // not into a comment
		}
		b.WriteByte(';')
	}
	for _, at := range delimiters(text, delimiter) {
		if at < chunk {
			continue
		}
		end(at)
		b.WriteString(strings.Repeat("\n", strings.Count(delimiter, "\n")))
		chunk = at + len(delimiter)
	}
	end(len(text))
	return b.String()
}

// delimiters are the places of a delimiter outside of constants and comments.
func delimiters(text, delimiter string) []int {
	var list []int
	position := 0
	for t := range ddl.Tokens(text) {
		switch t.Kind {
		case ddl.String, ddl.DollarString, ddl.QuotedIdent, ddl.Comment:
			list = append(list, placesOf(text[:min(len(text), t.Offset+len(delimiter)-1)], delimiter, position)...)
			position = t.Offset + len(strings.TrimRight(t.Text, "\r\n"))
		}
	}
	return append(list, placesOf(text, delimiter, position)...)
}

// placesOf are the places of a word in a text from a position on.
func placesOf(text, word string, from int) []int {
	var list []int
	for from < len(text) {
		i := strings.Index(text[from:], word)
		if i < 0 {
			break
		}
		list = append(list, from+i)
		from += i + len(word)
	}
	return list
}

// AtlasSums are the checksums of a migration folder as Atlas has them: of each
// file with those before it, in base64 after "h1:".
func AtlasSums(names []string, read func(name string) ([]byte, error)) (map[string]string, error) {
	names = slices.Clone(names)
	slices.Sort(names)
	sums := make(map[string]string, len(names))
	hash := sha256.New()
	for _, name := range names {
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		_, _ = hash.Write([]byte(name)) // a hash takes everything
		if first, _, _ := strings.Cut(string(text), "\n"); strings.Contains(first, "atlas:sum ignore") {
			continue
		}
		_, _ = hash.Write(text)
		sums[name] = base64.StdEncoding.EncodeToString(hash.Sum(nil))
	}
	return sums, nil
}

// check compares atlas.sum with the files.
func (atlas) check(f *Folder, r *Reading, files []string, text string) {
	sums, err := AtlasSums(files, f.ReadFile)
	if err != nil {
		return // the file is a problem already
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	named := map[string]bool{}
	changed := ""
	for n, line := range lines {
		if n == 0 {
			continue
		}
		name, sum, ok := strings.Cut(line, " h1:")
		switch name = strings.TrimSpace(name); {
		case !ok:
			r.problem(f, atlasSum, n+1, RuleContent, "not a line of an atlas.sum")
			return
		case sums[name] == "" && !slices.Contains(files, name):
			r.problem(f, atlasSum, n+1, RuleContent, name+" is not there any more: put it back, or run atlas migrate hash")
			return
		case sums[name] != sum && changed == "":
			changed = name
		}
		named[name] = true
	}
	for _, name := range files {
		if !named[name] && sums[name] != "" {
			r.problem(f, name, 0, RuleContent, "atlas.sum does not have it: run atlas migrate hash")
			return
		}
	}
	if changed != "" {
		r.problem(f, changed, 0, RuleContent, "it is not the file that atlas.sum was written for: put it back, or run atlas migrate hash")
	}
}

func (atlas) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("atlas"); err != nil {
		return nil, err
	}
	stem, err := d.numberedName(f)
	if err != nil {
		return nil, err
	}
	file := NewFile{Path: stem + ".sql", Content: upTemplate}
	names := []string{file.Path}
	for _, name := range f.Files {
		if !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	sums, err := AtlasSums(names, func(name string) ([]byte, error) {
		if name == file.Path {
			return []byte(file.Content), nil
		}
		return f.ReadFile(name)
	})
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	all := sha256.New()
	for _, name := range names {
		if sum, ok := sums[name]; ok {
			_, _ = all.Write([]byte(name + sum)) // a hash takes everything
			b.WriteString(name + " h1:" + sum + "\n")
		}
	}
	sum := "h1:" + base64.StdEncoding.EncodeToString(all.Sum(nil)) + "\n" + b.String()
	return []NewFile{file, {Path: atlasSum, Content: sum, Replaces: true}}, nil
}
