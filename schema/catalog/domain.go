package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Domain is a domain; its checks are objects of their own.
type Domain struct {
	schema.Base
	Type      string `json:"type"`
	Collation string `json:"collation,omitempty"` // empty: the type's
	Default   string `json:"default,omitempty"`
	NotNull   bool   `json:"not_null,omitempty"`
	// NotNullName is the name of the NOT NULL constraint where it is not NAME_not_null (PostgreSQL 17).
	NotNullName string `json:"not_null_name,omitempty"`
}

var domainKind = Kind{
	Name:    "domain",
	Catalog: "pg_type",
	New:     func() schema.Object { return &Domain{} },
	Query: func(s Server) string {
		return `SELECT t.oid, 0, t.typowner, t.typacl, t.typname, n.nspname, format_type(t.typbasetype, t.typtypmod),
			CASE WHEN t.typcollation <> b.typcollation THEN quote_ident(m.nspname) || '.' || quote_ident(l.collname) END,
			coalesce(pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), CASE WHEN t.typdefault IS NOT NULL THEN quote_literal(t.typdefault) END), t.typnotnull,
			` + s.If(17, `(SELECT k.conname FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'n')`, "NULL") + `
			FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype
			LEFT JOIN pg_collation l ON l.oid = t.typcollation LEFT JOIN pg_namespace m ON m.oid = l.collnamespace
			WHERE t.typtype = 'd' AND ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		d := &Domain{}
		name, namespace := r.Text(), r.Text()
		d.Ident = schema.ID{Kind: "domain", Schema: namespace, Name: name}
		d.Type, d.Collation, d.Default, d.NotNull = r.Text(), r.Text(), r.Text(), r.Bool()
		if d.NotNullName = r.Text(); d.NotNullName == name+"_not_null" {
			d.NotNullName = ""
		}
		return d
	},
}

var domainTraits = schema.Traits{Rank: rankDomain, Spaces: []string{"type"}, Owned: true, Class: "DOMAIN"}

// Traits of domains.
func (d *Domain) Traits() *schema.Traits { return &domainTraits }

// Target is DOMAIN name.
func (d *Domain) Target() string { return "DOMAIN " + relationName(d.Ident) }

// Create makes the domain with the checks among c.Parts.
func (d *Domain) Create(c schema.Context) []schema.Statement {
	text := "CREATE " + d.Target() + " AS " + d.Type
	if d.Collation != "" {
		text += " COLLATE " + d.Collation
	}
	if d.Default != "" {
		text += " DEFAULT " + d.Default
	}
	if d.NotNull {
		text += d.notNull() + " NOT NULL"
	}
	for _, part := range c.Parts {
		if check, ok := part.(*DomainConstraint); ok {
			text += "\n    " + check.definition()
		}
	}
	return schema.SQL(text)
}

func (d *Domain) notNull() string {
	if d.NotNullName == "" {
		return ""
	}
	return " CONSTRAINT " + ddl.QuoteIdent(d.NotNullName)
}

// Drop removes the domain.
func (d *Domain) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + d.Target()) }

// Aside renames the domain, to move what uses it to a new one of its name, and
// takes off it what it uses itself.
func (d *Domain) Aside(c schema.Context) []schema.Statement {
	var out []schema.Statement
	if d.Default != "" {
		out = append(out, schema.SQL("ALTER "+d.Target()+" DROP DEFAULT")...)
	}
	for _, part := range c.From.Parts(d.Ident) {
		out = append(out, part.Drop(c)...)
	}
	return append(out, aside(d)...)
}

// DropAside removes the renamed domain.
func (d *Domain) DropAside(schema.Context) []schema.Statement { return dropAside(d, "") }

// Alter changes the default and NOT NULL; another base type takes another domain.
func (d *Domain) Alter(to schema.Object, changes schema.Changes, c schema.Context) ([]schema.Statement, bool) {
	n := to.(*Domain)
	if changes.Has("type", "collation") {
		return nil, false
	}
	var out []schema.Statement
	alter := func(action string, hazards ...schema.Hazard) {
		out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " " + action, Hazards: hazards})
	}
	if changes.Has("default") {
		if n.Default == "" {
			alter("DROP DEFAULT")
		} else {
			alter("SET DEFAULT " + n.Default)
		}
	}
	if n.NotNull && changes.Has("not_null", "not_null_name") && within(d.Ident, c) {
		return nil, false
	}
	scan := schema.Hazard{Kind: schema.LongScan, Message: "scans every table with a column of " + relationName(n.Ident) + " for nulls"}
	switch {
	case changes.Has("not_null") && !n.NotNull, changes.Has("not_null_name") && d.NotNull:
		alter("DROP NOT NULL")
	}
	if n.NotNull && changes.Has("not_null", "not_null_name") {
		if n.NotNullName == "" {
			alter("SET NOT NULL", scan)
		} else {
			alter("ADD"+n.notNull()+" NOT NULL", scan)
		}
	}
	return out, true
}

// DomainConstraint is a check of a domain.
type DomainConstraint struct {
	schema.Base
	Domain   schema.ID `json:"domain" diff:"-"`
	Check    string    `json:"check"` // CHECK (…)
	NotValid bool      `json:"not_valid,omitempty"`
}

var domainConstraintKind = Kind{
	Name:    "domain_constraint",
	Catalog: "pg_constraint",
	New:     func() schema.Object { return &DomainConstraint{} },
	Query: func(Server) string {
		return `SELECT c.oid, 0, 0, NULL, c.conname, n.nspname, t.typname, pg_get_constraintdef(c.oid), NOT c.convalidated
			FROM pg_constraint c JOIN pg_type t ON t.oid = c.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
			WHERE c.contypid <> 0 AND c.contype = 'c' AND ` + userSchema
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		c := &DomainConstraint{}
		name, namespace, domain := r.Text(), r.Text(), r.Text()
		c.Domain = schema.ID{Kind: "domain", Schema: namespace, Name: domain}
		c.Ident = schema.ID{Kind: "domain_constraint", Schema: namespace, Table: domain, Name: name}
		c.Check, c.NotValid = r.Text(), r.Bool()
		c.Check = strings.TrimSuffix(c.Check, " NOT VALID")
		if !rd.model.Has(c.Domain) {
			return nil
		}
		return c
	},
}

var domainConstraintTraits = schema.Traits{Rank: rankConstraint}

// Traits of a domain's constraints.
func (c *DomainConstraint) Traits() *schema.Traits { return &domainConstraintTraits }

// Parent is the domain.
func (c *DomainConstraint) Parent() schema.ID { return c.Domain }

// Target is CONSTRAINT name ON DOMAIN name.
func (c *DomainConstraint) Target() string {
	return "CONSTRAINT " + ddl.QuoteIdent(c.Ident.Name) + " ON DOMAIN " + relationName(c.Domain)
}

// Inline says where the part is written: a valid check is written with its domain.
func (c *DomainConstraint) Inline(schema.Context) schema.Inline {
	if c.NotValid {
		return schema.Apart
	}
	return schema.Loose
}

func (c *DomainConstraint) definition() string {
	return "CONSTRAINT " + ddl.QuoteIdent(c.Ident.Name) + " " + c.Check
}

func (c *DomainConstraint) alter(action string) schema.Statement {
	return schema.Statement{SQL: "ALTER DOMAIN " + relationName(c.Domain) + " " + action}
}

// Create adds the check to a domain that is there; on one that has been in use
// it is validated in a transaction of its own.
func (c *DomainConstraint) Create(x schema.Context) []schema.Statement {
	add := c.alter("ADD " + c.definition())
	switch {
	case c.NotValid:
		add.SQL += " NOT VALID"
	case x.Options.Style == schema.Online && x.From.Has(c.Domain):
		add.SQL += " NOT VALID"
		return []schema.Statement{add, c.validate()}
	}
	return []schema.Statement{add}
}

func (c *DomainConstraint) validate() schema.Statement {
	s := c.alter("VALIDATE CONSTRAINT " + ddl.QuoteIdent(c.Ident.Name))
	s.Transaction = schema.Apartly
	s.Hazards = []schema.Hazard{{Kind: schema.LongScan, Message: "scans every table with a column of " + relationName(c.Domain)}}
	return s
}

// Drop removes the check.
func (c *DomainConstraint) Drop(schema.Context) []schema.Statement {
	return []schema.Statement{c.alter("DROP CONSTRAINT " + ddl.QuoteIdent(c.Ident.Name))}
}

// Remakes reports whether a check cannot be added in place: PostgreSQL does not
// look for values of the domain within arrays and other types.
func (c *DomainConstraint) Remakes(x schema.Context) bool {
	return !c.NotValid && within(c.Domain, x)
}

// Alter validates the check; another expression means another check.
func (c *DomainConstraint) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*DomainConstraint)
	if !changes.Only("not_valid") || n.NotValid {
		return nil, false
	}
	return []schema.Statement{n.validate()}, true
}
