package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Privileges are the changed grants of an object that is not the database's
// own: a member of an extension or a built-in one. They stand against what
// pg_init_privs says the object was made with.
type Privileges struct {
	schema.Base
	// On is what GRANT … ON takes, Column set for a column's grants.
	On     string `json:"on" diff:"-"`
	Column string `json:"column,omitempty" diff:"-"`
	Owner  string `json:"owner" diff:"-"`
	// Privileges were granted, or revoked, after the object was made.
	Privileges []schema.Grant `json:"privileges"`
}

var privilegesKind = Kind{
	Name:    "privileges",
	Catalog: "pg_init_privs",
	New:     func() schema.Object { return &Privileges{} },
	Query: func(s Server) string {
		object := func(catalog, oid, owner, acl, class, name, from, sub, column string) string {
			return `SELECT '` + catalog + `'::regclass AS classid, ` + oid + ` AS objid, ` + sub + ` AS objsubid, ` + owner + ` AS owner, ` + acl + ` AS acl, ` +
				class + ` AS class, ` + name + ` AS name, ` + column + ` AS col FROM ` + from
		}
		qualified := func(name string) string { return "quote_ident(n.nspname) || '.' || quote_ident(" + name + ")" }
		all := []string{
			object("pg_class", "c.oid", "c.relowner", "c.relacl", "CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END", qualified("c.relname"),
				"pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'S', 'f', 'p')", "0", "NULL"),
			object("pg_class", "c.oid", "c.relowner", "a.attacl", "'COLUMN'", qualified("c.relname"),
				"pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attacl IS NOT NULL", "a.attnum", "quote_ident(a.attname)"),
			object("pg_proc", "p.oid", "p.proowner", "p.proacl", "CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END", qualified("p.proname")+" || '(' || oidvectortypes(p.proargtypes) || ')'",
				"pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace", "0", "NULL"),
			object("pg_type", "t.oid", "t.typowner", "t.typacl", "CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END", qualified("t.typname"),
				"pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace", "0", "NULL"),
			object("pg_namespace", "n.oid", "n.nspowner", "n.nspacl", "'SCHEMA'", "quote_ident(n.nspname)", "pg_namespace n WHERE n.oid <> 2200", "0", "NULL"),
			object("pg_language", "l.oid", "l.lanowner", "l.lanacl", "'LANGUAGE'", "quote_ident(l.lanname)", "pg_language l", "0", "NULL"),
			object("pg_foreign_data_wrapper", "f.oid", "f.fdwowner", "f.fdwacl", "'FOREIGN DATA WRAPPER'", "quote_ident(f.fdwname)", "pg_foreign_data_wrapper f", "0", "NULL"),
			object("pg_foreign_server", "s.oid", "s.srvowner", "s.srvacl", "'FOREIGN SERVER'", "quote_ident(s.srvname)", "pg_foreign_server s", "0", "NULL"),
		}
		return `SELECT 0, 0, o.owner, o.acl, o.class, o.name, o.col, i.initprivs, e.extname
			FROM (` + strings.Join(all, " UNION ALL ") + `) o
			LEFT JOIN pg_init_privs i ON i.classoid = o.classid AND i.objoid = o.objid AND i.objsubid = o.objsubid
			LEFT JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e' LEFT JOIN pg_extension e ON e.oid = d.refobjid
			WHERE (o.objid < 16384 AND o.name !~ '^(information_schema|pg_toast)' OR e.oid IS NOT NULL) AND o.acl IS DISTINCT FROM i.initprivs ORDER BY o.class, o.name, o.col`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		p := &Privileges{Owner: rd.owner}
		class, name := schema.PrivilegeClass(r.Text()), r.Text()
		p.Column = r.Text()
		initial, had := r.Nullable()
		extension := r.Text()
		p.Ident = schema.ID{Kind: "privileges", Table: extension, Name: strings.ToLower(string(class)) + " " + name}
		p.On = string(class) + " " + name
		if class == "COLUMN" {
			p.Ident.Name += "." + p.Column
			p.On = "TABLE " + name
		}
		before, now := schema.DefaultGrants(class, rd.Major), schema.DefaultGrants(class, rd.Major)
		if had {
			before = schema.EffectiveACL(parseArray(initial), rd.owner)
		}
		if rd.acl != nil {
			now = schema.EffectiveACL(rd.acl, rd.owner)
		}
		for _, g := range before {
			if !slices.Contains(now, g) {
				g.Revoked = true
				p.Privileges = append(p.Privileges, g)
			}
		}
		for _, g := range now {
			if !slices.Contains(before, g) {
				p.Privileges = append(p.Privileges, g)
			}
		}
		slices.SortFunc(p.Privileges, schema.Grant.Compare)
		if len(p.Privileges) == 0 {
			return nil
		}
		return p
	},
}

var privilegesTraits = schema.Traits{Rank: rankExtension + 1}

// Traits of changed privileges.
func (p *Privileges) Traits() *schema.Traits { return &privilegesTraits }

// Parent is the extension whose member it is about.
func (p *Privileges) Parent() schema.ID {
	if p.Ident.Table == "" {
		return schema.ID{}
	}
	return schema.ID{Kind: "extension", Name: p.Ident.Table}
}

// Target is the object; privileges have no comment.
func (p *Privileges) Target() string { return p.On }

func (p *Privileges) change(from, to []schema.Grant) []schema.Statement {
	var revoked, granted []schema.Statement
	write := func(g schema.Grant, grant bool) {
		role := schema.RoleName(g.Role)
		if g.Role == schema.OwnerRole {
			role = ddl.QuoteIdent(p.Owner)
		}
		privilege := g.Privilege
		if p.Column != "" {
			privilege += " (" + p.Column + ")"
		}
		text := "REVOKE " + privilege + " ON " + p.On + " FROM " + role
		if grant {
			text = "GRANT " + privilege + " ON " + p.On + " TO " + role
			if g.Grantable {
				text += " WITH GRANT OPTION"
			}
		}
		s := schema.SQL(text)
		if g.Grantor != "" {
			s = schema.SQL("SET SESSION AUTHORIZATION "+ddl.QuoteIdent(g.Grantor), text, "RESET SESSION AUTHORIZATION")
		}
		if grant {
			granted = append(granted, s...)
		} else {
			revoked = append(revoked, s...)
		}
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
	return append(revoked, granted...)
}

// Create grants and revokes what differs.
func (p *Privileges) Create(schema.Context) []schema.Statement { return p.change(nil, p.Privileges) }

// Drop puts the initial privileges back; when the extension goes they go with it.
func (p *Privileges) Drop(c schema.Context) []schema.Statement {
	if parent := p.Parent(); c.To != nil && c.From.Has(parent) && !c.To.Has(parent) {
		return nil
	}
	return p.change(p.Privileges, nil)
}

// Alter grants and revokes the difference.
func (p *Privileges) Alter(to schema.Object, _ schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	return p.change(p.Privileges, to.(*Privileges).Privileges), true
}
