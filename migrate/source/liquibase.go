package source

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// liquibase reads formatted SQL changelogs: files that begin with "--liquibase
// formatted sql" and hold changesets (docs.liquibase.com, "SQL changelog
// example"). A root changelog in XML, YAML or JSON gives their order; without one it is that of
// their paths. A changeset's version is the place of its file and its own place in it.
type liquibase struct{}

func (liquibase) Name() string { return "liquibase" }

func (liquibase) Detect(f *Folder) int {
	n := count(f.Files, func(name string) bool { return f.mark(name) == liquibaseMark })
	if n == 0 {
		return 0
	}
	return n + 1
}

var (
	changelogRoot    = regexp.MustCompile(`databaseChangeLog`)
	changelogInclude = regexp.MustCompile(`<include\s[^>]*?file\s*=\s*"([^"]+)"|"?\bfile"?\s*:\s*["']?([^"'\s,}]+)|<includeAll\s[^>]*?path\s*=\s*"([^"]+)"|"?\bpath"?\s*:\s*["']?([^"'\s,}]+)`)
	changelogChanges = regexp.MustCompile(`<changeSet\b|"?\bchangeSet"?\s*:`)
)

func (q liquibase) Read(f *Folder) Reading {
	var r Reading
	order := q.order(f, &r)
	for i, name := range order {
		text, ok := r.text(f, name)
		if !ok {
			continue
		}
		if f.mark(name) != liquibaseMark {
			r.problem(f, name, 1, RuleContent, `not a formatted SQL changelog: it does not begin with "--liquibase formatted sql"`)
			continue
		}
		l := changelog{f: f, r: &r, name: name, number: i + 1}
		l.read(text)
	}
	return r
}

// order is the SQL files in the order of a root changelog, or by path.
func (liquibase) order(f *Folder, r *Reading) []string {
	var roots []string
	for _, name := range f.Other {
		if !slices.Contains([]string{".xml", ".yaml", ".yml", ".json"}, path.Ext(name)) {
			r.Ignored = append(r.Ignored, name)
			continue
		}
		text, ok := r.text(f, name)
		if !ok || !changelogRoot.MatchString(text) {
			r.Ignored = append(r.Ignored, name)
			continue
		}
		if at := changelogChanges.FindStringIndex(text); at != nil {
			r.problem(f, name, 1+strings.Count(text[:at[0]], "\n"), RuleContent, "a changeset that is not SQL: kedge reads formatted SQL; liquibase update-sql writes it")
			continue
		}
		roots = append(roots, name)
	}
	w := &changelogWalk{f: f, r: r, seen: map[string]bool{}}
	included := map[string]bool{}
	for _, root := range roots {
		for _, name := range w.includes(root) {
			included[name] = true
		}
	}
	for _, root := range roots {
		if !included[root] {
			w.walk(root)
		}
	}
	if len(roots) == 0 {
		return f.Files
	}
	for _, name := range f.Files {
		if !w.seen[name] {
			r.warn(f, name, 0, RuleName, "no changelog includes it, so Liquibase does not run it: passed over")
			r.Ignored = append(r.Ignored, name)
		}
	}
	return w.list
}

// changelogWalk follows the includes of changelogs.
type changelogWalk struct {
	f    *Folder
	r    *Reading
	seen map[string]bool
	list []string
}

// includes are the files of the folder that a changelog includes. Paths may begin
// above the folder, as they do when they are relative to a classpath.
func (w *changelogWalk) includes(name string) []string {
	text, err := w.f.ReadFile(name)
	if err != nil {
		return nil // a problem already
	}
	var list []string
	for _, m := range changelogInclude.FindAllStringSubmatchIndex(string(text), -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return string(text[m[2*i]:m[2*i+1]])
		}
		file, folder := group(1)+group(2), group(3)+group(4)
		found := w.find(name, file, folder)
		if len(found) == 0 {
			w.r.problem(w.f, name, 1+strings.Count(string(text[:m[0]]), "\n"), RuleContent, "it includes "+file+folder+", which is not in the folder of migrations")
		}
		list = append(list, found...)
	}
	return list
}

