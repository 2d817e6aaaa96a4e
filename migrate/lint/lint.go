// Package lint looks at migrations before they run: it puts each statement into its place, among the statements before
// it, its transaction and what is known of the database, asks the rules, and settles what becomes of their findings.
// It does not know what the rules look for, it reads no files, and it opens no connections.
package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

// File is a script to look at.
type File struct {
	Name      string // as shown to people
	Text      string
	Line      int // of the file on which Text starts; 0 is 1
	Header    migrate.Header
	Direction migrate.Direction
	Down      *File // of an up script of a migration
	// WantsDown tells that the script is a versioned migration, which should have a down script.
	WantsDown bool
	// Unreadable is why the script cannot be looked at: its header or its encoding; nil when it can.
	Unreadable error
	// Earlier marks a script that ran before: it says what is there, and is not looked at itself.
	Earlier bool
}

// Scope says what files have to do with each other.
type Scope uint8

const (
	// Alone says nothing: each meets a database that nobody has said anything about.
	Alone Scope = iota
	// OneByOne says that each is a release of its own, after those before it: what they made is in use.
	OneByOne
	// Together says that all are released at once: what they make is in use by nobody.
	Together
)

// Options say what is known of the place where the files will run. The zero value knows nothing.
type Options struct {
	Scope       Scope
	Major       ddl.Major
	Target      *rules.Target
	LockTimeout *time.Duration // that the environment sets; nil when it is not known
	Names       func(name string) bool
	// Severities replace those of rules, by name.
	Severities map[string]finding.Severity
	// Minimum drops findings below it; the zero value is Notice.
	Minimum    finding.Severity
	Throughput Throughput
	// Rules is rules.Rules when it is nil.
	Rules []*rules.Rule
	// Traced returns what a statement was seen to do, by its file and its offset there, and whether it was seen.
	Traced func(file string, offset int64) ([]ddl.Effect, bool)
}

// assumedMajor stands for a server whose version is not known.
const assumedMajor = 17

// Result is what was found.
type Result struct {
	Findings   []finding.Finding
	Statements []Judged
	fixes      map[string]*fixes
}

// Judged is a statement with what is known and what was found of it.
type Judged struct {
	File     string
	Offset   int64 // in the script's text
	Effects  []ddl.Effect
	Findings []finding.Finding
}

// Judged returns what is known of a statement, by its file and its offset in the script; the zero value for none.
func (r *Result) Judged(file string, offset int64) Judged {
	for _, j := range r.Statements {
		if j.File == file && j.Offset == offset {
			return j
		}
	}
	return Judged{}
}

// Run looks at files, in the order in which they run.
func Run(files []File, opt Options) *Result {
	if opt.Rules == nil {
		opt.Rules = rules.Rules
	}
	if opt.Minimum == finding.Off {
		opt.Minimum = finding.Notice
	}
	if opt.Throughput == (Throughput{}) {
		opt.Throughput = Assumed
	}
	result := &Result{fixes: map[string]*fixes{}}
	together := func(files []File) {
		r := &run{opt: opt, result: result, scene: newScene(opt)}
		r.set = &rules.Set{OneRelease: opt.Scope == Together, Major: opt.Major, Target: opt.Target, Pattern: opt.Names, LockTimeout: opt.LockTimeout}
		r.files(files)
	}
	if opt.Scope == Alone {
		for i := range files {
			together(files[i : i+1])
		}
	} else {
		together(files)
	}
	finding.Sort(result.Findings)
	return result
}

func newScene(opt Options) *ddl.Scene {
	if opt.Target != nil && opt.Target.Scene != nil {
		return copyScene(opt.Target.Scene)
	}
	return &ddl.Scene{TimeZone: "UTC"}
}

// copyScene copies as deep as Scene.Apply changes.
func copyScene(s *ddl.Scene) *ddl.Scene {
	c := *s
	c.Relations = make([]*ddl.Relation, len(s.Relations))
	for i, r := range s.Relations {
		one := *r
		one.Columns, one.Constraints = slices.Clone(r.Columns), slices.Clone(r.Constraints)
		one.Children, one.Parents, one.Reads = slices.Clone(r.Children), slices.Clone(r.Parents), slices.Clone(r.Reads)
		if r.Index != nil {
			index := *r.Index
			one.Index = &index
		}
		c.Relations[i] = &one
	}
	c.Types, c.Functions, c.Statistics = slices.Clone(s.Types), slices.Clone(s.Functions), slices.Clone(s.Statistics)
	return &c
}

