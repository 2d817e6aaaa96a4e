package catalog

import (
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Language is a procedural language that no extension made.
type Language struct {
	schema.Base
	Trusted   bool   `json:"trusted,omitempty"`
	Handler   string `json:"handler,omitempty"`
	Inline    string `json:"inline,omitempty"`
	Validator string `json:"validator,omitempty"`
}

var languageKind = Kind{
	Name:    "language",
	Catalog: "pg_language",
	New:     func() schema.Object { return &Language{} },
	Query: func(Server) string {
		return `SELECT l.oid, 0, l.lanowner, l.lanacl, l.lanname, l.lanpltrusted, CASE WHEN l.lanplcallfoid <> 0 THEN l.lanplcallfoid::regproc END,
			CASE WHEN l.laninline <> 0 THEN l.laninline::regproc END, CASE WHEN l.lanvalidator <> 0 THEN l.lanvalidator::regproc END
			FROM pg_language l WHERE l.lanispl AND l.oid >= 16384`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		l := &Language{}
		l.Ident = schema.ID{Kind: "language", Name: r.Text()}
		l.Trusted, l.Handler, l.Inline, l.Validator = r.Bool(), r.Text(), r.Text(), r.Text()
		return l
	},
}

var languageTraits = schema.Traits{Rank: rankLanguage, Owned: true, Class: "LANGUAGE"}

// Traits of languages.
func (l *Language) Traits() *schema.Traits { return &languageTraits }

// Target is LANGUAGE name.
func (l *Language) Target() string { return "LANGUAGE " + ddl.QuoteIdent(l.Ident.Name) }

// Create makes the language.
func (l *Language) Create(schema.Context) []schema.Statement {
	return schema.SQL(l.definition("CREATE "))
}

func (l *Language) definition(verb string) string {
	text := verb
	if l.Trusted {
		text += "TRUSTED "
	}
	text += "PROCEDURAL " + l.Target() + " HANDLER " + l.Handler
	if l.Inline != "" {
		text += " INLINE " + l.Inline
	}
	if l.Validator != "" {
		text += " VALIDATOR " + l.Validator
	}
	return text
}

// Drop removes the language.
func (l *Language) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + l.Target()) }

// Alter replaces the language's functions. Grants on it could not be taken back
// once it is no longer trusted.
func (l *Language) Alter(to schema.Object, _ schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Language)
	return schema.SQL(n.definition("CREATE OR REPLACE ")), n.Trusted || !l.Trusted
}

// AccessMethod is an access method of tables or indexes.
type AccessMethod struct {
	schema.Base
	Type    string `json:"type"` // INDEX or TABLE
	Handler string `json:"handler"`
}

var accessMethodKind = Kind{
	Name:    "access_method",
	Catalog: "pg_am",
	New:     func() schema.Object { return &AccessMethod{} },
	Query: func(Server) string {
		return `SELECT a.oid, 0, 0, NULL, a.amname, CASE a.amtype WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END, a.amhandler::regproc FROM pg_am a WHERE a.oid >= 16384`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		a := &AccessMethod{}
		a.Ident = schema.ID{Kind: "access_method", Name: r.Text()}
		a.Type, a.Handler = r.Text(), r.Text()
		return a
	},
}

var accessMethodTraits = schema.Traits{Rank: rankAccessMethod}

// Traits of access methods.
func (a *AccessMethod) Traits() *schema.Traits { return &accessMethodTraits }

// Target is ACCESS METHOD name.
func (a *AccessMethod) Target() string { return "ACCESS METHOD " + ddl.QuoteIdent(a.Ident.Name) }

// Create makes the access method.
func (a *AccessMethod) Create(schema.Context) []schema.Statement {
	return schema.SQL("CREATE " + a.Target() + " TYPE " + a.Type + " HANDLER " + a.Handler)
}

// Drop removes the access method.
func (a *AccessMethod) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + a.Target())
}

// Alter cannot: there is no ALTER ACCESS METHOD.
func (a *AccessMethod) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}
