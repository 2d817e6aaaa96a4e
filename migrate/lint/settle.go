package lint

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

// settle turns what the rules found in a script into findings: without those that a comment silences, with the
// severity that the project and the size of the table give them.
func (r *run) settle(s *script) {
	judged := map[*rules.Statement]*Judged{}
	for _, st := range s.Script.Statements {
		judged[st] = &Judged{File: s.File, Offset: st.Offset, Effects: st.Effects}
	}
	for _, x := range s.raised {
		if x.statement == nil || s.silenced(x.rule.Name, x.statement) || x.rule.LosesData && s.takesOn("data-loss") {
			continue
		}
		f := r.finding(s, x)
		if f.Severity == finding.Off {
			continue
		}
		if f.Severity < r.opt.Minimum {
			continue
		}
		j := judged[x.statement]
		j.Findings = append(j.Findings, f)
		r.result.Findings = append(r.result.Findings, f)
		if len(x.found.Edits) > 0 {
			r.fixes(s).add(x)
		}
	}
	r.unused(s)
	for _, st := range s.Script.Statements {
		finding.Sort(judged[st].Findings)
		r.result.Statements = append(r.result.Statements, *judged[st])
	}
}

// finding places what a rule found in its file.
func (r *run) finding(s *script, x raised) finding.Finding {
	st, found := x.statement, x.found
	f := finding.Finding{
		Rule: x.rule.Name, Severity: r.severity(x.rule), File: s.File, EndLine: st.EndLine, Statement: st.SQL,
		Message: found.Message, Object: found.Object.String(), Lock: found.Lock.String(), Fix: found.Fix,
	}
	if _, set := r.opt.Severities[x.rule.Name]; !set {
		if found.Severity != finding.Off && f.Severity != finding.Off {
			f.Severity = found.Severity
		}
		if x.rule.Family == rules.Blocking {
			r.weigh(&f, found)
		}
	}
	if f.Estimate == "" && found.Lock != ddl.NoLock {
		f.Estimate = r.estimate(found)
	}
	f.Line, f.Column = st.Place(found.Span.Start)
	if found.Span.End > 0 {
		f.EndLine, _ = st.Place(found.Span.End)
	}
	shift := max(s.Line, 1) - 1
	f.Line, f.EndLine = f.Line+shift, f.EndLine+shift
	return f
}

// unused reports comments that silence nothing, or give no reason.
func (r *run) unused(s *script) {
	say := func(rule string, ig *ignore, message string) {
		severity := r.severity(rules.Find(rule))
		if severity == finding.Off || severity < r.opt.Minimum || r.notAsked(rule) {
			return
		}
		line := ig.line + max(s.Line, 1) - 1
		r.result.Findings = append(r.result.Findings, finding.Finding{Rule: rule, Severity: severity, File: s.File, Line: line, Column: ig.col, EndLine: line, Message: message})
	}
	for _, ig := range s.ignores {
		if len(ig.rules) == 0 {
			say("ignore-without-reason", ig, "the comment names no rule: -- kedge:ignore RULE reason")
			continue
		}
		if ig.reason == "" {
			say("ignore-without-reason", ig, fmt.Sprintf("the comment silences nothing without a reason: -- kedge:ignore %s reason", ig.rules[0]))
			continue
		}
		for _, name := range ig.rules {
			switch {
			case ig.used[name]:
			case rules.Find(name) == nil:
				say("unused-ignore", ig, fmt.Sprintf("there is no rule %s", name))
			default:
				say("unused-ignore", ig, fmt.Sprintf("%s finds nothing here", name))
			}
		}
	}
}

// notAsked tells whether the run leaves a rule out.
func (r *run) notAsked(name string) bool {
	for _, rule := range r.opt.Rules {
		if rule.Name == name {
			return false
		}
	}
	return true
}

// takesOn tells whether the script's header takes a hazard on, with a reason.
func (s *script) takesOn(hazard string) bool {
	return slices.ContainsFunc(s.file.Header.Allow, func(a migrate.Allowance) bool { return a.Hazard == hazard && a.Reason != "" })
}
