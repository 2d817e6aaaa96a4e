package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/kedgedb/kedge/migrate/drift"
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
		if s := c.Statement; s != nil {
			who := s.Role
			if s.Client != "" {
				who += " from " + s.Client
			}
			if s.Application != "" {
				who += ", " + s.Application
			}
			a.result("              %s", a.paint(a.out, dim, visible(fmt.Sprintf("%s by %s: %s", s.At.UTC().Format(time.DateTime)+"Z", who, firstLine(s.Command, 100)))))
		}
	}
	a.result("\n%s: %s against %s", environment, count(len(r.Changes), "difference"), against)
	if len(r.Ignored) > 0 {
		a.say("%s excused by rules", count(len(r.Ignored), "difference"))
	}
	a.say("The SQL that puts it right: kedge drift --fix revert")
	return nil
}
