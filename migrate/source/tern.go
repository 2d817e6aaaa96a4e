package source

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"text/template"

	"github.com/kedgedb/kedge/migrate"
)

// tern reads 001_name.sql, cut in two by "---- create above / drop below ----"
// (github.com/jackc/tern). Templates get the data of tern.conf and of the
// environment's placeholders, and may use those that stand in folders below;
// functions that tern takes from other libraries are problems.
type tern struct{}

func (tern) Name() string { return "tern" }

const (
	ternSeparator = "---- create above / drop below ----"
	ternDisableTx = "---- tern: disable-tx ----"
	ternConf      = "tern.conf"
)

func (tern) Detect(f *Folder) int {
	if f.has(ternConf) {
		return len(f.Files) + 1
	}
	return f.detectMarked(ternMark)
}

var ternName = regexp.MustCompile(`^([0-9]+)_(.+)\.sql$`)

func (t tern) Read(f *Folder) Reading {
	var r Reading
	data := t.data(f, &r)
	shared := template.New("shared")
	for _, name := range f.Files {
		if !strings.Contains(name, "/") {
			continue
		}
		r.Ignored = append(r.Ignored, name)
		if text, ok := r.text(f, name); ok {
			if _, err := shared.New(name).Parse(text); err != nil {
				r.warn(f, name, 0, RuleContent, "not a template that kedge can read: "+err.Error())
			}
		}
	}
	for _, name := range f.Files {
		if strings.Contains(name, "/") {
			continue
		}
		m := ternName.FindStringSubmatch(name)
		if m == nil {
			r.problem(f, name, 0, RuleName, "the name does not begin with a number and an underscore; expected for example 001_create_users.sql")
			continue
		}
		version, err := migrate.ParseVersion(m[1])
		if err != nil { // digits always parse
			r.problem(f, name, 0, RuleName, err.Error())
			continue
		}
		if text, ok := r.text(f, name); ok {
			u := Unit{Version: version, Name: m[2], Kind: migrate.Versioned, Direction: migrate.Up, Path: name}
			r.Units = append(r.Units, t.units(u, text, shared, data)...)
		}
	}
	r.rest(f)
	return r
}

func (t tern) units(u Unit, text string, shared *template.Template, data map[string]string) []Unit {
	lines := textLines(text)
	cut := -1
	for n, l := range lines {
		if strings.Contains(l.text, ternSeparator) {
			cut = n
			break
		}
	}
	list := []Unit{u}
	if cut >= 0 {
		down := u
		down.Direction = migrate.Down
		down.Part = stretch(text, lines, cut, -1)
		list = append(list, down)
	}
	if len(lines) > 0 && cut != 0 {
		list[0].Part = stretch(text, lines, 0, cut)
	}
	for i := range list {
		one := &list[i]
		script := text
		if one.Part != nil {
			script = one.Part.in(text)
		}
		for _, l := range textLines(script) {
			if l.text == ternDisableTx {
				one.Settings.Transaction = migrate.Off
			}
		}
		if strings.Contains(script, "{{") {
			one.Expand = func(script string) (string, map[string]string, error) { return t.expand(script, shared, data) }
		}
	}
	return list
}

var ternPosition = regexp.MustCompile(`^template: [^:]*:(\d+)(?::\d+)?: `)

// expand executes a script's template.
func (tern) expand(script string, shared *template.Template, data map[string]string) (string, map[string]string, error) {
	var b strings.Builder
	t, err := shared.Clone()
	if err == nil {
		t, err = t.New("script").Option("missingkey=error").Parse(script)
	}
	if err == nil {
		err = t.Execute(&b, data)
	}
	if err != nil {
		at := &placeError{line: 1, message: err.Error()}
		if m := ternPosition.FindStringSubmatch(at.message); m != nil {
			_, _ = fmt.Sscan(m[1], &at.line) // digits
			at.message = "template: " + at.message[len(m[0]):]
		}
		return "", nil, at
	}
	return b.String(), data, nil
}

// data is the section [data] of tern.conf, with the environment's placeholders over it.
func (tern) data(f *Folder, r *Reading) map[string]string {
	data := map[string]string{}
	text, err := f.ReadFile(ternConf)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.problem(f, ternConf, 0, RuleRead, "cannot be read: "+reason(err))
	}
	conf := string(text)
	if strings.Contains(conf, "{{") {
		env := func(name string) string { value, _ := f.env(name); return value }
		var b strings.Builder
		t, err := template.New("conf").Funcs(template.FuncMap{"env": env}).Parse(conf)
		if err == nil {
			err = t.Execute(&b, nil)
		}
		if err != nil {
			r.problem(f, ternConf, 0, RuleContent, err.Error())
		}
		conf = b.String()
	}
	for _, s := range readINI(conf) {
		if s.section == "data" {
			data[s.key] = s.value
		}
	}
	for name, value := range f.values {
		data[name] = value
	}
	return data
}

// iniSetting is a line of an INI file.
type iniSetting struct {
	line                int
	section, key, value string
}

// readINI reads key = value lines below [section] lines, with ; and # for comments.
func readINI(text string) []iniSetting {
	var list []iniSetting
	section := ""
	scanner := bufio.NewScanner(strings.NewReader(text))
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section = strings.TrimSpace(line[1 : len(line)-1])
		default:
			key, value, _ := strings.Cut(line, "=")
			list = append(list, iniSetting{n, section, strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	}
	return list
}

func (tern) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("tern"); err != nil {
		return nil, err
	}
	name, err := fileName(d.Name)
	if err != nil {
		return nil, err
	}
	d.Scheme = Sequential // tern counts 1, 2, 3
	number, err := d.next(f, func(base string) (string, bool) {
		m := ternName.FindStringSubmatch(base)
		if m == nil {
			return "", false
		}
		return m[1], true
	})
	if err != nil {
		return nil, err
	}
	if count(f.Files, func(name string) bool { return ternName.MatchString(path.Base(name)) }) == 0 {
		number = "001"
	}
	content := upTemplate
	if !d.OneWay {
		content += ternSeparator + "\n\n" + downTemplate
	}
	return []NewFile{{Path: number + "_" + name + ".sql", Content: content}}, nil
}
