package document

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/schema"
)

// Mermaid draws a model as a Mermaid entity-relationship diagram.
// https://mermaid.js.org/syntax/entityRelationshipDiagram.html
func Mermaid(m *schema.Model) (string, error) {
	b := NewBook(m)
	var tables []*Table
	for _, p := range b.Schemas {
		tables = append(tables, p.Tables...)
	}
	return mermaid(tables, b), nil
}

func mermaid(tables []*Table, b *Book) string {
	var w strings.Builder
	w.WriteString("erDiagram\n")
	drawn := map[schema.ID]bool{}
	for _, t := range tables {
		drawn[t.ID] = true
		fmt.Fprintf(&w, "    %s {\n", entity(t.Name))
		for _, c := range t.Columns {
			fmt.Fprintf(&w, "        %s %s", word(c.Type), word(c.Name))
			if keys := c.keys(); keys != "" {
				fmt.Fprintf(&w, " %s", keys)
			}
			w.WriteByte('\n')
		}
		w.WriteString("    }\n")
	}
	for _, t := range tables {
		for _, r := range t.Refers {
			if b.tables[r.To] == nil {
				continue
			}
			fmt.Fprintf(&w, "    %s %s %s : %s\n", entity(qualified(r.To)), r.mermaid(), entity(t.Name), label(strings.Join(r.Columns, ", ")))
		}
	}
	return w.String()
}

// mermaid is the line between the referred table and the one that refers.
func (r *Reference) mermaid() string {
	left, right := "||", "o{"
	if r.Optional {
		left = "|o"
	}
	if r.One {
		right = "o|"
	}
	return left + "--" + right
}

func entity(name string) string { return label(name) }

func label(s string) string {
	return `"` + strings.NewReplacer(`"`, "'", "\n", " ", "%", "_", `\`, "/", "<", "(", ">", ")").Replace(visible(s)) + `"`
}

// word is a name that Mermaid takes for a type or a column: it has letters,
// digits, dashes, underscores, brackets and parentheses.
func word(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '(', r == ')', r == '[', r == ']', r == '-':
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	out := b.String()
	if out == "" || !(out[0] >= 'a' && out[0] <= 'z' || out[0] >= 'A' && out[0] <= 'Z' || out[0] == '_') {
		out = "_" + out
	}
	return out
}