// run is one look at files that share a scene.
type run struct {
	opt    Options
	result *Result
	scene  *ddl.Scene
	set    *rules.Set

	scripts map[*rules.Script]*script
}

func (r *run) files(files []File) {
	var looked []*script
	r.scripts = map[*rules.Script]*script{}
	for i := range files {
		s := r.read(&files[i])
		if s == nil {
			continue
		}
		looked = append(looked, s)
		r.scripts[s.Script] = s
		if !files[i].Earlier {
			r.set.Scripts = append(r.set.Scripts, s.Script)
		}
	}
	for _, s := range looked {
		r.look(s)
		if s.file.Earlier || r.opt.Scope == OneByOne {
			for _, rel := range r.scene.Relations {
				rel.Made = false
			}
		}
	}
	for _, rule := range r.opt.Rules {
		if rule.Set != nil && len(r.set.Scripts) > 0 && r.severity(rule) != finding.Off {
			rule.Set(r.pass(rule, nil, nil))
		}
	}
	for _, s := range looked {
		if !s.file.Earlier {
			r.settle(s)
		}
	}
}

// script is a file as the rules see it, and what they said of it.
type script struct {
	*rules.Script
	file    *File
	ignores []*ignore
	raised  []raised
}

// raised is something that a rule found, before it is settled.
type raised struct {
	rule      *rules.Rule
	statement *rules.Statement
	found     rules.Found
}

// read cuts a file into statements and works out their transactions. What cannot be cut is a finding.
func (r *run) read(f *File) *script {
	s := &script{file: f, Script: &rules.Script{
		File: f.Name, Text: f.Text, Line: f.Line, IsDown: f.Direction == migrate.Down, WantsDown: f.WantsDown,
		Transaction: string(f.Header.Transaction), LockTimeout: f.Header.LockTimeout,
	}}
	list, err := ddl.Split(f.Text)
	if f.Unreadable != nil {
		err = f.Unreadable
	}
	if err != nil {
		if !f.Earlier {
			r.unreadable(f, err)
		}
		return nil
	}
	s.OneTransaction = oneTransaction(list, f.Header)
	s.Script.Statements = statements(list, s.OneTransaction)
	if f.Down != nil {
		down, err := ddl.Split(f.Down.Text)
		if err == nil {
			s.Down = &rules.Script{File: f.Down.Name, Text: f.Down.Text, IsDown: true, Statements: statements(down, true)}
		}
	}
	s.ignores = ignores(s.Script)
	return s
}

func (r *run) unreadable(f *File, err error) {
	var syntax *ddl.SyntaxError
	var meta *ddl.MetaCommandError
	found := finding.Finding{Rule: "unreadable-script", Severity: r.severity(rules.Find("unreadable-script")), File: f.Name, Line: 1, Column: 1, Message: err.Error()}
	switch {
	case errors.As(err, &syntax):
		found.Line, found.Column, found.Message = syntax.Line, syntax.Column, syntax.Message
	case errors.As(err, &meta):
		found.Line, found.Column, found.Message = meta.Line, meta.Column, fmt.Sprintf(`psql command \%s: %s`, meta.Command, meta.Reason)
	}
	found.Line += max(f.Line, 1) - 1
	found.EndLine = found.Line
	if found.Severity >= r.opt.Minimum {
		r.result.Findings = append(r.result.Findings, found)
	}
}

// oneTransaction tells whether the runner runs the statements in one transaction, as migrate.Step decides it.
func oneTransaction(list []ddl.Statement, h migrate.Header) bool {
	if h.Transaction == migrate.Off {
		return false
	}
	if _, ok := ddl.Enclosure(list); ok {
		return true
	}
	return !slices.ContainsFunc(list, func(s ddl.Statement) bool {
		return s.Class.Transaction == ddl.Outside || s.Class.Transaction == ddl.Control
	})
}

