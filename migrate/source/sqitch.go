package source

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// sqitch reads the changes of a sqitch.plan, with their scripts in deploy and
// revert (sqitch.org, sqitchchanges and sqitch-configuration). A change's place in
// the plan is its version.
type sqitch struct{}

func (sqitch) Name() string { return "sqitch" }

const (
	sqitchPlan = "sqitch.plan"
	sqitchConf = "sqitch.conf"
)

func (sqitch) Detect(f *Folder) int {
	if _, ok := sqitchPlanOf(f); ok {
		return len(f.Files) + 1
	}
	return 0
}

// sqitchPlanOf finds the plan: right in the folder, or where sqitch.conf says.
func sqitchPlanOf(f *Folder) (string, bool) {
	conf := sqitchSettings(f)
	for _, name := range []string{conf["plan_file"], path.Join(conf["top_dir"], sqitchPlan), sqitchPlan} {
		if name != "" && f.has(name) {
			return name, true
		}
	}
	return "", false
}

// sqitchSettings are the core settings of sqitch.conf, those of the engine pg over them.
func sqitchSettings(f *Folder) map[string]string {
	settings := map[string]string{"top_dir": ".", "extension": "sql"}
	if !f.has(sqitchConf) {
		return settings
	}
	text, err := f.ReadFile(sqitchConf)
	if err != nil {
		return settings
	}
	list := readINI(string(text))
	for _, section := range []string{"core", `engine "pg"`} {
		for _, s := range list {
			if s.section == section {
				settings[s.key] = strings.Trim(s.value, `"`)
			}
		}
	}
	return settings
}

// sqitchChange is a line of a plan.
type sqitchChange struct {
	line     int
	name     string
	requires []string
	script   string // its name without extension: with @tag when the change was reworked later
}

var (
	sqitchLine   = regexp.MustCompile(`^([+-]?)\s*([^\s@\[#%+-][^\s\[]*)\s*(?:\[([^\]]*)\])?\s*(.*)$`)
	sqitchPragma = regexp.MustCompile(`^%([a-z-]+)\s*=\s*(.*)$`)
)

func (s sqitch) Read(f *Folder) Reading {
	var r Reading
	plan, _ := sqitchPlanOf(f)
	if plan == "" {
		r.problem(f, sqitchPlan, 0, RuleRead, "there is no such plan")
		return r
	}
	text, ok := r.text(f, plan)
	if !ok {
		return r
	}
	settings := sqitchSettings(f)
	folder := func(kind string) string {
		if dir := settings[kind+"_dir"]; dir != "" {
			return path.Clean(dir)
		}
		return path.Join(path.Dir(plan), kind)
	}
	used := map[string]bool{}
	for n, c := range s.changes(f, &r, plan, text) {
		version, err := migrate.ParseVersion(itoa(n + 1))
		if err != nil { // digits always parse
			continue
		}
		u := Unit{Version: version, Name: c.name, Kind: migrate.Versioned, Direction: migrate.Up, Path: path.Join(folder("deploy"), c.script+"."+settings["extension"])}
		if !slices.Contains(f.Files, u.Path) {
			r.problem(f, plan, c.line, RuleContent, "the change "+c.name+" has no script "+f.Shown(u.Path))
			continue
		}
		used[u.Path] = true
		r.Units = append(r.Units, u)
		u.Direction, u.Path = migrate.Down, path.Join(folder("revert"), c.script+"."+settings["extension"])
		if slices.Contains(f.Files, u.Path) {
			used[u.Path] = true
			r.Units = append(r.Units, u)
		}
	}
	verify := folder("verify") + "/"
	for _, name := range f.Files {
		switch {
		case used[name]:
		case strings.HasPrefix(name, verify):
			r.Ignored = append(r.Ignored, name)
		default:
			r.warn(f, name, 0, RuleName, "no change of "+plan+" names it: passed over")
			r.Ignored = append(r.Ignored, name)
		}
	}
	r.rest(f)
	return r
}

