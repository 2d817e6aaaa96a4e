// Package snapshot knows how a model is written down: as one SQL script, as a
// folder of them, as JSON. It does not know how a database is read or drawn: see
// catalog and document.
package snapshot

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

// Options say what is left out. The zero value leaves nothing out.
type Options struct {
	Without schema.Without
}

// block is the statements about one object that stand together.
type block struct {
	of         schema.ID
	statements []schema.Statement
}

// blocks are a model's statements in loading order.
func blocks(m *schema.Model, o Options) ([]block, error) {
	statements, err := schema.Render(catalog.Pristine(m), m, schema.Options{Without: o.Without})
	if err != nil {
		return nil, err
	}
	var list []block
	for _, s := range statements {
		of := s.Block
		if of.IsZero() {
			of = s.Object
		}
		if len(list) == 0 || list[len(list)-1].of != of {
			list = append(list, block{of: of})
		}
		last := &list[len(list)-1]
		last.statements = append(last.statements, s)
	}
	return list, nil
}

func (b block) write(w *strings.Builder) {
	for _, s := range b.statements {
		w.WriteString(s.SQL)
		w.WriteString(";\n")
	}
}

// preamble is what a script begins with.
func preamble(list []block) string {
	for _, b := range list {
		if text := schema.Preamble(b.statements); text != "" {
			return text + ";\n"
		}
	}
	return ""
}

// SQL writes a model as one script, everything about an object together, that
//
//	psql -X -1 -v ON_ERROR_STOP=1 -f
//
// loads into an empty database. It depends on nothing but the model's content.
func SQL(m *schema.Model, o Options) (string, error) {
	list, err := blocks(m, o)
	if err != nil {
		return "", err
	}
	var w strings.Builder
	w.WriteString(preamble(list))
	for _, b := range list {
		if w.Len() > 0 {
			w.WriteByte('\n')
		}
		b.write(&w)
	}
	return w.String(), nil
}
