package drift

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/kedgedb/kedge/schema"
)

//go:embed report.html
var page string

// group is the changes of one object, for the page.
type group struct {
	Kind, Name string
	Changes    []Change
}

// WriteHTML writes the report as one self-contained page: each change with what
// is expected and what is live side by side. It needs no network.
func WriteHTML(w io.Writer, r *Report, environment string) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"words": func(k schema.Kind) string { return words(k) },
		"title": func(p string) string { return strings.ReplaceAll(p, "_", " ") },
		"stamp": func(at time.Time) string { return at.UTC().Format(time.DateTime) + "Z" },
	}).Parse(page)
	if err != nil {
		return err
	}
	counts := map[Severity]int{}
	var groups []group
	var last schema.ID
	for _, c := range r.Changes {
		counts[c.Severity]++
		if len(groups) == 0 || c.Group != last {
			last = c.Group
			groups = append(groups, group{Kind: words(last.Kind), Name: nameOf(last)})
		}
		g := &groups[len(groups)-1]
		g.Changes = append(g.Changes, c)
	}
	return t.Execute(w, struct {
		*Report
		Environment string
		Groups      []group
		Counts      map[Severity]int
		Severities  []Severity
	}{r, environment, groups, counts, Severities})
}
