package document

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/schema"
)

// Markdown describes a model in GitHub's Markdown: a chapter a schema with a
// table a table, and a Mermaid diagram that GitHub draws.
func Markdown(m *schema.Model) (string, error) {
	b := NewBook(m)
	var w strings.Builder
	title := "Schema"
	if b.Database != "" {
		title = "Schema of " + text(b.Database)
	}
	fmt.Fprintf(&w, "# %s\n", title)
	for _, p := range b.Schemas {
		p.markdown(&w, b)
	}
	return w.String(), nil
}

func (p *Page) markdown(w *strings.Builder, b *Book) {
	fmt.Fprintf(w, "\n## %s\n", text(p.Name))
	if p.Comment != "" {
		fmt.Fprintf(w, "\n%s\n", text(p.Comment))
	}
	if len(p.Tables) > 0 {
		fmt.Fprintf(w, "\n```mermaid\n%s```\n", mermaid(p.Tables, b))
	}
	for _, t := range p.Tables {
		t.markdown(w)
	}
	for _, s := range p.Others {
		fmt.Fprintf(w, "\n### %s in %s\n", s.Title, text(p.Name))
		for _, o := range s.Objects {
			o.markdown(w)
		}
	}
}

func (t *Table) markdown(w *strings.Builder) {
	fmt.Fprintf(w, "\n### <a id=\"%s\"></a>%s\n", anchor(t.Name), text(t.Name))
	if t.Comment != "" {
		fmt.Fprintf(w, "\n%s\n", text(t.Comment))
	}
	if t.PartitionBy != "" {
		fmt.Fprintf(w, "\nPartitioned by %s: %d partitions.\n", code(t.PartitionBy), len(t.Partitions))
	}
	if t.RowSecurity {
		w.WriteString("\nRow security is on.\n")
	}
	if len(t.Columns) > 0 {
		w.WriteString("\n| column | type | null | default | key | personal | comment |\n|---|---|---|---|---|---|---|\n")
	}
	for _, c := range t.Columns {
		null := ""
		if c.Nullable {
			null = "null"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", text(c.Name), code(c.Type), null, code(c.Default), c.keys(), text(c.Personal), text(c.Comment))
	}
	if len(t.Refers)+len(t.Referred) > 0 {
		w.WriteByte('\n')
	}
	for _, r := range t.Refers {
		to := qualified(r.To)
		fmt.Fprintf(w, "- %s refers to [%s](#%s) %s\n", text(strings.Join(r.Columns, ", ")), text(to), anchor(to), text("("+strings.Join(r.Referred, ", ")+")"))
	}
	for _, r := range t.Referred {
		from := qualified(r.From)
		fmt.Fprintf(w, "- referred to by [%s](#%s) %s\n", text(from), anchor(from), text("("+strings.Join(r.Columns, ", ")+")"))
	}
	for _, s := range t.sections() {
		if len(s.Objects) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s:\n\n", s.Title)
		for _, o := range s.Objects {
			fmt.Fprintf(w, "- %s: %s%s\n", text(o.Name), code(o.Definition), dash(o.Comment))
		}
	}
}

// sections are what stands below a table's columns.
func (t *Table) sections() []Section {
	return []Section{{"Indexes", t.Indexes}, {"Constraints", t.Constraints}, {"Triggers", t.Triggers}, {"Policies", t.Policies}}
}

func (c *Column) keys() string {
	var keys []string
	if c.Primary {
		keys = append(keys, "PK")
	}
	if c.Foreign {
		keys = append(keys, "FK")
	}
	if c.Unique {
		keys = append(keys, "UK")
	}
	return strings.Join(keys, ", ")
}

func (e Entry) markdown(w *strings.Builder) {
	fmt.Fprintf(w, "\n#### %s\n", text(e.Name))
	if e.Comment != "" {
		fmt.Fprintf(w, "\n%s\n", text(e.Comment))
	}
	if e.Definition != "" {
		fmt.Fprintf(w, "\n%s\n", fenced("sql", e.Definition))
	}
}

func dash(comment string) string {
	if comment == "" {
		return ""
	}
	return " — " + text(comment)
}

// text is plain text in Markdown: on one line, nothing in it acts as markup.
func text(s string) string {
	s = strings.Join(strings.Fields(visible(s)), " ")
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~&$", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// code is a code span on one line, also inside a table.
func code(s string) string {
	s = strings.Join(strings.Fields(visible(s)), " ")
	if s == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	s = strings.ReplaceAll(s, "|", "\\|")
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

func fenced(language, s string) string {
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + language + "\n" + visible(strings.TrimRight(s, "\n")) + "\n" + fence
}
