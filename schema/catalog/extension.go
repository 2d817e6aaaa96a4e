package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Extension is an installed extension. Its members are no objects of their own;
// see Privileges for grants on them.
type Extension struct {
	schema.Base
	In string `json:"schema"`
	// Version is empty when it is the one that the server's package installs by default.
	Version string `json:"version,omitempty"`
	// Relocatable: SET SCHEMA moves it.
	Relocatable bool `json:"relocatable,omitempty" diff:"-"`
}

var extensionKind = Kind{
	Name:    "extension",
	Catalog: "pg_extension",
	New:     func() schema.Object { return &Extension{} },
	Query: func(Server) string {
		return `SELECT e.oid, 0, 0, NULL, e.extname, n.nspname, e.extrelocatable, CASE WHEN e.extversion <> coalesce(a.default_version, '') THEN e.extversion END
			FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace LEFT JOIN pg_available_extensions() a ON a.name = e.extname WHERE e.oid >= 16384`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		e := &Extension{}
		e.Ident = schema.ID{Kind: "extension", Name: r.Text()}
		e.In, e.Relocatable, e.Version = r.Text(), r.Bool(), r.Text()
		return e
	},
}

var extensionTraits = schema.Traits{Rank: rankExtension}

// Traits of extensions.
func (e *Extension) Traits() *schema.Traits { return &extensionTraits }

// Target is EXTENSION name.
func (e *Extension) Target() string { return "EXTENSION " + ddl.QuoteIdent(e.Ident.Name) }

// Create installs the extension.
func (e *Extension) Create(c schema.Context) []schema.Statement {
	text := "CREATE EXTENSION IF NOT EXISTS " + ddl.QuoteIdent(e.Ident.Name)
	if e.In == "pg_catalog" || c.To.Has(schema.ID{Kind: "schema", Name: e.In}) {
		text += " WITH SCHEMA " + ddl.QuoteIdent(e.In)
	}
	if e.Version != "" {
		text += " VERSION " + ddl.QuoteLiteral(e.Version)
	}
	return schema.SQL(text)
}

// Drop removes the extension with its members.
func (e *Extension) Drop(schema.Context) []schema.Statement {
	return []schema.Statement{{SQL: "DROP " + e.Target(), Hazards: []schema.Hazard{{Kind: schema.DataLoss, Message: "drops extension " + ddl.QuoteIdent(e.Ident.Name) + " with all that belongs to it"}}}}
}

// Alter moves and updates; an extension that cannot be moved is made anew.
func (e *Extension) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Extension)
	if changes.Has("schema") && !e.Relocatable {
		return nil, false
	}
	var out []schema.Statement
	if changes.Has("schema") {
		out = append(out, schema.SQL("ALTER "+n.Target()+" SET SCHEMA "+ddl.QuoteIdent(n.In))...)
	}
	if changes.Has("version") {
		text := "ALTER " + n.Target() + " UPDATE"
		if n.Version != "" {
			text += " TO " + ddl.QuoteLiteral(n.Version)
		}
		out = append(out, schema.SQL(text)...)
	}
	return out, true
}

// moved reports whether two texts differ only in the schema of an extension
// that moves: what they name is the same.
func moved(from, to string, c schema.Context) bool {
	for _, o := range c.From.OfKind("extension") {
		e := o.(*Extension)
		n, ok := c.To.Object(e.Ident).(*Extension)
		if ok && e.Relocatable && n.In != e.In && strings.ReplaceAll(from, ddl.QuoteIdent(e.In)+".", ddl.QuoteIdent(n.In)+".") == to {
			return true
		}
	}
	return false
}