func (w *changelogWalk) find(from, file, folder string) []string {
	all := append(slices.Clone(w.f.Files), w.f.Other...)
	slices.Sort(all)
	want := strings.TrimPrefix(file+folder, "classpath:")
	for _, candidate := range []string{path.Join(path.Dir(from), want), path.Clean(strings.TrimPrefix(want, "/"))} {
		for rest := candidate; ; {
			var found []string
			for _, name := range all {
				if file != "" && name == rest || folder != "" && (rest == "." || strings.HasPrefix(name, strings.TrimSuffix(rest, "/")+"/")) {
					found = append(found, name)
				}
			}
			if len(found) > 0 {
				return found
			}
			_, after, ok := strings.Cut(rest, "/")
			if !ok {
				break
			}
			rest = after
		}
	}
	return nil
}

func (w *changelogWalk) walk(name string) {
	if w.seen[name] {
		return
	}
	w.seen[name] = true
	if isSQL(name) {
		w.list = append(w.list, name)
		return
	}
	if !slices.Contains([]string{".xml", ".yaml", ".yml", ".json"}, path.Ext(name)) {
		return
	}
	for _, next := range w.includes(name) {
		w.walk(next)
	}
}

// changelog is a formatted SQL file while it is read.
type changelog struct {
	f      *Folder
	r      *Reading
	name   string
	number int // of the file, from 1
	text   string
	lines  []textLine
	last   migrate.Version // of the changeset before
	after  string          // key of a repeatable one that the next changeset stands after
}

var (
	changesetLine = regexp.MustCompile(`(?i)^\s*--\s*changeset\s+(.*)$`)
	changesetID   = regexp.MustCompile(`^(?:"([^"]+)"|([^\s:"]+)):(?:"([^"]+)"|(\S+))\s*(.*)$`)
	attributePair = regexp.MustCompile(`([A-Za-z]+):(?:"([^"]*)"|(\S*))`)
	rollbackLine  = regexp.MustCompile(`(?i)^\s*--\s*rollback\b ?(.*)$`)
	rollbackBlock = regexp.MustCompile(`(?i)^\s*/\*\s*(?:liquibase\s+)?rollback\b(.*)$`)
	otherLine     = regexp.MustCompile(`(?i)^\s*--\s*(precondition[a-z-]*|comment|validchecksum|property|ignorelines|ignore|include)\b[: ]?\s*(.*)$`)
)

func (l *changelog) read(text string) {
	l.text, l.lines = text, textLines(text)
	start := -1
	for n, line := range l.lines {
		switch {
		case changesetLine.MatchString(line.text):
			if start >= 0 {
				l.changeset(start, n)
			}
			start = n
		case start < 0 && strings.TrimSpace(line.text) != "" && !strings.HasPrefix(strings.TrimSpace(line.text), "--") && !strings.HasPrefix(strings.TrimSpace(line.text), "/*"):
			l.fail(n, "SQL before the first changeset")
			return
		}
		if m := otherLine.FindStringSubmatch(line.text); m != nil && start < 0 && strings.EqualFold(m[1], "property") {
			l.r.warn(l.f, l.name, line.number, RuleContent, "a property of Liquibase is not read: give it to the environment as a placeholder")
		}
	}
	if start >= 0 {
		l.changeset(start, len(l.lines))
	}
}

func (l *changelog) fail(n int, format string, args ...any) {
	l.r.problem(l.f, l.name, l.lines[n].number, RuleContent, fmt.Sprintf(format, args...))
}

// changeset reads the lines from its head to before the next one.
func (l *changelog) changeset(from, to int) {
	head := changesetLine.FindStringSubmatch(l.lines[from].text)[1]
	m := changesetID.FindStringSubmatch(head)
	if m == nil {
		l.fail(from, "expected --changeset author:id")
		return
	}
	u := Unit{
		Name: m[1] + m[2] + ":" + m[3] + m[4], Kind: migrate.Versioned, Direction: migrate.Up, Path: l.name,
	}
	place, count := l.number, 1
	for _, other := range l.r.Units {
		if other.Path == l.name && other.Direction == migrate.Up {
			count++
		}
	}
	u.Version, _ = migrate.ParseVersion(itoa(place) + "." + itoa(count)) // digits and a dot
	u.Settings.Allow = []migrate.Allowance{{Hazard: "out-of-order", Reason: "Liquibase runs what is new wherever it stands"}}
	c := changeset{changelog: l, unit: u, from: from, to: to}
	c.read(m[5])
}

