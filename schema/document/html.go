package document

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/kedgedb/kedge/schema"
)

//go:embed book.html
var bookPage string

// HTML describes a model as one self-contained page: searchable, tables linked,
// the diagram zoomable. It needs no network.
func HTML(m *schema.Model) (string, error) {
	b := NewBook(m)
	t, err := template.New("book").Funcs(template.FuncMap{
		"anchor":    anchor,
		"qualified": qualified,
		"visible":   visible,
		"join":      func(list []string) string { return strings.Join(list, ", ") },
		"sections":  (*Table).sections,
		"keys":      (*Column).keys,
	}).Parse(bookPage)
	if err != nil {
		return "", fmt.Errorf("reading the page's template: %w", err)
	}
	var w strings.Builder
	err = t.Execute(&w, struct {
		*Book
		Diagram template.HTML
	}{b, template.HTML(b.svg("diagram"))}) // everything in the drawing is escaped where it is drawn
	if err != nil {
		return "", fmt.Errorf("writing the page: %w", err)
	}
	return w.String(), nil
}
