// Package finding knows what a finding is, something that lint, drift or verify wants a person to look at, and how
// findings are written down for people and for the tools that show them. It does not know how one comes about.
package finding

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Severity is how much a finding matters. The zero value is Off.
type Severity uint8

// The severities, weakest first. Only warnings and errors make a command end with exit code 2.
const (
	Off Severity = iota
	Notice
	Warning
	Error
)

var severityNames = [...]string{"off", "notice", "warning", "error"}

// String returns the severity as it is written in JSON and in kedge.yaml.
func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads a severity.
func ParseSeverity(text string) (Severity, error) {
	if i := slices.Index(severityNames[:], text); i >= 0 {
		return Severity(i), nil
	}
	return Off, fmt.Errorf("%q is none of off, notice, warning and error", text)
}

// MarshalJSON writes the severity's name.
func (s Severity) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads a severity's name.
func (s *Severity) UnmarshalJSON(text []byte) error {
	var name string
	if err := json.Unmarshal(text, &name); err != nil {
		return fmt.Errorf("reading a severity: %w", err)
	}
	parsed, err := ParseSeverity(name)
	*s = parsed
	return err
}

// Finding is one thing to look at. Lines and columns count from 1; 0 is a place that is not known.
type Finding struct {
	Rule      string   `json:"rule"`
	Severity  Severity `json:"severity"`
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Column    int      `json:"column"` // in characters
	EndLine   int      `json:"end_line"`
	Statement string   `json:"statement"`
	Message   string   `json:"message"`
	Object    string   `json:"object"`
	Lock      string   `json:"lock"` // as LOCK TABLE spells it
	Fix       string   `json:"fix"`  // SQL to use instead, or what to do
	// Estimate is how long the lock is held, for people; empty where nothing is known of the object's size.
	Estimate string `json:"estimate,omitempty"`
}

// Report is the findings of one run.
type Report struct {
	Findings []Finding
	Tool     string // "kedge 1.2.3"
	// Explain returns what a rule is about, in one sentence or more; nil explains nothing.
	Explain func(rule string) string
	// Source returns the text of a file, for the line under a finding; nil shows none.
	Source func(file string) (string, bool)
	// Paint colours text for a severity; nil leaves it as it is.
	Paint func(severity Severity, text string) string
}

// Sort orders findings by file, place and rule.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule, b.Rule))
	})
}

// Worst returns the highest severity among the findings.
func Worst(findings []Finding) Severity {
	worst := Off
	for _, f := range findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Count returns how many findings have the severity.
func Count(findings []Finding, severity Severity) int {
	n := 0
	for _, f := range findings {
		if f.Severity == severity {
			n++
		}
	}
	return n
}