// changeset is one changeset while it is read.
type changeset struct {
	*changelog
	unit          Unit
	from, to      int
	skip          bool
	delimiter     string
	back          string // the delimiter of its rollback
	preconditions preconditions
}

// read makes the scripts of a changeset.
func (c *changeset) read(attributes string) {
	before := len(c.r.Problems)
	for _, m := range attributePair.FindAllStringSubmatch(attributes, -1) {
		c.attribute(m[1], m[2]+m[3])
	}
	up, down, reverts := c.split()
	if len(c.r.Problems) > before || c.skip {
		return
	}
	if c.delimiter != "" && c.delimiter != ";" {
		up = endLines(up, c.delimiter)
	}
	if guarded, ok := c.preconditions.guard(c, up); ok {
		up = guarded
	}
	u := c.unit
	u.Part = &Part{Line: c.lines[c.from].number}
	u.Text = &up
	if u.Kind == migrate.Repeatable {
		u.Version = ""
		if c.last != "" {
			u.Settings.Depends = []string{c.last.String()}
		}
		c.after = "R__" + u.Name
	} else {
		if c.after != "" {
			u.Settings.Depends = []string{c.after}
			c.after = ""
		}
		c.last = u.Version
	}
	c.r.Units = append(c.r.Units, u)
	if !reverts {
		return
	}
	if c.back != "" && c.back != ";" {
		down = endLines(down, c.back)
	}
	d := u
	d.Direction, d.Text = migrate.Down, &down
	d.Settings = migrate.Header{Transaction: u.Settings.Transaction}
	c.r.Units = append(c.r.Units, d)
}

// attribute reads one attribute of a changeset's head.
func (c *changeset) attribute(name, value string) {
	switch strings.ToLower(name) {
	case "runonchange":
		if value == "true" {
			c.unit.Kind = migrate.Repeatable
		}
	case "runalways":
		if value == "true" {
			c.fail(c.from, "runAlways is not possible: runOnChange:true runs it again when it has changed")
		}
	case "runintransaction":
		if value == "false" {
			c.unit.Settings.Transaction = migrate.Off
		}
	case "failonerror":
		if value == "false" {
			c.fail(c.from, "failOnError:false is not possible: a migration takes effect as a whole or not at all")
		}
	case "enddelimiter":
		c.delimiter = unescapeDelimiter(value)
		if c.back == "" {
			c.back = c.delimiter
		}
	case "rollbackenddelimiter":
		c.back = unescapeDelimiter(value)
	case "dbms":
		c.skip = c.skip || !forPostgres(value)
	case "ignore":
		c.skip = c.skip || value == "true"
	case "context", "contexts", "contextfilter":
		c.contexts(value)
	case "splitstatements", "stripcomments", "labels", "logicalfilepath", "runorder", "created", "objectquotingstrategy", "runwith", "tag", "rollbacksplitstatements", "onvalidationfail":
	default:
		c.r.warn(c.f, c.name, c.lines[c.from].number, RuleContent, "the attribute "+name+" is not known: passed over")
	}
}

// endLines makes a delimiter at the end of a line a semicolon. One that is a
// slash or a word stands on a line of its own.
func endLines(text, delimiter string) string {
	delimiter = strings.TrimSpace(delimiter)
	alone := delimiter == "/" || contextName.MatchString(delimiter)
	var b strings.Builder
	var chunk strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		body := strings.TrimRight(line, " \t\r\n")
		before, ok := strings.CutSuffix(body, delimiter)
		if alone {
			before, ok = "", strings.EqualFold(strings.TrimSpace(body), delimiter)
		}
		if !ok || strings.HasPrefix(strings.TrimSpace(line), "--") {
			chunk.WriteString(line)
			continue
		}
		chunk.WriteString(before)
		b.WriteString(chunk.String())
		if !terminated(chunk.String()) {
			b.WriteString(";")
		}
		b.WriteString(line[len(body):])
		chunk.Reset()
	}
	return b.String() + chunk.String()
}

