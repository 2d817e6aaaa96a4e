package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is a way to write a report down.
type Format struct {
	Name  string
	About string
	Write func(w io.Writer, r Report) error
}

// Formats lists every format.
var Formats = []Format{
	{"text", "for people: the place, the source line and a caret", writeText},
	{"json", "one JSON document", writeJSON},
	{"github", "annotations of GitHub Actions", writeGitHub},
	{"gitlab", "a Code Quality report of GitLab", writeGitLab},
	{"sarif", "SARIF 2.1.0, for code scanning", writeSARIF},
	{"junit", "JUnit's XML, for test reports", writeJUnit},
	{"markdown", "a table for a pull request", writeMarkdown},
}

// FormatNames returns the names of the formats.
func FormatNames() []string {
	var names []string
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	return names
}

// Write writes the report in the format with the name.
func Write(w io.Writer, format string, r Report) error {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == format })
	if i < 0 {
		return fmt.Errorf("format %q is none of %s", format, strings.Join(FormatNames(), ", "))
	}
	if err := Formats[i].Write(w, r); err != nil {
		return fmt.Errorf("writing the findings: %w", err)
	}
	return nil
}

// encode writes v as indented JSON.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func writeJSON(w io.Writer, r Report) error {
	findings := r.Findings
	if findings == nil {
		findings = []Finding{}
	}
	return encode(w, struct {
		Findings []Finding `json:"findings"`
	}{findings})
}

// writeGitHub follows "Workflow commands for GitHub Actions".
func writeGitHub(w io.Writer, r Report) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range r.Findings {
		place := "file=" + property.Replace(f.File)
		if f.Line > 0 {
			place += fmt.Sprintf(",line=%d,endLine=%d,col=%d", f.Line, max(f.EndLine, f.Line), max(f.Column, 1))
		}
		if _, err := fmt.Fprintf(w, "::%s %s,title=%s::%s\n", f.Severity, place, property.Replace(f.Rule), data.Replace(f.sentence())); err != nil {
			return err
		}
	}
	return nil
}

// sentence is the message with the estimate and what to do instead.
func (f Finding) sentence() string {
	text := f.Message
	if f.Estimate != "" {
		text += " (" + f.Estimate + ")"
	}
	if f.Fix != "" {
		text += "\nInstead:\n" + f.Fix
	}
	return text
}

// Fingerprint identifies a finding across runs while lines above it come and go.
func (f Finding) Fingerprint() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Rule, f.File, f.Object, f.Statement, f.Message}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// writeGitLab follows GitLab's "Code Quality report format".
func writeGitLab(w io.Writer, r Report) error {
	type lines struct {
		Begin int `json:"begin"`
		End   int `json:"end"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type issue struct {
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	severities := map[Severity]string{Notice: "info", Warning: "minor", Error: "critical"}
	issues := []issue{}
	seen := map[string]int{}
	for _, f := range r.Findings {
		print := f.Fingerprint()
		seen[print]++
		if n := seen[print]; n > 1 {
			print += fmt.Sprintf("-%d", n)
		}
		line := max(f.Line, 1)
		issues = append(issues, issue{f.Message, f.Rule, print, severities[f.Severity], location{f.File, lines{line, max(f.EndLine, line)}}})
	}
	return encode(w, issues)
}

// writeJUnit writes a test suite with a case for each finding; those of notices succeed.
func writeJUnit(w io.Writer, r Report) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	type testCase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		File    string   `xml:"file,attr,omitempty"`
		Line    int      `xml:"line,attr,omitempty"`
		Failure *failure `xml:"failure"`
		Out     string   `xml:"system-out,omitempty"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	s := suite{Name: r.Tool}
	for _, f := range r.Findings {
		name := f.Message
		if f.File != "" {
			name = fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Rule)
		}
		c := testCase{Name: name, Class: f.Rule, File: f.File, Line: f.Line}
		if f.Severity >= Warning {
			c.Failure = &failure{f.Message, f.Severity.String(), f.sentence()}
			s.Failures++
		} else {
			c.Out = f.sentence()
		}
		s.Cases = append(s.Cases, c)
	}
	if len(s.Cases) == 0 {
		s.Cases = []testCase{{Name: "no findings", Class: r.Tool}}
	}
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func writeMarkdown(w io.Writer, r Report) error {
	if len(r.Findings) == 0 {
		_, err := io.WriteString(w, "No findings.\n")
		return err
	}
	cell := func(text string) string {
		return strings.NewReplacer("|", `\|`, "\n", "<br>", "<", "&lt;", ">", "&gt;").Replace(text)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| | place | rule | what |\n|---|---|---|---|\n", Summary(r.Findings))
	for _, f := range r.Findings {
		what := f.Message
		if f.Estimate != "" {
			what += " (" + f.Estimate + ")"
		}
		place := ""
		if f.File != "" {
			place = fmt.Sprintf("`%s:%d`", strings.ReplaceAll(f.File, "`", "'"), f.Line)
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", f.Severity, place, f.Rule, cell(what))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary counts findings for people: "2 errors, 1 warning".
func Summary(findings []Finding) string {
	var parts []string
	for _, s := range []Severity{Error, Warning, Notice} {
		switch n := Count(findings, s); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+s.String())
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	if len(parts) == 0 {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}
