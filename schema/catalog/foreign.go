package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// ForeignDataWrapper is a foreign-data wrapper that no extension made.
type ForeignDataWrapper struct {
	schema.Base
	Handler   string           `json:"handler,omitempty"`
	Validator string           `json:"validator,omitempty"`
	Options   schema.Unordered `json:"options,omitempty"`
}

var foreignDataWrapperKind = Kind{
	Name:    "foreign_data_wrapper",
	Catalog: "pg_foreign_data_wrapper",
	New:     func() schema.Object { return &ForeignDataWrapper{} },
	Query: func(Server) string {
		return `SELECT f.oid, 0, f.fdwowner, f.fdwacl, f.fdwname, CASE WHEN f.fdwhandler <> 0 THEN f.fdwhandler::regproc END,
			CASE WHEN f.fdwvalidator <> 0 THEN f.fdwvalidator::regproc END, f.fdwoptions FROM pg_foreign_data_wrapper f`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		f := &ForeignDataWrapper{}
		f.Ident = schema.ID{Kind: "foreign_data_wrapper", Name: r.Text()}
		f.Handler, f.Validator, f.Options = r.Text(), r.Text(), r.Texts()
		return f
	},
}

var foreignDataWrapperTraits = schema.Traits{Rank: rankForeignDataWrapper, Owned: true, Class: "FOREIGN DATA WRAPPER"}

// Traits of foreign-data wrappers.
func (f *ForeignDataWrapper) Traits() *schema.Traits { return &foreignDataWrapperTraits }

// Target is FOREIGN DATA WRAPPER name.
func (f *ForeignDataWrapper) Target() string {
	return "FOREIGN DATA WRAPPER " + ddl.QuoteIdent(f.Ident.Name)
}

// Create makes the wrapper.
func (f *ForeignDataWrapper) Create(schema.Context) []schema.Statement {
	text := "CREATE " + f.Target()
	if f.Handler != "" {
		text += " HANDLER " + f.Handler
	}
	if f.Validator != "" {
		text += " VALIDATOR " + f.Validator
	}
	return schema.SQL(text + optionsClause(f.Options))
}

// optionsClause is OPTIONS (…), nothing when there are none.
func optionsClause(options []string) string {
	if len(options) == 0 {
		return ""
	}
	return " OPTIONS (" + foreignOptions(options) + ")"
}

// Drop removes the wrapper.
func (f *ForeignDataWrapper) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + f.Target())
}

// Alter changes functions and options.
func (f *ForeignDataWrapper) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*ForeignDataWrapper)
	text := "ALTER " + n.Target()
	function := func(property, option, value string) {
		switch {
		case !changes.Has(property):
		case value == "":
			text += " NO " + option
		default:
			text += " " + option + " " + value
		}
	}
	function("handler", "HANDLER", n.Handler)
	function("validator", "VALIDATOR", n.Validator)
	if changes.Has("options") {
		text += " OPTIONS (" + foreignOptionChanges(f.Options, n.Options) + ")"
	}
	return schema.SQL(text), true
}

// ForeignServer is a foreign server.
type ForeignServer struct {
	schema.Base
	Wrapper string           `json:"wrapper"`
	Type    string           `json:"type,omitempty"`
	Version string           `json:"version,omitempty"`
	Options schema.Unordered `json:"options,omitempty"`
}

