package catalog

import (
	"strconv"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Role is a role of the cluster, without its password. Roles are read only when
// asked for, as they are not the database's.
type Role struct {
	schema.Base
	// Options are those of CREATE ROLE that are not the default: "LOGIN".
	Options []string `json:"options,omitempty"`
	// Settings are set for the role in all databases, name=value.
	Settings schema.Unordered `json:"settings,omitempty"`
}

var roleKind = Kind{
	Name:    "role",
	Catalog: "pg_authid",
	New:     func() schema.Object { return &Role{} },
	Query: func(s Server) string {
		if !s.Roles {
			return ""
		}
		return `SELECT r.oid, 0, 0, NULL, r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls,
			r.rolconnlimit, CASE WHEN isfinite(r.rolvaliduntil) THEN to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' ELSE r.rolvaliduntil::text END,
			s.setconfig, shobj_description(r.oid, 'pg_authid')
			FROM pg_roles r LEFT JOIN pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0 WHERE r.rolname !~ '^pg_' AND r.oid <> 10`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		o := &Role{}
		o.Ident = schema.ID{Kind: "role", Name: r.Text()}
		flag := func(usual bool, yes, no string) {
			switch on := r.Bool(); {
			case on && !usual:
				o.Options = append(o.Options, yes)
			case !on && usual:
				o.Options = append(o.Options, no)
			}
		}
		flag(false, "SUPERUSER", "")
		flag(true, "", "NOINHERIT")
		flag(false, "CREATEROLE", "")
		flag(false, "CREATEDB", "")
		flag(false, "LOGIN", "")
		flag(false, "REPLICATION", "")
		flag(false, "BYPASSRLS", "")
		if limit := r.Int(); limit != -1 {
			o.Options = append(o.Options, "CONNECTION LIMIT "+strconv.FormatInt(limit, 10))
		}
		if until := r.Text(); until != "" {
			o.Options = append(o.Options, "VALID UNTIL "+ddl.QuoteLiteral(until))
		}
		o.Settings, o.Comment = r.Texts(), r.Text()
		return o
	},
}

var roleTraits = schema.Traits{Rank: rankRole}

// Traits of roles.
func (o *Role) Traits() *schema.Traits { return &roleTraits }

// Target is ROLE name.
func (o *Role) Target() string { return "ROLE " + ddl.QuoteIdent(o.Ident.Name) }

// Create makes the role, without a password.
func (o *Role) Create(schema.Context) []schema.Statement {
	text := "CREATE " + o.Target()
	if len(o.Options) > 0 {
		text += " " + strings.Join(o.Options, " ")
	}
	return append(schema.SQL(text), o.set(nil)...)
}

func (o *Role) set(from []string) []schema.Statement {
	have := map[string]string{}
	for _, s := range from {
		name, value, _ := strings.Cut(s, "=")
		have[name] = value
	}
	var out []schema.Statement
	for _, s := range o.Settings {
		name, value, _ := strings.Cut(s, "=")
		if old, ok := have[name]; !ok || old != value {
			out = append(out, schema.SQL("ALTER "+o.Target()+" SET "+settingClause(s))...)
		}
		delete(have, name)
	}
	for _, s := range from {
		name, _, _ := strings.Cut(s, "=")
		if _, gone := have[name]; gone {
			clause, _, _ := strings.Cut(settingClause(s), " TO ")
			out = append(out, schema.SQL("ALTER "+o.Target()+" RESET "+clause)...)
		}
	}
	return out
}

// Drop removes the role; what it owns and was granted must be gone.
func (o *Role) Drop(schema.Context) []schema.Statement {
	return []schema.Statement{{SQL: "DROP " + o.Target(), Late: true, Hazards: []schema.Hazard{{Kind: schema.PermissionLoss, Message: "role " + ddl.QuoteIdent(o.Ident.Name) + " goes from the whole cluster"}}}}
}

// unset are the options that take others back.
var unset = map[string]string{
	"SUPERUSER": "NOSUPERUSER", "NOINHERIT": "INHERIT", "CREATEROLE": "NOCREATEROLE", "CREATEDB": "NOCREATEDB", "LOGIN": "NOLOGIN",
	"REPLICATION": "NOREPLICATION", "BYPASSRLS": "NOBYPASSRLS", "CONNECTION": "CONNECTION LIMIT -1", "VALID": "VALID UNTIL 'infinity'",
}

// Alter changes options and settings.
func (o *Role) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Role)
	var out []schema.Statement
	if changes.Has("options") {
		word := func(option string) string { w, _, _ := strings.Cut(option, " "); return w }
		have, want := map[string]string{}, map[string]string{}
		for _, option := range o.Options {
			have[word(option)] = option
		}
		text := "ALTER " + n.Target()
		for _, option := range n.Options {
			want[word(option)] = option
			if have[word(option)] != option {
				text += " " + option
			}
		}
		for _, option := range o.Options {
			if want[word(option)] == "" {
				text += " " + unset[word(option)]
			}
		}
		out = append(out, schema.SQL(text)...)
	}
	if changes.Has("settings") {
		out = append(out, n.set(o.Settings)...)
	}
	return out, true
}

