package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// DefaultPrivileges are the grants that objects of a class get when a role
// makes them, everywhere or in one schema.
type DefaultPrivileges struct {
	schema.Base
	// Objects is TABLES, SEQUENCES, FUNCTIONS, TYPES, SCHEMAS or LARGE OBJECTS.
	Objects string `json:"objects" diff:"-"`
	// Privileges differ from the built-in ones; those of a schema come on top.
	Privileges []schema.Grant `json:"privileges"`
}

// defaultClasses are the objects of ALTER DEFAULT PRIVILEGES by pg_default_acl's letter.
var defaultClasses = map[string]struct {
	objects string
	classes []schema.PrivilegeClass
}{
	"r": {"TABLES", []schema.PrivilegeClass{"TABLE"}},
	"S": {"SEQUENCES", []schema.PrivilegeClass{"SEQUENCE"}},
	"f": {"FUNCTIONS", []schema.PrivilegeClass{"FUNCTION", "PROCEDURE"}},
	"T": {"TYPES", []schema.PrivilegeClass{"TYPE", "DOMAIN"}},
	"n": {"SCHEMAS", []schema.PrivilegeClass{"SCHEMA"}},
	"L": {"LARGE OBJECTS", []schema.PrivilegeClass{"LARGE OBJECT"}},
}

var defaultPrivilegesKind = Kind{
	Name:    "default_privileges",
	Catalog: "pg_default_acl",
	New:     func() schema.Object { return &DefaultPrivileges{} },
	Query: func(Server) string {
		return `SELECT d.oid, 0, d.defaclrole, d.defaclacl, d.defaclobjtype, n.nspname FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		d := &DefaultPrivileges{}
		class := defaultClasses[r.Text()]
		d.Objects = class.objects
		d.Ident = schema.ID{Kind: "default_privileges", Schema: r.Text(), Table: rd.owner, Name: strings.ToLower(class.objects)}
		if d.Ident.Schema == "" {
			d.Privileges = schema.ParseACL(rd.acl, class.classes[0], rd.owner, rd.Major)
		} else {
			d.Privileges = schema.EffectiveACL(rd.acl, rd.owner)
		}
		slices.SortFunc(d.Privileges, schema.Grant.Compare)
		if len(d.Privileges) == 0 {
			return nil
		}
		return d
	},
}

var defaultPrivilegesTraits = schema.Traits{Rank: rankDefaultPrivileges}

// Traits of default privileges.
func (d *DefaultPrivileges) Traits() *schema.Traits { return &defaultPrivilegesTraits }

// Target is the beginning of ALTER DEFAULT PRIVILEGES; they have no comment.
func (d *DefaultPrivileges) Target() string {
	text := "DEFAULT PRIVILEGES FOR ROLE " + ddl.QuoteIdent(d.Ident.Table)
	if d.Ident.Schema != "" {
		text += " IN SCHEMA " + ddl.QuoteIdent(d.Ident.Schema)
	}
	return text
}

// Gives adds these privileges to what an object of the class gets without them.
func (d *DefaultPrivileges) Gives(role, namespace string, class schema.PrivilegeClass, without []schema.Grant) ([]schema.Grant, bool) {
	if role != d.Ident.Table || d.Ident.Schema != "" && d.Ident.Schema != namespace {
		return nil, false
	}
	for _, c := range defaultClasses {
		if c.objects != d.Objects {
			continue
		}
		if !slices.Contains(c.classes, class) {
			return nil, false
		}
	}
	var given []schema.Grant
	for _, g := range without {
		g.Revoked = true
		if !slices.Contains(d.Privileges, g) {
			g.Revoked = false
			given = append(given, g)
		}
	}
	for _, g := range d.Privileges {
		if !g.Revoked && !slices.Contains(given, g) {
			given = append(given, g)
		}
	}
	return given, true
}

// change writes the statements from one list of privileges to another.
func (d *DefaultPrivileges) change(from, to []schema.Grant) []schema.Statement {
	var out []schema.Statement
	write := func(g schema.Grant, grant bool) {
		role := schema.RoleName(g.Role)
		if g.Role == schema.OwnerRole {
			role = ddl.QuoteIdent(d.Ident.Table)
		}
		text := "ALTER " + d.Target()
		switch {
		case grant && g.Grantable:
			text += " GRANT " + g.Privilege + " ON " + d.Objects + " TO " + role + " WITH GRANT OPTION"
		case grant:
			text += " GRANT " + g.Privilege + " ON " + d.Objects + " TO " + role
		default:
			text += " REVOKE " + g.Privilege + " ON " + d.Objects + " FROM " + role
		}
		out = append(out, schema.SQL(text)...)
	}
	for _, g := range from {
		if !slices.Contains(to, g) {
			write(g, g.Revoked)
		}
	}
	for _, g := range to {
		if !slices.Contains(from, g) {
			write(g, !g.Revoked)
		}
	}
	return out
}

// Create grants and revokes what differs from the built-in defaults.
func (d *DefaultPrivileges) Create(schema.Context) []schema.Statement {
	return d.change(nil, d.Privileges)
}

// Drop puts the built-in defaults back.
func (d *DefaultPrivileges) Drop(schema.Context) []schema.Statement {
	return d.change(d.Privileges, nil)
}

// Alter grants and revokes the difference.
func (d *DefaultPrivileges) Alter(to schema.Object, _ schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	return d.change(d.Privileges, to.(*DefaultPrivileges).Privileges), true
}