var foreignServerKind = Kind{
	Name:    "server",
	Catalog: "pg_foreign_server",
	New:     func() schema.Object { return &ForeignServer{} },
	Query: func(Server) string {
		return `SELECT s.oid, 0, s.srvowner, s.srvacl, s.srvname, f.fdwname, s.srvtype, s.srvversion, s.srvoptions
			FROM pg_foreign_server s JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		s := &ForeignServer{}
		s.Ident = schema.ID{Kind: "server", Name: r.Text()}
		s.Wrapper, s.Type, s.Version, s.Options = r.Text(), r.Text(), r.Text(), withoutSecrets(r.Texts())
		return s
	},
}

// secretOptions are options of foreign objects and connections that must not be shown.
var secretOptions = []string{"password", "passwd", "pwd", "secret", "token", "passcode", "sslpassword", "apikey", "api_key", "access_key", "secret_key", "private_key", "credential"}

func secret(option string) bool {
	name, _, _ := strings.Cut(strings.ToLower(option), "=")
	if name == "password_required" {
		return false
	}
	return slices.ContainsFunc(secretOptions, func(s string) bool { return strings.Contains(name, s) })
}

// withoutSecrets leaves out the options that hold passwords and the like.
func withoutSecrets(options []string) []string { return slices.DeleteFunc(options, secret) }

var foreignServerTraits = schema.Traits{Rank: rankServer, Owned: true, Class: "FOREIGN SERVER"}

// Traits of foreign servers.
func (s *ForeignServer) Traits() *schema.Traits { return &foreignServerTraits }

// Target is SERVER name.
func (s *ForeignServer) Target() string { return "SERVER " + ddl.QuoteIdent(s.Ident.Name) }

// Create makes the server.
func (s *ForeignServer) Create(schema.Context) []schema.Statement {
	text := "CREATE " + s.Target()
	if s.Type != "" {
		text += " TYPE " + ddl.QuoteLiteral(s.Type)
	}
	if s.Version != "" {
		text += " VERSION " + ddl.QuoteLiteral(s.Version)
	}
	return schema.SQL(text + " FOREIGN DATA WRAPPER " + ddl.QuoteIdent(s.Wrapper) + optionsClause(s.Options))
}

// Drop removes the server.
func (s *ForeignServer) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + s.Target())
}

// Alter changes version and options.
func (s *ForeignServer) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*ForeignServer)
	if changes.Has("wrapper", "type") {
		return nil, false
	}
	text := "ALTER " + n.Target()
	if changes.Has("version") {
		version := "NULL"
		if n.Version != "" {
			version = ddl.QuoteLiteral(n.Version)
		}
		text += " VERSION " + version
	}
	if changes.Has("options") {
		text += " OPTIONS (" + foreignOptionChanges(s.Options, n.Options) + ")"
	}
	return schema.SQL(text), true
}

// UserMapping maps a role to a user of a foreign server. Passwords and the like
// are not read, so neither shown nor compared.
type UserMapping struct {
	schema.Base
	Server  schema.ID        `json:"server" diff:"-"`
	Options schema.Unordered `json:"options,omitempty"`
}

var userMappingKind = Kind{
	Name:    "user_mapping",
	Catalog: "pg_user_mapping",
	New:     func() schema.Object { return &UserMapping{} },
	Query: func(Server) string {
		return `SELECT u.umid, 0, 0, NULL, u.srvname, CASE WHEN u.umuser = 0 THEN 'public' ELSE u.usename END, u.umoptions FROM pg_user_mappings u`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		u := &UserMapping{}
		u.Server = schema.ID{Kind: "server", Name: r.Text()}
		u.Ident = schema.ID{Kind: "user_mapping", Table: u.Server.Name, Name: r.Text()}
		u.Options = withoutSecrets(r.Texts())
		return u
	},
}

var userMappingTraits = schema.Traits{Rank: rankUserMapping}

// Traits of user mappings.
func (u *UserMapping) Traits() *schema.Traits { return &userMappingTraits }

// Parent is the server.
func (u *UserMapping) Parent() schema.ID { return u.Server }

// Target is USER MAPPING FOR role SERVER name.
func (u *UserMapping) Target() string {
	return "USER MAPPING FOR " + schema.RoleName(u.Ident.Name) + " SERVER " + ddl.QuoteIdent(u.Ident.Table)
}

// Create makes the mapping.
func (u *UserMapping) Create(schema.Context) []schema.Statement {
	return schema.SQL("CREATE " + u.Target() + optionsClause(u.Options))
}

// Drop removes the mapping, with the options that are not shown.
func (u *UserMapping) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + u.Target())
}

// Alter changes options.
func (u *UserMapping) Alter(to schema.Object, _ schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*UserMapping)
	return schema.SQL("ALTER " + n.Target() + " OPTIONS (" + foreignOptionChanges(u.Options, n.Options) + ")"), true
}
