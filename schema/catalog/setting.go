package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Setting is a configuration parameter that is set for this database, for all
// roles or for one (ALTER DATABASE … SET, ALTER ROLE … IN DATABASE … SET).
type Setting struct {
	schema.Base
	Value string `json:"value"`
}

var settingKind = Kind{
	Name:    "database_setting",
	Catalog: "pg_db_role_setting",
	New:     func() schema.Object { return &Setting{} },
	Query: func(Server) string {
		return `SELECT 0, 0, s.setrole, NULL, r.rolname, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
			FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c LEFT JOIN pg_roles r ON r.oid = s.setrole
			WHERE s.setdatabase = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) ORDER BY 5, 6`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		s := &Setting{}
		s.Ident = schema.ID{Kind: "database_setting", Table: r.Text(), Name: r.Text()}
		s.Value = r.Text()
		return s
	},
}

var settingTraits = schema.Traits{Rank: rankDatabase}

// Traits of settings.
func (s *Setting) Traits() *schema.Traits { return &settingTraits }

// Target is DATABASE; a setting has no comment.
func (s *Setting) Target() string { return "DATABASE" }

// run changes the settings of the database that the statement runs in,
// whatever it is called.
func (s *Setting) run(action string) []schema.Statement {
	text := "ALTER DATABASE %I " + strings.ReplaceAll(action, "%", "%%")
	if s.Ident.Table != "" {
		text = "ALTER ROLE " + strings.ReplaceAll(ddl.QuoteIdent(s.Ident.Table), "%", "%%") + " IN DATABASE %I " + strings.ReplaceAll(action, "%", "%%")
	}
	return schema.SQL("DO " + dollarQuote("BEGIN EXECUTE format("+ddl.QuoteLiteral(text)+", current_database()); END"))
}

// Create sets the parameter.
func (s *Setting) Create(schema.Context) []schema.Statement {
	return s.run("SET " + settingClause(s.Ident.Name+"="+s.Value))
}

// Drop resets it.
func (s *Setting) Drop(schema.Context) []schema.Statement {
	parts := strings.Split(s.Ident.Name, ".")
	for i := range parts {
		parts[i] = ddl.QuoteIdent(parts[i])
	}
	return s.run("RESET " + strings.Join(parts, "."))
}

// Alter sets the other value.
func (s *Setting) Alter(to schema.Object, _ schema.Changes, c schema.Context) ([]schema.Statement, bool) {
	return to.Create(c), true
}
