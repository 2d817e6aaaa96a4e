package main

import (
	"fmt"
	"os"

	"github.com/kedgedb/kedge/migrate/finding"
)

// showFindings prints findings in a format and ends with 2 when one is more
// than a notice.
func (a *app) showFindings(list []finding.Finding, format string, explain func(rule string) string) error {
	finding.Sort(list)
	if a.flags.json {
		format = "json"
	}
	err := finding.Write(a.out, format, finding.Report{
		Findings: list,
		Tool:     "kedge " + versionText(),
		Explain:  explain,
		Source: func(file string) (string, bool) {
			text, err := os.ReadFile(a.path(file))
			return string(text), err == nil
		},
		Paint: a.paintSeverity,
	})
	if err != nil {
		return fmt.Errorf("writing the findings: %w", err)
	}
	return found(finding.Worst(list) >= finding.Warning)
}

func (a *app) paintSeverity(s finding.Severity, text string) string {
	switch s {
	case finding.Error:
		return a.paint(a.out, red, text)
	case finding.Warning:
		return a.paint(a.out, yellow, text)
	}
	return a.paint(a.out, dim, text)
}
