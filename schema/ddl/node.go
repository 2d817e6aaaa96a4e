package ddl

import "strings"

// Node is one statement as Parse read it: a pointer to one of the structs of this package whose name is the
// statement's, or *Unknown.
type Node interface{ node() }

// Span is a part of the statement, in bytes from its start; End is one past the last byte.
type Span struct{ Start, End int }

// Name is the name of an object. Its parts are as PostgreSQL stores them: without quotes, unquoted ones in lower
// case. Schema is empty when the statement names none.
type Name struct {
	Schema, Name string
	Span         Span
}

// IsZero reports whether there is no name.
func (n Name) IsZero() bool { return n.Name == "" && n.Schema == "" }

// String returns the name as SQL, quoted where needed.
func (n Name) String() string {
	if n.IsZero() {
		return ""
	}
	return QualifiedName(n.Schema, n.Name)
}

// Same reports whether two names may mean one object: a missing schema matches any.
func (n Name) Same(other Name) bool {
	return n.Name == other.Name && (n.Schema == other.Schema || n.Schema == "" || other.Schema == "")
}

// Expr is an expression as written.
type Expr struct {
	Text string
	Span Span
}

// IsZero reports whether there is no expression.
func (e Expr) IsZero() bool { return e.Text == "" }

// Calls returns the names of the functions that the expression calls, in order, those of SQL's own syntax without
// parentheses (CURRENT_TIMESTAMP) not among them.
func (e Expr) Calls() []Name {
	p := newParser(e.Text, StandardStrings)
	var calls []Name
	for !p.done() {
		if !isName(p.peek()) {
			p.next()
			continue
		}
		quoted := p.peek().Kind == QuotedIdent
		name := p.name()
		if p.peek().IsPunct('(') && (quoted || name.Schema != "" || !notAFunction[name.Name]) {
			calls = append(calls, name)
		}
	}
	return calls
}

// notAFunction are the words that stand before a parenthesis without calling anything.
var notAFunction = map[string]bool{
	"and": true, "or": true, "not": true, "in": true, "any": true, "all": true, "some": true, "exists": true,
	"array": true, "row": true, "case": true, "when": true, "then": true, "else": true, "cast": true, "as": true,
	"is": true, "select": true, "from": true, "where": true, "values": true, "between": true, "like": true,
	"ilike": true, "similar": true, "to": true, "using": true, "over": true, "filter": true, "on": true, "by": true,
	"coalesce": true, "nullif": true, "greatest": true, "least": true, "numeric": true, "varchar": true,
	"char": true, "bit": true, "decimal": true, "timestamp": true, "time": true, "interval": true, "float": true,
}

// TypeName is a type as written, and what it stands for.
type TypeName struct {
	Text string // as written, with modifiers and array bounds
	// Name is the type's name in pg_type for those that have several ("int8" for bigint, "bpchar" for char), else the
	// name as stored, of the element for an array.
	Name      string
	Schema    string
	Modifiers []string // of varchar(20): "20"; of interval day to second: the words
	Array     bool
	SetOf     bool
	Span      Span
}

// IsZero reports whether there is no type.
func (t TypeName) IsZero() bool { return t.Name == "" }

// IsSerial reports whether the type is one of the serial pseudo-types.
func (t TypeName) IsSerial() bool {
	return t.Schema == "" && (t.Name == "serial" || t.Name == "bigserial" || t.Name == "smallserial")
}

// Option is a setting, storage parameter or generic option.
type Option struct {
	Name  string // in lower case, with its namespace: "toast.autovacuum_enabled"
	Value string // as written; empty when the option stands alone
	Span  Span
}

// OptionOf returns the option with the name.
func OptionOf(options []Option, name string) (Option, bool) {
	for _, o := range options {
		if o.Name == name {
			return o, true
		}
	}
	return Option{}, false
}

// IsOn reports whether the option's value is one that PostgreSQL takes as true; an option without value is on.
func (o Option) IsOn() bool { return !isOff(o.Value) }

// Persistence is how long a table lives and whether its changes are logged.
type Persistence uint8

const (
	// Permanent tables are logged and stay.
	Permanent Persistence = iota
	// Temporary tables go with their session.
	Temporary
	// Unlogged tables stay but are emptied by a crash.
	Unlogged
)

// Behavior is what a DROP or TRUNCATE does about the objects that depend on its target.
type Behavior uint8

const (
	// Restrict refuses when there are any; the default.
	Restrict Behavior = iota
	// Cascade takes them along.
	Cascade
)

// Unknown is a statement, or a form of one, that Parse does not read further.
type Unknown struct{ Verb string } // as in Class

func (*Unknown) node() {}

// stringValue returns what a string constant without escapes stands for, and whether text is one.
func stringValue(text string) string {
	if len(text) >= 2 && text[0] == '\'' {
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'")
	}
	if strings.HasPrefix(text, "$") {
		tag := strings.IndexByte(text[1:], '$') + 2
		if tag >= 2 && len(text) >= 2*tag {
			return text[tag : len(text)-tag]
		}
	}
	if open := strings.IndexByte(text, '\''); open > 0 && len(text) > open+1 {
		return strings.NewReplacer(`''`, `'`, `\\`, `\`, `\'`, `'`, `\n`, "\n", `\t`, "\t").Replace(text[open+1 : len(text)-1])
	}
	return text
}
