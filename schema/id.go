// Package schema is the model of a database's schema: its objects, what they
// depend on, how two models differ and in which order the statements between
// them run. It knows no catalog query and no connection; schema/catalog holds
// the kinds of objects and reads them.
package schema

import (
	"fmt"
	"strings"
)

// Kind names a kind of object in PostgreSQL's words: "table", "column",
// "materialized_view".
type Kind string

// ID names an object within a database, independent of oids. It is comparable
// and its text form is stable: "table:public.t", "column:public.t.a",
// "function:public.f(integer)".
type ID struct {
	Kind   Kind
	Schema string // "" for objects outside schemas
	Table  string // the relation (or other owner) the object belongs to, "" when it stands alone
	Name   string
	Args   string // what else tells namesakes apart, in parentheses: "(integer)"
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String is the text form of id; [ParseID] reads it back.
func (id ID) String() string {
	var b strings.Builder
	b.WriteString(string(id.Kind))
	b.WriteByte(':')
	for _, part := range []string{id.Schema, id.Table} {
		if part != "" {
			writePart(&b, part)
			b.WriteByte('.')
		}
	}
	writePart(&b, id.Name)
	b.WriteString(id.Args)
	return b.String()
}

func writePart(b *strings.Builder, s string) {
	if s != "" && !strings.ContainsAny(s, `.":()= `+"\t\n\r") {
		b.WriteString(s)
		return
	}
	b.WriteByte('"')
	b.WriteString(strings.ReplaceAll(s, `"`, `""`))
	b.WriteByte('"')
}

// inTable are the kinds whose text form has a relation between schema and name.
var inTable = map[Kind]bool{
	"column": true, "default": true, "constraint": true, "trigger": true, "policy": true, "rule": true,
	"inheritance": true, "domain_constraint": true,
}

// outsideSchemas are the kinds with a relation-like owner but no schema.
var outsideSchemas = map[Kind]bool{
	"user_mapping": true, "default_privileges": true, "database_setting": true, "membership": true,
	"publication_table": true, "publication_schema": true, "privileges": true,
}

// ParseID reads the text form of an ID. A name in double quotes is taken as it
// is, otherwise up to the next dot or parenthesis.
func ParseID(text string) (ID, error) {
	kind, rest, found := strings.Cut(text, ":")
	if !found || kind == "" {
		return ID{}, fmt.Errorf("object name %q: expected kind:name", text)
	}
	id := ID{Kind: Kind(kind)}
	var parts []string
	for {
		var part string
		if strings.HasPrefix(rest, `"`) {
			end := 1
			for {
				next := strings.IndexByte(rest[end:], '"')
				if next < 0 {
					return ID{}, fmt.Errorf("object name %q: unterminated quote", text)
				}
				end += next + 1
				if end >= len(rest) || rest[end] != '"' {
					break
				}
				end++
			}
			part = strings.ReplaceAll(rest[1:end-1], `""`, `"`)
			rest = rest[end:]
		} else {
			end := strings.IndexAny(rest, ".(")
			if end < 0 {
				end = len(rest)
			}
			part, rest = rest[:end], rest[end:]
		}
		parts = append(parts, part)
		if !strings.HasPrefix(rest, ".") {
			break
		}
		rest = rest[1:]
	}
	id.Args = rest
	switch {
	case len(parts) == 1:
		id.Name = parts[0]
	case len(parts) == 2 && outsideSchemas[id.Kind]:
		id.Table, id.Name = parts[0], parts[1]
	case len(parts) == 2 && !inTable[id.Kind]:
		id.Schema, id.Name = parts[0], parts[1]
	case len(parts) == 3:
		id.Schema, id.Table, id.Name = parts[0], parts[1], parts[2]
	default:
		return ID{}, fmt.Errorf("object name %q: wrong number of parts", text)
	}
	return id, nil
}

// MarshalText is String, for JSON.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText is ParseID, for JSON.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := ParseID(string(text))
	*id = parsed
	return err
}

// Compare orders IDs by schema, relation, name, kind.
func (id ID) Compare(other ID) int {
	if c := strings.Compare(id.Schema, other.Schema); c != 0 {
		return c
	}
	if c := strings.Compare(id.Table, other.Table); c != 0 {
		return c
	}
	if c := strings.Compare(id.Name, other.Name); c != 0 {
		return c
	}
	if c := strings.Compare(id.Args, other.Args); c != 0 {
		return c
	}
	return strings.Compare(string(id.Kind), string(other.Kind))
}
