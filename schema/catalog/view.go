package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// View is a view. Its columns are objects without SQL of their own.
type View struct {
	schema.Base
	Query string `json:"query"`
	// Options are security_barrier, security_invoker and check_option.
	Options schema.Unordered `json:"options,omitempty"`
	// Recursive views need no word for it: their query is WITH RECURSIVE.
}

var viewKind = Kind{
	Name:    "view",
	Catalog: "pg_class",
	New:     func() schema.Object { return &View{} },
	Query: func(Server) string {
		return `SELECT c.oid, 0, c.relowner, c.relacl, c.relname, c.relnamespace, c.reloptions, pg_get_viewdef(c.oid)
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND c.relpersistence <> 't' AND ` + userSchema
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		v := &View{}
		name, namespace := r.Text(), rd.Namespace(r.OID())
		v.Ident = schema.ID{Kind: "view", Schema: namespace, Name: name}
		v.Options, v.Query = r.Texts(), query(r.Text())
		rd.relations[rd.current.oid] = &relation{id: v.Ident, name: relationName(v.Ident), object: v}
		return v
	},
}

// query is pg_get_viewdef's text without what surrounds the query.
func query(text string) string {
	return valuesAsList(strings.TrimSuffix(strings.TrimSpace(text), ";"))
}

// valuesAsList takes the blank out of "( VALUES", which PostgreSQL writes for a
// subquery and not for the list of values that it takes it for when it reads a
// view again.
func valuesAsList(query string) string {
	if !strings.Contains(query, "( VALUES") {
		return query
	}
	var out strings.Builder
	var open bool
	var blank string
	for t := range ddl.Tokens(query) {
		if open && t.Text == " " {
			blank = t.Text
			continue
		}
		if !t.Is("VALUES") {
			out.WriteString(blank)
		}
		blank = ""
		open = t.IsPunct('(')
		out.WriteString(t.Text)
	}
	return out.String()
}

var viewTraits = schema.Traits{Rank: rankView, Spaces: []string{"relation", "type"}, Owned: true, Class: "TABLE"}

// Traits of views.
func (v *View) Traits() *schema.Traits { return &viewTraits }

// Target is VIEW name.
func (v *View) Target() string { return "VIEW " + relationName(v.Ident) }

func (v *View) create(verb string) schema.Statement {
	text := verb + " " + v.Target()
	if len(v.Options) > 0 {
		text += " WITH (" + storageOptions(v.Options) + ")"
	}
	return schema.Statement{SQL: text + " AS\n" + v.Query}
}

// Create makes the view.
func (v *View) Create(schema.Context) []schema.Statement {
	return []schema.Statement{v.create("CREATE")}
}

// Early makes a view of the same columns without the query.
func (v *View) Early(x schema.Context) []schema.Statement {
	var list []string
	var requires []schema.ID
	for _, c := range viewColumns(x.To, v.Ident) {
		item := "NULL::" + c.Type
		if c.Collation != "" {
			item += " COLLATE " + c.Collation
		}
		list = append(list, item+" AS "+ddl.QuoteIdent(c.Ident.Name))
		for on := range x.To.Dependencies(c.Ident) {
			if on != v.Ident {
				requires = append(requires, on)
			}
		}
	}
	return []schema.Statement{{SQL: "CREATE " + v.Target() + " AS\nSELECT " + strings.Join(list, ",\n    "), Requires: requires}}
}

// Late gives the stand-in its query.
func (v *View) Late(schema.Context) []schema.Statement {
	return []schema.Statement{v.create("CREATE OR REPLACE")}
}

// viewColumns are a relation's columns in order.
func viewColumns(m *schema.Model, id schema.ID) []*Column {
	var out []*Column
	for _, part := range m.Parts(id) {
		if c, ok := part.(*Column); ok {
			at := len(out)
			for at > 0 && out[at-1].Attnum > c.Attnum {
				at--
			}
			out = append(out[:at], append([]*Column{c}, out[at:]...)...)
		}
	}
	return out
}

// Drop removes the view.
func (v *View) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + v.Target()) }

