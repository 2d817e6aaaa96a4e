package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Policy is a row security policy.
type Policy struct {
	schema.Base
	Table       schema.ID `json:"table" diff:"-"`
	Restrictive bool      `json:"restrictive,omitempty"`
	// Command is SELECT, INSERT, UPDATE, DELETE or empty for ALL.
	Command string `json:"command,omitempty"`
	// Roles are role names; empty is PUBLIC.
	Roles []string `json:"roles,omitempty"`
	Using string   `json:"using,omitempty"`
	Check string   `json:"check,omitempty"`
}

var policyKind = Kind{
	Name:    "policy",
	Catalog: "pg_policy",
	New:     func() schema.Object { return &Policy{} },
	Query: func(Server) string {
		return `SELECT p.oid, 0, 0, NULL, p.polname, p.polrelid, NOT p.polpermissive, p.polcmd, p.polroles,
			pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_policy p`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		p := &Policy{}
		name, table := r.Text(), rd.relations[r.OID()]
		if table == nil {
			return nil
		}
		p.Table = table.id
		p.Ident = schema.ID{Kind: "policy", Schema: table.id.Schema, Table: table.id.Name, Name: name}
		p.Restrictive = r.Bool()
		p.Command = map[string]string{"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}[r.Text()]
		for _, role := range r.OIDs() {
			if role != 0 {
				p.Roles = append(p.Roles, rd.Role(role))
			}
		}
		slices.Sort(p.Roles)
		p.Using, p.Check = r.Text(), r.Text()
		return p
	},
}

var policyTraits = schema.Traits{Rank: rankPolicy}

// Traits of policies.
func (p *Policy) Traits() *schema.Traits { return &policyTraits }

// Parent is the policy's table.
func (p *Policy) Parent() schema.ID { return p.Table }

// Target is POLICY name ON table.
func (p *Policy) Target() string {
	return "POLICY " + ddl.QuoteIdent(p.Ident.Name) + " ON " + relationName(p.Table)
}

func (p *Policy) roles() string {
	if len(p.Roles) == 0 {
		return "PUBLIC"
	}
	return quoteAll(p.Roles)
}

// Create makes the policy.
func (p *Policy) Create(schema.Context) []schema.Statement {
	var b strings.Builder
	b.WriteString("CREATE " + p.Target())
	if p.Restrictive {
		b.WriteString(" AS RESTRICTIVE")
	}
	if p.Command != "" {
		b.WriteString(" FOR " + p.Command)
	}
	if len(p.Roles) > 0 {
		b.WriteString(" TO " + p.roles())
	}
	b.WriteString(p.conditions())
	return schema.SQL(b.String())
}

func (p *Policy) conditions() string {
	text := ""
	if p.Using != "" {
		text += " USING (" + p.Using + ")"
	}
	if p.Check != "" {
		text += " WITH CHECK (" + p.Check + ")"
	}
	return text
}

// Drop removes the policy.
func (p *Policy) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + p.Target()) }

// Alter changes roles and conditions; a condition cannot be taken away in place.
func (p *Policy) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Policy)
	if changes.Has("command", "restrictive") || p.Using != "" && n.Using == "" || p.Check != "" && n.Check == "" {
		return nil, false
	}
	text := "ALTER " + n.Target()
	if changes.Has("roles") {
		text += " TO " + n.roles()
	}
	if changes.Has("using", "check") {
		text += n.conditions()
	}
	return schema.SQL(text), true
}