// Membership is a role's membership in another.
type Membership struct {
	schema.Base
	Member string `json:"member" diff:"-"`
	// Options are ADMIN, INHERIT and SET, "ADMIN TRUE" where they are not the default.
	Options []string `json:"options,omitempty"`
}

var membershipKind = Kind{
	Name:    "membership",
	Catalog: "pg_auth_members",
	New:     func() schema.Object { return &Membership{} },
	Query: func(s Server) string {
		if !s.Roles {
			return ""
		}
		return `SELECT 0, 0, 0, NULL, r.rolname, m.rolname, bool_or(a.admin_option), ` +
			s.If(16, "bool_or(a.inherit_option) <> m.rolinherit, bool_or(a.inherit_option), bool_or(a.set_option)", "false, true, true") + `
			FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member WHERE m.rolname !~ '^pg_'
			GROUP BY r.rolname, m.rolname, m.rolinherit ORDER BY 5, 6`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		m := &Membership{}
		role := r.Text()
		m.Member = r.Text()
		m.Ident = schema.ID{Kind: "membership", Table: role, Name: m.Member}
		if r.Bool() {
			m.Options = append(m.Options, "ADMIN TRUE")
		}
		if other, inherit := r.Bool(), r.Bool(); other {
			m.Options = append(m.Options, "INHERIT "+strings.ToUpper(onOff(inherit)))
		}
		if !r.Bool() {
			m.Options = append(m.Options, "SET FALSE")
		}
		return m
	},
}

var membershipTraits = schema.Traits{Rank: rankRole + 1}

// Traits of memberships.
func (m *Membership) Traits() *schema.Traits { return &membershipTraits }

// Target is ROLE name, which is granted; a membership has no comment.
func (m *Membership) Target() string { return "ROLE " + ddl.QuoteIdent(m.Ident.Table) }

// Create grants the role.
func (m *Membership) Create(c schema.Context) []schema.Statement {
	text := "GRANT " + ddl.QuoteIdent(m.Ident.Table) + " TO " + ddl.QuoteIdent(m.Member)
	switch {
	case len(m.Options) > 0 && c.Major() < 16:
		text += " WITH ADMIN OPTION"
	case len(m.Options) > 0:
		text += " WITH " + strings.Join(m.Options, ", ")
	}
	return schema.SQL(text)
}

// Drop revokes it; it goes with either role.
func (m *Membership) Drop(c schema.Context) []schema.Statement {
	for _, role := range []string{m.Member, m.Ident.Table} {
		if id := (schema.ID{Kind: "role", Name: role}); c.To != nil && c.From.Has(id) && !c.To.Has(id) {
			return nil
		}
	}
	return schema.SQL("REVOKE " + ddl.QuoteIdent(m.Ident.Table) + " FROM " + ddl.QuoteIdent(m.Member))
}

// Alter revokes and grants the role anew.
func (m *Membership) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}