// Alter replaces the query where the columns stay or are added at the end.
func (v *View) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*View)
	if !changes.Has("query") {
		var out []schema.Statement
		for _, action := range optionChanges(v.Options, n.Options) {
			out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " " + action})
		}
		return out, true
	}
	before, after := viewColumns(x.From, v.Ident), viewColumns(x.To, n.Ident)
	if len(after) < len(before) {
		return nil, false
	}
	for i, c := range before {
		if c.Ident != after[i].Ident || c.Type != after[i].Type || c.Collation != after[i].Collation {
			return nil, false
		}
	}
	return []schema.Statement{n.create("CREATE OR REPLACE")}, true
}

// MaterializedView is a materialized view. Its rows can be computed anew, so it
// is no data.
type MaterializedView struct {
	schema.Base
	Query        string           `json:"query"`
	AccessMethod string           `json:"access_method,omitempty"`
	Tablespace   string           `json:"tablespace,omitempty"`
	Options      schema.Unordered `json:"options,omitempty"`
	Unpopulated  bool             `json:"unpopulated,omitempty"`
}

var materializedViewKind = Kind{
	Name:    "materialized_view",
	Catalog: "pg_class",
	New:     func() schema.Object { return &MaterializedView{} },
	Query: func(Server) string {
		return `SELECT c.oid, 0, c.relowner, c.relacl, c.relname, c.relnamespace, c.relam, c.reltablespace, c.reloptions, t.reloptions, c.relispopulated, pg_get_viewdef(c.oid)
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND t.reloptions IS NOT NULL
			WHERE c.relkind = 'm' AND ` + userSchema
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		v := &MaterializedView{}
		name, namespace := r.Text(), rd.Namespace(r.OID())
		v.Ident = schema.ID{Kind: "materialized_view", Schema: namespace, Name: name}
		if method := rd.methods[r.OID()]; method != "heap" {
			v.AccessMethod = ddl.QuoteIdent(method)
		}
		if space := rd.spaces[r.OID()]; space != "" {
			v.Tablespace = ddl.QuoteIdent(space)
		}
		v.Options = r.Texts()
		for _, option := range r.Texts() {
			v.Options = append(v.Options, "toast."+option)
		}
		v.Unpopulated = !r.Bool()
		v.Query = query(r.Text())
		rd.relations[rd.current.oid] = &relation{id: v.Ident, name: relationName(v.Ident), object: v}
		return v
	},
}

var materializedViewTraits = schema.Traits{Rank: rankMaterializedView, Spaces: []string{"relation", "type"}, Owned: true, Class: "TABLE"}

// Traits of materialized views.
func (v *MaterializedView) Traits() *schema.Traits { return &materializedViewTraits }

// Target is MATERIALIZED VIEW name.
func (v *MaterializedView) Target() string { return "MATERIALIZED VIEW " + relationName(v.Ident) }

// Create makes the view and, where it should be, fills it.
func (v *MaterializedView) Create(x schema.Context) []schema.Statement {
	text := "CREATE " + v.Target()
	if v.AccessMethod != "" {
		text += " USING " + v.AccessMethod
	}
	if len(v.Options) > 0 {
		text += " WITH (" + storageOptions(v.Options) + ")"
	}
	if v.Tablespace != "" {
		text += " TABLESPACE " + v.Tablespace
	}
	text += " AS\n" + v.Query
	if v.Unpopulated {
		text += "\nWITH NO DATA"
	}
	out := schema.SQL(text)
	for _, c := range viewColumns(x.To, v.Ident) {
		out = append(out, c.settings(nil, x)...)
	}
	return out
}

// Drop removes the view.
func (v *MaterializedView) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + v.Target())
}

// Alter changes where and how it is stored; another query means another view.
func (v *MaterializedView) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*MaterializedView)
	if changes.Has("query") {
		return nil, false
	}
	var out []schema.Statement
	alter := func(action string) {
		out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " " + action})
	}
	if changes.Has("access_method") {
		method := n.AccessMethod
		if method == "" {
			method = "heap"
		}
		if x.Major() < 15 {
			return nil, false
		}
		alter("SET ACCESS METHOD " + method)
	}
	if changes.Has("tablespace") {
		space := n.Tablespace
		if space == "" {
			space = "pg_default"
		}
		alter("SET TABLESPACE " + space)
	}
	for _, action := range optionChanges(v.Options, n.Options) {
		alter(action)
	}
	if changes.Has("unpopulated") {
		with := "WITH DATA"
		if n.Unpopulated {
			with = "WITH NO DATA"
		}
		out = append(out, schema.SQL("REFRESH "+n.Target()+" "+with)...)
	}
	return out, true
}