// changes reads a plan: its changes in order, dependencies checked.
func (sqitch) changes(f *Folder, r *Reading, plan, text string) []*sqitchChange {
	var list []*sqitchChange
	open := map[string]*sqitchChange{} // the last instance of each name
	var reworked []*sqitchChange       // changes whose scripts get the name of the next tag
	tags := map[string]bool{}
	project := ""
	sinceTag := map[string]bool{}
	for _, l := range textLines(text) {
		line, _, _ := strings.Cut(l.text, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if m := sqitchPragma.FindStringSubmatch(line); m != nil {
			if m[1] == "project" {
				project = strings.TrimSpace(m[2])
			}
			continue
		}
		if tag, ok := strings.CutPrefix(line, "@"); ok {
			tag, _, _ = strings.Cut(tag, " ")
			tags["@"+tag] = true
			for _, c := range open {
				if c.script == c.name && sinceTag[c.name] {
					c.script = c.name + "\x00" + tag // known once it is reworked
				}
			}
			sinceTag = map[string]bool{}
			continue
		}
		m := sqitchLine.FindStringSubmatch(line)
		if m == nil || m[1] == "-" {
			r.problem(f, plan, l.number, RuleContent, "not a change, a tag or a pragma of sqitch")
			continue
		}
		c := &sqitchChange{line: l.number, name: m[2], script: m[2], requires: strings.Fields(strings.ReplaceAll(m[3], ",", " "))}
		if first := open[c.name]; first != nil {
			if !strings.Contains(first.script, "\x00") {
				r.problem(f, plan, l.number, RuleContent, "the change "+c.name+" stands here a second time without a tag in between")
				continue
			}
			reworked = append(reworked, first)
		}
		for _, need := range c.requires {
			name, conflict := strings.CutPrefix(need, "!")
			if other, rest, ok := strings.Cut(name, ":"); ok {
				if other != project {
					r.warn(f, plan, l.number, RuleContent, "the dependency "+need+" is on another project: not checked")
					continue
				}
				name = rest
			}
			base, tag, tagged := strings.Cut(name, "@")
			there := base != "" && open[base] != nil && (!tagged || tags["@"+tag]) || base == "" && tags["@"+tag]
			switch {
			case conflict && there:
				r.problem(f, plan, l.number, RuleContent, "the change "+c.name+" conflicts with "+name+", which comes before it")
			case !conflict && !there:
				r.problem(f, plan, l.number, RuleContent, "the change "+c.name+" needs "+name+", which does not come before it")
			}
		}
		open[c.name] = c
		sinceTag[c.name] = true
		list = append(list, c)
	}
	for _, c := range list {
		name, tag, _ := strings.Cut(c.script, "\x00")
		c.script = name
		if slices.Contains(reworked, c) {
			c.script = name + "@" + tag
		}
	}
	return list
}

// New adds a change to the plan, with its scripts.
func (s sqitch) New(f *Folder, d Draft) ([]NewFile, error) {
	if err := d.refuseKind("sqitch"); err != nil {
		return nil, err
	}
	name, err := fileName(d.Name)
	if err != nil {
		return nil, err
	}
	plan, _ := sqitchPlanOf(f)
	text, err := f.ReadFile(plan)
	if err != nil {
		return nil, err
	}
	conf := sqitchSettings(f)
	folder := func(kind string) string {
		if dir := conf[kind+"_dir"]; dir != "" {
			return path.Clean(dir)
		}
		return path.Join(path.Dir(plan), kind)
	}
	list := strings.TrimRight(string(text), "\n") + "\n" + name + " " + d.Now.UTC().Format("2006-01-02T15:04:05Z") + " kedge <kedge@localhost> # " + name + "\n"
	files := []NewFile{{Path: path.Join(folder("deploy"), name+"."+conf["extension"]), Content: upTemplate}}
	if !d.OneWay {
		files = append(files, NewFile{Path: path.Join(folder("revert"), name+"."+conf["extension"]), Content: downTemplate})
	}
	return append(files, NewFile{Path: plan, Content: list, Replaces: true}), nil
}
