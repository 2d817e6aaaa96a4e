package drift

import (
	"github.com/kedgedb/kedge/migrate/finding"
)

// RuleOf is the name under which a change is reported as a finding: drift and
// its severity.
func RuleOf(s Severity) string { return "drift-" + string(s) }

// Explain says what a rule of a drift finding is about.
func Explain(rule string) string {
	return map[string]string{
		RuleOf(Security):    "The live database gives or withholds rights otherwise than the migrations do.",
		RuleOf(Integrity):   "A constraint, unique index or trigger of the live database does not hold what the migrations promise.",
		RuleOf(Structure):   "The live database has another structure than the migrations build.",
		RuleOf(Performance): "The live database has other indexes, statistics or storage settings than the migrations build.",
		RuleOf(Cosmetic):    "The live database differs in what no query sees.",
		ruleOfRules:         "An ignore rule has ended or matches nothing.",
		ruleUnmodelled:      "kedge does not model an object, so it was not compared.",
	}[rule]
}

const (
	ruleOfRules    = "drift-ignore-rule"
	ruleUnmodelled = "drift-unmodelled"
)

// Findings are the report as findings, for the formats that other tools read.
// A change that is traced to a migration stands at its file and line.
func (r *Report) Findings() []finding.Finding {
	var list []finding.Finding
	for _, c := range r.Changes {
		f := finding.Finding{Rule: RuleOf(c.Severity), Severity: weight(c.Severity), Message: c.Sentence, Object: c.Name, Fix: c.SQL}
		if c.Origin != nil {
			f.File, f.Line, f.Column, f.EndLine = c.Origin.File, c.Origin.Line, 1, c.Origin.Line
		}
		if c.Statement != nil {
			f.Message += "\n" + c.Statement.String()
			f.Statement = c.Statement.Command
		}
		list = append(list, f)
	}
	for _, rule := range r.Rules {
		list = append(list, finding.Finding{Rule: ruleOfRules, Severity: finding.Notice, File: rule.File, Line: rule.Line, Column: 1, EndLine: rule.Line, Message: rule.Message})
	}
	for _, u := range r.Unmodelled {
		list = append(list, finding.Finding{Rule: ruleUnmodelled, Severity: finding.Notice, Object: u.Description, Message: u.Description + " (" + u.Catalog + ") was not compared"})
	}
	return list
}

func weight(s Severity) finding.Severity {
	switch s {
	case Security, Integrity:
		return finding.Error
	case Structure:
		return finding.Warning
	}
	return finding.Notice
}
