package catalog

import (
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Cast is a cast from one type to another.
type Cast struct {
	schema.Base
	// How is WITH FUNCTION …, WITHOUT FUNCTION or WITH INOUT.
	How string `json:"how"`
	// When is AS ASSIGNMENT or AS IMPLICIT, empty for an explicit cast.
	When string `json:"when,omitempty"`
}

var castKind = Kind{
	Name:    "cast",
	Catalog: "pg_cast",
	New:     func() schema.Object { return &Cast{} },
	Query: func(s Server) string {
		return `SELECT c.oid, 0, 0, NULL, format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL), c.castmethod,
			CASE WHEN c.castfunc <> 0 THEN c.castfunc::regprocedure END, c.castcontext
			FROM pg_cast c WHERE c.oid >= 16384` + s.If(14, ` AND NOT EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = c.castsource AND r.rngmultitypid = c.casttarget)`, "")
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		c := &Cast{}
		c.Ident = schema.ID{Kind: "cast", Name: r.Text()}
		method, function := r.Text(), r.Text()
		c.How = map[string]string{"f": "WITH FUNCTION " + function, "b": "WITHOUT FUNCTION", "i": "WITH INOUT"}[method]
		c.When = map[string]string{"a": "AS ASSIGNMENT", "i": "AS IMPLICIT"}[r.Text()]
		return c
	},
}

var castTraits = schema.Traits{Rank: rankCast}

// Traits of casts.
func (c *Cast) Traits() *schema.Traits { return &castTraits }

// Target is CAST (type AS type).
func (c *Cast) Target() string { return "CAST (" + c.Ident.Name + ")" }

// Create makes the cast.
func (c *Cast) Create(schema.Context) []schema.Statement {
	text := "CREATE " + c.Target() + " " + c.How
	if c.When != "" {
		text += " " + c.When
	}
	return schema.SQL(text)
}

// Drop removes the cast.
func (c *Cast) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + c.Target()) }

// Alter cannot: there is no ALTER CAST.
func (c *Cast) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}

// Transform is how values of a type pass into and out of a procedural language.
type Transform struct {
	schema.Base
	FromSQL string `json:"from_sql,omitempty"` // function
	ToSQL   string `json:"to_sql,omitempty"`
}

var transformKind = Kind{
	Name:    "transform",
	Catalog: "pg_transform",
	New:     func() schema.Object { return &Transform{} },
	Query: func(Server) string {
		return `SELECT t.oid, 0, 0, NULL, 'FOR ' || format_type(t.trftype, NULL) || ' LANGUAGE ' || quote_ident(l.lanname),
			CASE WHEN t.trffromsql <> 0 THEN t.trffromsql::regprocedure END, CASE WHEN t.trftosql <> 0 THEN t.trftosql::regprocedure END
			FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang WHERE t.oid >= 16384`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		t := &Transform{}
		t.Ident = schema.ID{Kind: "transform", Name: r.Text()}
		t.FromSQL, t.ToSQL = r.Text(), r.Text()
		return t
	},
}

var transformTraits = schema.Traits{Rank: rankTransform}

// Traits of transforms.
func (t *Transform) Traits() *schema.Traits { return &transformTraits }

// Target is TRANSFORM FOR type LANGUAGE name.
func (t *Transform) Target() string { return "TRANSFORM " + t.Ident.Name }

// Create makes the transform.
func (t *Transform) Create(schema.Context) []schema.Statement {
	return schema.SQL(t.definition("CREATE "))
}

func (t *Transform) definition(verb string) string {
	text := verb + t.Target() + " ("
	if t.FromSQL != "" {
		text += "FROM SQL WITH FUNCTION " + t.FromSQL
	}
	if t.ToSQL != "" {
		if t.FromSQL != "" {
			text += ", "
		}
		text += "TO SQL WITH FUNCTION " + t.ToSQL
	}
	return text + ")"
}

// Drop removes the transform.
func (t *Transform) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + t.Target()) }

// Alter replaces the functions.
func (t *Transform) Alter(to schema.Object, _ schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	return schema.SQL(to.(*Transform).definition("CREATE OR REPLACE ")), true
}

// Conversion converts between character set encodings.
type Conversion struct {
	schema.Base
	Default  bool   `json:"default,omitempty"`
	From     string `json:"from"`
	To       string `json:"to"`
	Function string `json:"function"`
}

var conversionKind = Kind{
	Name:    "conversion",
	Catalog: "pg_conversion",
	New:     func() schema.Object { return &Conversion{} },
	Query: func(Server) string {
		return `SELECT c.oid, 0, c.conowner, NULL, c.conname, n.nspname, c.condefault, pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc::regproc
			FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		c := &Conversion{}
		name, namespace := r.Text(), r.Text()
		c.Ident = schema.ID{Kind: "conversion", Schema: namespace, Name: name}
		c.Default, c.From, c.To, c.Function = r.Bool(), r.Text(), r.Text(), r.Text()
		return c
	},
}

var conversionTraits = schema.Traits{Rank: rankConversion, Owned: true}

// Traits of conversions.
func (c *Conversion) Traits() *schema.Traits { return &conversionTraits }

// Target is CONVERSION name.
func (c *Conversion) Target() string { return "CONVERSION " + relationName(c.Ident) }

// Create makes the conversion.
func (c *Conversion) Create(schema.Context) []schema.Statement {
	text := "CREATE "
	if c.Default {
		text += "DEFAULT "
	}
	return schema.SQL(text + c.Target() + " FOR " + ddl.QuoteLiteral(c.From) + " TO " + ddl.QuoteLiteral(c.To) + " FROM " + c.Function)
}

// Drop removes the conversion.
func (c *Conversion) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + c.Target()) }

// Alter cannot: there is nothing about a conversion that ALTER changes.
func (c *Conversion) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}
