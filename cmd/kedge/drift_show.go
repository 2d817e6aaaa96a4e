package main

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/drift"
	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema"
)

// driftFormat is a way to show a drift report.
type driftFormat struct {
	name  string
	write func(a *app, r *drift.Report, environment string) error
}

func driftFormats() []driftFormat {
	return []driftFormat{
		{"text", (*app).driftText},
		{"json", func(a *app, r *drift.Report, _ string) error { return a.document(r) }},
		{"markdown", findingsOf("markdown")},
		{"sarif", findingsOf("sarif")},
		{"junit", findingsOf("junit")},
		{"html", func(a *app, r *drift.Report, environment string) error {
			if err := drift.WriteHTML(a.out, r, environment); err != nil {
				return fmt.Errorf("writing the report: %w", err)
			}
			return nil
		}},
	}
}

// findingsOf writes the report as findings in one of their formats.
func findingsOf(format string) func(*app, *drift.Report, string) error {
	return func(a *app, r *drift.Report, _ string) error {
		err := finding.Write(a.out, format, finding.Report{Findings: r.Findings(), Tool: "kedge " + versionText(), Explain: drift.Explain})
		if err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		return nil
	}
}

func driftFormatNames() []string {
	var names []string
	for _, f := range driftFormats() {
		names = append(names, f.name)
	}
	return names
}

func (a *app) showDrift(r *drift.Report, environment, format string) error {
	if a.flags.json {
		format = "json"
	}
	for _, f := range driftFormats() {
		if f.name == format {
			return f.write(a, r, environment)
		}
	}
	return usagef("--format %s: expected one of %s", format, strings.Join(driftFormatNames(), ", "))
}

var severityColors = map[drift.Severity]paint{drift.Security: red, drift.Integrity: red, drift.Structure: yellow, drift.Performance: yellow, drift.Cosmetic: dim}

// driftText is the report for people, grouped by object.
func (a *app) driftText(r *drift.Report, environment string) error {
	against := r.Against
	if r.ExpectedVersion != "" {
		against += " at " + string(r.ExpectedVersion)
	}
	for _, u := range r.Unmodelled {
		a.warn("%s (%s) is not modelled by kedge and was not compared", u.Description, u.Catalog)
	}
	for _, rule := range r.Rules {
		a.warn("%s:%d: %s", rule.File, rule.Line, rule.Message)
	}
	for _, c := range r.EditedFiles {
		a.warn("an applied migration's file was edited: the files build another schema than they did when they ran: %s", c.Sentence)
	}
	if !r.Drifted {
		a.result("%s", a.paint(a.out, green, fmt.Sprintf("%s: no drift against %s", environment, against)))
		return nil
	}
	var group schema.ID
	for _, c := range r.Changes {
		if c.Group != group {
			group = c.Group
			a.result("%s", a.paint(a.out, bold, visible(strings.ReplaceAll(string(group.Kind), "_", " ")+" "+objectName(group))))
		}
		a.result("  %s %s", a.paint(a.out, severityColors[c.Severity], fmt.Sprintf("%-11s", c.Severity)), visible(c.Sentence))
		if c.Origin != nil && a.flags.verbose {
			a.result("              %s", a.paint(a.out, dim, visible(fmt.Sprintf("made by %s:%d", c.Origin.File, c.Origin.Line))))
		}
		if c.Statement != nil {
			a.result("              %s", a.paint(a.out, dim, visible(c.Statement.String())))
		}
	}
	a.result("\n%s: %s against %s", environment, count(len(r.Changes), "difference"), against)
	if len(r.Ignored) > 0 {
		a.say("%s excused by rules", count(len(r.Ignored), "difference"))
	}
	a.say("The SQL that puts it right: kedge drift --fix revert")
	return nil
}