// statements parses, and numbers the transactions.
func statements(list []ddl.Statement, oneTransaction bool) []*rules.Statement {
	var all []*rules.Statement
	block, open := 1, false
	var lock, limit, localLock, localLimit string
	for _, st := range list {
		node, err := st.Parse()
		if err != nil {
			node = &ddl.Unknown{Verb: st.Class.Verb}
		}
		s := &rules.Statement{Statement: st, Node: node, InBlock: open}
		s.LockTimeout, s.StatementTimeout = orText(localLock, lock), orText(localLimit, limit)
		switch n := node.(type) {
		case *ddl.Set:
			value := strings.Trim(strings.TrimSpace(n.Value), "'")
			if n.Reset || strings.EqualFold(value, "default") {
				value = ""
			}
			all := n.Reset && n.Name == "all"
			if n.Name == "lock_timeout" || all {
				set(&lock, &localLock, value, n.Local)
			}
			if n.Name == "statement_timeout" || all {
				set(&limit, &localLimit, value, n.Local)
			}
		case *ddl.Transaction:
			switch n.Verb {
			case "BEGIN", "START TRANSACTION":
				open = true
				block++
			case "COMMIT", "END", "ROLLBACK", "ABORT":
				open = false
				localLock, localLimit = "", ""
			}
		}
		if !oneTransaction && !open {
			block++
		}
		s.Block = block
		if oneTransaction {
			s.Block = 1
		}
		all = append(all, s)
	}
	return all
}

func set(session, local *string, value string, isLocal bool) {
	if isLocal {
		*local = value
		return
	}
	*session, *local = value, ""
}

func orText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// look asks the rules about each statement, and applies it to the scene.
func (r *run) look(s *script) {
	major := r.major()
	for _, st := range s.Script.Statements {
		r.stage(st.Node)
		if s.IsDown {
			st.Effects = ddl.Effects(st.Node, major, r.scene)
			if !s.file.Earlier {
				r.ask(s, st)
			}
			continue
		}
		if !s.file.Earlier {
			st.Effects = ddl.Effects(st.Node, major, r.scene)
			if r.opt.Traced != nil {
				if seen, ok := r.opt.Traced(s.File, st.Offset); ok {
					st.Effects, st.Traced = seen, true
				}
			}
			r.ask(s, st)
		}
		r.scene.Apply(st.Node)
	}
	if s.file.Earlier {
		return
	}
	for _, rule := range r.opt.Rules {
		if rule.Script != nil && (rule.OnDown || !s.IsDown) && r.severity(rule) != finding.Off {
			rule.Script(r.pass(rule, s, nil))
		}
	}
}

func (r *run) major() ddl.Major {
	if r.opt.Major != 0 {
		return r.opt.Major
	}
	return assumedMajor
}

// stage puts a table that nobody has said anything about into the scene when a statement alters it, so that what is
// added to it is known to the statements after.
func (r *run) stage(node ddl.Node) {
	if n, ok := node.(*ddl.AlterTable); ok && n.Kind == "TABLE" && r.scene.Relation(n.Name) == nil {
		r.scene.Relations = append(r.scene.Relations, &ddl.Relation{Name: n.Name, Kind: ddl.Table})
	}
}

func (r *run) ask(s *script, st *rules.Statement) {
	p := r.pass(nil, s, st)
	for _, rule := range r.opt.Rules {
		if rule.Check != nil && (rule.OnDown || !s.IsDown) && r.severity(rule) != finding.Off {
			p.Rule = rule
			rule.Check(p)
		}
	}
}

// pass is what a rule is given. Copies of it with another statement report there.
func (r *run) pass(rule *rules.Rule, s *script, st *rules.Statement) *rules.Pass {
	p := &rules.Pass{Rule: rule, Set: r.set, Major: r.major(), Statement: st, Scene: r.scene}
	if s != nil {
		p.Script = s.Script
	}
	p.Others = func(family rules.Family) bool {
		return slices.ContainsFunc(s.raised, func(x raised) bool {
			return x.statement == st && x.rule.Family == family && x.rule != p.Rule
		})
	}
	p.Sink = func(at *rules.Pass, f rules.Found) {
		to := r.scripts[at.Script]
		to.raised = append(to.raised, raised{rule: at.Rule, statement: at.Statement, found: f})
	}
	return p
}

// severity returns the rule's severity as the project has it.
func (r *run) severity(rule *rules.Rule) finding.Severity {
	if s, ok := r.opt.Severities[rule.Name]; ok {
		return s
	}
	return rule.Severity
}
