package catalog

import (
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Schema is a schema (CREATE SCHEMA).
type Schema struct {
	schema.Base
}

var schemaKind = Kind{
	Name:    "schema",
	Catalog: "pg_namespace",
	New:     func() schema.Object { return &Schema{} },
	Query: func(Server) string {
		return `SELECT n.oid, 0, n.nspowner, n.nspacl, n.nspname FROM pg_namespace n WHERE ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		o := &Schema{}
		o.Ident = schema.ID{Kind: "schema", Name: r.Text()}
		return o
	},
}

var schemaTraits = schema.Traits{Rank: rankSchema, Owned: true, Class: "SCHEMA"}

// Traits of schemas.
func (s *Schema) Traits() *schema.Traits { return &schemaTraits }

// Target is SCHEMA name.
func (s *Schema) Target() string { return "SCHEMA " + ddl.QuoteIdent(s.Ident.Name) }

// Create makes the schema.
func (s *Schema) Create(schema.Context) []schema.Statement {
	return schema.SQL("CREATE " + s.Target())
}

// Drop removes the schema; what was in it is gone by then.
func (s *Schema) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + s.Target())
}

// Alter has nothing to alter.
func (s *Schema) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, true
}
