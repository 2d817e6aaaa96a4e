package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// BaseType is a type made of functions, or a shell that has none yet.
type BaseType struct {
	schema.Base
	Shell bool `json:"shell,omitempty"`
	// Definition are the options of CREATE TYPE: "INPUT = s.in".
	Definition []string `json:"definition,omitempty"`
	// Functions are the input, output and other functions, as regprocedure writes them.
	Functions []string `json:"functions,omitempty" diff:"-"`
}

var baseTypeKind = Kind{
	Name:    "type",
	Catalog: "pg_type",
	New:     func() schema.Object { return &BaseType{} },
	Query: func(s Server) string {
		return `SELECT t.oid, 0, t.typowner, t.typacl, t.typname, n.nspname, t.typisdefined,
			t.typinput::regproc, t.typoutput::regproc, t.typreceive::regproc, t.typsend::regproc, t.typmodin::regproc, t.typmodout::regproc, t.typanalyze::regproc,
			` + s.If(14, "t.typsubscript::regproc", "'-'") + `, t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory, t.typispreferred, t.typdefault,
			CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END, t.typdelim, t.typcollation <> 0,
			ARRAY(SELECT f::regprocedure::text FROM unnest(ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze` +
			s.If(14, ", t.typsubscript", "") + `]::oid[]) f WHERE f <> 0)
			FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
			WHERE (t.typtype = 'b' OR t.typtype = 'p' AND NOT t.typisdefined) AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) AND ` + userSchema
	},
	Scan: scanBaseType,
}

func scanBaseType(_ *Reader, r *Row) schema.Object {
	t := &BaseType{}
	name, namespace := r.Text(), r.Text()
	t.Ident = schema.ID{Kind: "type", Schema: namespace, Name: name}
	if t.Shell = !r.Bool(); t.Shell {
		return t
	}
	add := func(option, value string) { t.Definition = append(t.Definition, option+" = "+value) }
	for _, option := range []string{"INPUT", "OUTPUT", "RECEIVE", "SEND", "TYPMOD_IN", "TYPMOD_OUT", "ANALYZE", "SUBSCRIPT"} {
		if f := r.Text(); f != "-" {
			add(option, f)
		}
	}
	if length := r.Text(); length == "-1" {
		add("INTERNALLENGTH", "VARIABLE")
	} else {
		add("INTERNALLENGTH", length)
	}
	if r.Bool() {
		t.Definition = append(t.Definition, "PASSEDBYVALUE")
	}
	add("ALIGNMENT", map[string]string{"c": "char", "s": "int2", "i": "int4", "d": "double"}[r.Text()])
	add("STORAGE", map[string]string{"p": "plain", "e": "external", "x": "extended", "m": "main"}[r.Text()])
	if category := r.Text(); category != "U" {
		add("CATEGORY", ddl.QuoteLiteral(category))
	}
	if r.Bool() {
		add("PREFERRED", "true")
	}
	if value, ok := r.Nullable(); ok {
		add("DEFAULT", ddl.QuoteLiteral(value))
	}
	if element := r.Text(); element != "" {
		add("ELEMENT", element)
	}
	if delimiter := r.Text(); delimiter != "," {
		add("DELIMITER", ddl.QuoteLiteral(delimiter))
	}
	if r.Bool() {
		add("COLLATABLE", "true")
	}
	t.Functions = r.Texts()
	return t
}

// Traits of base types.
func (t *BaseType) Traits() *schema.Traits { return &typeTraits }

// Target is TYPE name.
func (t *BaseType) Target() string { return "TYPE " + relationName(t.Ident) }

// Create makes the type, or its shell.
func (t *BaseType) Create(schema.Context) []schema.Statement {
	if t.Shell {
		return schema.SQL("CREATE " + t.Target())
	}
	return schema.SQL("CREATE " + t.Target() + " (\n    " + strings.Join(t.Definition, ",\n    ") + "\n)")
}

// Early makes the shell that the functions are written with.
func (t *BaseType) Early(schema.Context) []schema.Statement {
	if t.Shell {
		return nil
	}
	return schema.SQL("CREATE " + t.Target())
}

// Late makes the type of the shell.
func (t *BaseType) Late(c schema.Context) []schema.Statement { return t.Create(c) }

// Takes reports which drops the type's own drop includes: those of its functions.
func (t *BaseType) Takes(user schema.Object) bool {
	f, ok := user.(*Function)
	return ok && slices.Contains(t.Functions, relationName(f.Ident)+strings.ReplaceAll(f.Ident.Args, ", ", ","))
}

// Drop removes the type with its functions, as neither can go before the other.
func (t *BaseType) Drop(schema.Context) []schema.Statement {
	if t.Shell {
		return schema.SQL("DROP " + t.Target())
	}
	return schema.SQL("DROP " + t.Target() + " CASCADE")
}

// alterable are the options that ALTER TYPE … SET takes.
var alterable = []string{"RECEIVE", "SEND", "TYPMOD_IN", "TYPMOD_OUT", "ANALYZE", "SUBSCRIPT"}

// Alter changes the options that can be changed: those that go at once, so
// that their functions can go, the others once their functions are there.
func (t *BaseType) Alter(to schema.Object, changes schema.Changes, c schema.Context) ([]schema.Statement, bool) {
	n := to.(*BaseType)
	if changes.Has("shell") {
		return nil, false
	}
	split := func(definition []string) (rest []string, set map[string]string) {
		set = map[string]string{}
		for _, d := range definition {
			option, value, _ := strings.Cut(d, " = ")
			if slices.Contains(alterable, option) {
				set[option] = value
			} else {
				rest = append(rest, d)
			}
		}
		return rest, set
	}
	restFrom, setFrom := split(t.Definition)
	restTo, setTo := split(n.Definition)
	if !slices.Equal(restFrom, restTo) {
		return nil, false
	}
	var unset, set []string
	for _, option := range alterable {
		switch value := setTo[option]; {
		case setFrom[option] == value:
		case value == "":
			unset = append(unset, option+" = NONE")
		default:
			set = append(set, option+" = "+value)
		}
	}
	var out []schema.Statement
	if len(unset) > 0 {
		out = append(out, schema.SQL("ALTER "+n.Target()+" SET ("+strings.Join(unset, ", ")+")")...)
	}
	if len(set) > 0 {
		s := schema.Statement{SQL: "ALTER " + n.Target() + " SET (" + strings.Join(set, ", ") + ")", Late: true}
		for on := range c.To.Dependencies(n.Ident) {
			if f := c.To.Object(on); f != nil && n.Takes(f) {
				s.Requires = append(s.Requires, on)
			}
		}
		out = append(out, s)
	}
	return out, true
}