func unescapeDelimiter(value string) string {
	return strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\s`, " ", `\\`, `\`, `\|`, "|", `\$`, "$").Replace(value)
}

// forPostgres tells whether a dbms attribute means PostgreSQL.
func forPostgres(value string) bool {
	list := strings.Split(value, ",")
	negative := true
	for _, item := range list {
		switch item = strings.ToLower(strings.TrimSpace(item)); {
		case item == "postgresql" || item == "all" || item == "any":
			return true
		case item == "!postgresql" || item == "none":
			return false
		case !strings.HasPrefix(item, "!"):
			negative = false
		}
	}
	return negative
}

var contextName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// contexts makes a list of names the environments that a changeset is for.
func (c *changeset) contexts(value string) {
	for _, item := range regexp.MustCompile(`(?i)\s*,\s*|\s+or\s+`).Split(strings.TrimSpace(value), -1) {
		if !contextName.MatchString(item) {
			c.fail(c.from, "the context %q: kedge knows lists of names, which it takes for environments", value)
			return
		}
		if !slices.Contains(c.unit.Settings.Environments, item) {
			c.unit.Settings.Environments = append(c.unit.Settings.Environments, item)
		}
	}
}

// split takes the rollback out of the comments. Both scripts keep their lines.
func (c *changeset) split() (up, down string, reverts bool) {
	var forward, back strings.Builder
	inBlock := false
	for n := c.from; n < c.to; n++ {
		line := c.lines[n].text
		ahead, behind := line, ""
		switch {
		case inBlock:
			ahead, behind = "", line
			if i := strings.Index(line, "*/"); i >= 0 {
				inBlock, behind = false, line[:i]
			}
		case rollbackLine.MatchString(line):
			ahead, behind = "", rollbackLine.FindStringSubmatch(line)[1]
			reverts = true
		case rollbackBlock.MatchString(line):
			ahead, behind = "", rollbackBlock.FindStringSubmatch(line)[1]
			reverts, inBlock = true, true
			if i := strings.Index(behind, "*/"); i >= 0 {
				behind, inBlock = behind[:i], false
			}
		default:
			if m := otherLine.FindStringSubmatch(line); m != nil {
				c.directive(n, strings.ToLower(m[1]), m[2])
			}
		}
		if ahead == "" && line != "" {
			ahead = "--"
		}
		if word := strings.ToLower(strings.TrimSpace(behind)); word == "empty" || word == "not required" {
			behind = "-- nothing has to be done"
		} else if strings.HasPrefix(word, "changesetid:") || strings.HasPrefix(word, "changelogsyncfile") {
			c.fail(n, "a rollback that names another changeset: write its SQL")
		}
		forward.WriteString(ahead + "\n")
		back.WriteString(behind + "\n")
	}
	return forward.String(), back.String(), reverts
}

// directive reads a comment that means something.
func (c *changeset) directive(n int, word, rest string) {
	switch {
	case strings.HasPrefix(word, "precondition"):
		c.preconditions.read(c, n, word, rest)
	case word == "ignorelines" || word == "include":
		c.fail(n, "%s is not possible", word)
	}
}

const liquibaseTemplate = "--liquibase formatted sql\n\n"

// New is a changelog of its own for the changeset.
func (liquibase) New(f *Folder, d Draft) ([]NewFile, error) {
	name, err := fileName(d.Name)
	if err != nil {
		return nil, err
	}
	number, err := d.next(f, func(base string) (string, bool) {
		number, _, _ := strings.Cut(strings.TrimSuffix(base, ".sql"), "_")
		_, problem := parseNumbered(base)
		return number, problem == ""
	})
	if err != nil {
		return nil, err
	}
	head := "--changeset kedge:" + name
	if d.Kind == migrate.Repeatable {
		head += " runOnChange:true"
	}
	content := liquibaseTemplate + head + "\n" + upTemplate
	if !d.OneWay && d.Kind != migrate.Repeatable {
		content += "--rollback -- Takes back what the changeset did.\n"
	}
	return []NewFile{{Path: number + "_" + name + ".sql", Content: content}}, nil
}
