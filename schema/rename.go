package schema

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/schema/ddl"
)

// Rename says that an object of one model is an object of another under a new name.
type Rename struct {
	From ID
	To   string // the new name alone, unquoted
}

// String is the rename as [ParseRename] reads it: table:public.a=b.
func (r Rename) String() string { return r.From.String() + "=" + r.To }

// ParseRename reads a rename: an ID, an equals sign and the new name, as in
// table:public.a=b or column:public.t.a=b.
func ParseRename(text string) (Rename, error) {
	at := strings.LastIndex(text, "=")
	if at < 0 {
		return Rename{}, fmt.Errorf("rename %q: expected KIND:NAME=NEWNAME, as in table:public.a=b", text)
	}
	id, err := ParseID(text[:at])
	if err != nil {
		return Rename{}, fmt.Errorf("rename %q: %w", text, err)
	}
	name := text[at+1:]
	if unquoted, ok := strings.CutPrefix(name, `"`); ok {
		name = strings.ReplaceAll(strings.TrimSuffix(unquoted, `"`), `""`, `"`)
	}
	if name == "" {
		return Rename{}, fmt.Errorf("rename %q: the new name is missing", text)
	}
	return Rename{id, name}, nil
}

// Statement is the rename in SQL, given the model that it starts from.
func (r Rename) Statement(from *Model) (Statement, error) {
	o := from.Object(r.From)
	if o == nil {
		return Statement{}, fmt.Errorf("renaming %s: there is no such object", r.From)
	}
	to := ddl.QuoteIdent(r.To)
	hazard := []Hazard{{Behaviour, "what still uses the old name fails"}}
	switch r.From.Kind {
	case "column", "constraint":
		parent := from.Object(o.Parent())
		if parent == nil {
			return Statement{}, fmt.Errorf("renaming %s: its table is unknown", r.From)
		}
		verb := "COLUMN"
		if r.From.Kind == "constraint" {
			verb, hazard = "CONSTRAINT", nil
		}
		return Statement{SQL: fmt.Sprintf("ALTER %s RENAME %s %s TO %s", parent.Target(), verb, ddl.QuoteIdent(r.From.Name), to), Hazards: hazard}, nil
	}
	if r.From.Kind == "index" || r.From.Kind == "trigger" || r.From.Kind == "policy" || r.From.Kind == "rule" {
		hazard = nil
	}
	return Statement{SQL: fmt.Sprintf("ALTER %s RENAME TO %s", o.Target(), to), Hazards: hazard}, nil
}

// KnownRenames are the objects and columns that have another name in to but the
// same oid (and attribute number), in two models of one database. Parts whose
// table is renamed too come after it, under its new name.
func KnownRenames(from, to *Model) []Rename {
	if from.Identity == "" || from.Identity != to.Identity {
		return nil
	}
	type address struct {
		kind   Kind
		oid    uint32
		attnum int16
	}
	old := map[address]ID{}
	for _, o := range from.Objects() {
		if c := o.Common(); c.Oid != 0 && !to.Has(o.ID()) {
			old[address{o.ID().Kind, c.Oid, c.Attnum}] = o.ID()
		}
	}
	moved := map[[2]string]string{}
	var renames []Rename
	for _, o := range to.Objects() {
		c, id := o.Common(), o.ID()
		was, known := old[address{id.Kind, c.Oid, c.Attnum}]
		if c.Oid == 0 || !known || from.Has(id) || was.Schema != id.Schema || was.Args != id.Args {
			continue
		}
		if table, ok := moved[[2]string{was.Schema, was.Table}]; ok && was.Table != "" {
			was.Table = table
		}
		if was.Table != id.Table || was.Name == id.Name {
			continue
		}
		if was.Table == "" {
			moved[[2]string{was.Schema, was.Name}] = id.Name
		}
		renames = append(renames, Rename{was, id.Name})
	}
	return renames
}

// PossibleRenames are pairs of a removed and an added object that may be one
// under two names: columns of one table with the same properties, tables with
// the same columns. They are for a person to decide.
func PossibleRenames(from, to *Model, changes []ObjectChange) []Rename {
	var removed, added []Object
	for _, c := range changes {
		switch c.Operation {
		case Removed:
			removed = append(removed, from.Object(c.Object))
		case Added:
			added = append(added, to.Object(c.Object))
		}
	}
	var renames []Rename
	for _, a := range removed {
		var fits []Object
		for _, b := range added {
			if alike(from, to, a, b) {
				fits = append(fits, b)
			}
		}
		if len(fits) == 1 {
			renames = append(renames, Rename{a.ID(), fits[0].ID().Name})
		}
	}
	return renames
}

// alike tells whether two objects differ in nothing but their name.
func alike(from, to *Model, a, b Object) bool {
	if a == nil || b == nil {
		return false
	}
	x, y := a.ID(), b.ID()
	if x.Kind != y.Kind || x.Schema != y.Schema || x.Table != y.Table || len(Compare(a, b)) > 0 {
		return false
	}
	switch x.Kind {
	case "column":
		return true
	case "table":
		p, q := columnsOf(from, x), columnsOf(to, y)
		if len(p) == 0 || len(p) != len(q) {
			return false
		}
		for i := range p {
			if p[i].ID().Name != q[i].ID().Name || len(Compare(p[i], q[i])) > 0 {
				return false
			}
		}
		return true
	}
	return false
}

func columnsOf(m *Model, table ID) []Object {
	var columns []Object
	for _, part := range m.Parts(table) {
		if part.ID().Kind == "column" {
			columns = append(columns, part)
		}
	}
	return columns
}
