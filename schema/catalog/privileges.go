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
	Query: func(Server) string {
		// Names come last: few of the server's own objects have changed privileges.
		var objects, classes, names []string
		for _, o := range [...]struct{ catalog, objects, class, name string }{
			{"pg_class", "c.oid, 0, c.relowner, c.relacl FROM pg_class c WHERE c.relkind IN ('r', 'v', 'm', 'S', 'f', 'p')",
				"CASE WHEN k.sub <> 0 THEN 'COLUMN' WHEN (SELECT c.relkind FROM pg_class c WHERE c.oid = k.oid) = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END", "k.oid::regclass::text"},
			{"pg_class", "a.attrelid, a.attnum, c.relowner, a.attacl FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL", "", ""},
			{"pg_proc", "p.oid, 0, p.proowner, p.proacl FROM pg_proc p",
				"CASE WHEN (SELECT p.prokind FROM pg_proc p WHERE p.oid = k.oid) = 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END", "k.oid::regprocedure::text"},
			{"pg_type", "t.oid, 0, t.typowner, t.typacl FROM pg_type t",
				"CASE WHEN (SELECT t.typtype FROM pg_type t WHERE t.oid = k.oid) = 'd' THEN 'DOMAIN' ELSE 'TYPE' END",
				"(SELECT quote_ident(n.nspname) || '.' || quote_ident(t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = k.oid)"},
			{"pg_namespace", "n.oid, 0, n.nspowner, n.nspacl FROM pg_namespace n WHERE n.oid <> 2200 AND n.nspname !~ '^pg_toast'", "'SCHEMA'", "k.oid::regnamespace::text"},
			{"pg_language", "l.oid, 0, l.lanowner, l.lanacl FROM pg_language l", "'LANGUAGE'", "(SELECT quote_ident(l.lanname) FROM pg_language l WHERE l.oid = k.oid)"},
			{"pg_foreign_data_wrapper", "f.oid, 0, f.fdwowner, f.fdwacl FROM pg_foreign_data_wrapper f", "'FOREIGN DATA WRAPPER'",
				"(SELECT quote_ident(f.fdwname) FROM pg_foreign_data_wrapper f WHERE f.oid = k.oid)"},
			{"pg_foreign_server", "s.oid, 0, s.srvowner, s.srvacl FROM pg_foreign_server s", "'FOREIGN SERVER'",
				"(SELECT quote_ident(s.srvname) FROM pg_foreign_server s WHERE s.oid = k.oid)"},
		} {
			objects = append(objects, "SELECT '"+o.catalog+"'::regclass, "+o.objects)
			if o.class != "" {
				classes = append(classes, "WHEN '"+o.catalog+"'::regclass THEN "+o.class)
				names = append(names, "WHEN '"+o.catalog+"'::regclass THEN "+o.name)
			}
		}
		return `WITH changed AS MATERIALIZED (SELECT o.*, i.initprivs FROM (` + strings.Join(objects, " UNION ALL ") + `) o(class, oid, sub, owner, acl)
				LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.sub
				WHERE o.acl IS DISTINCT FROM i.initprivs),
			known AS MATERIALIZED (SELECT c.*, CASE WHEN c.oid >= 16384 THEN (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
				WHERE d.classid = c.class AND d.objid = c.oid AND d.deptype = 'e') END AS extension FROM changed c),
			named AS (SELECT k.*, CASE k.class ` + strings.Join(classes, " ") + ` END AS noun, CASE k.class ` + strings.Join(names, " ") + ` END AS name,
				(SELECT quote_ident(a.attname) FROM pg_attribute a WHERE k.sub > 0 AND a.attrelid = k.oid AND a.attnum = k.sub) AS col
				FROM known k WHERE k.oid < 16384 OR k.extension IS NOT NULL)
			SELECT 0, 0, n.owner, n.acl, n.noun, n.name, n.col, n.initprivs, n.extension FROM named n WHERE n.name !~ '^information_schema' ORDER BY n.noun, n.name, n.col`
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
