package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Collation is a collation.
type Collation struct {
	schema.Base
	Provider string `json:"provider"` // libc, icu or builtin
	Locale   string `json:"locale,omitempty"`
	// Collate and CharacterType are set instead of Locale where they differ.
	Collate          string `json:"lc_collate,omitempty"`
	CharacterType    string `json:"lc_ctype,omitempty"`
	Nondeterministic bool   `json:"nondeterministic,omitempty"`
	Rules            string `json:"rules,omitempty"`
}

var collationKind = Kind{
	Name:    "collation",
	Catalog: "pg_collation",
	New:     func() schema.Object { return &Collation{} },
	Query: func(s Server) string {
		locale := s.If(17, "c.colllocale", s.If(15, "c.colliculocale", "NULL"))
		return `SELECT c.oid, 0, c.collowner, NULL, c.collname, n.nspname, CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE c.collprovider::text END,
			` + locale + `, c.collcollate, c.collctype, NOT c.collisdeterministic, ` + s.If(16, "c.collicurules", "NULL") + `
			FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		c := &Collation{}
		name, namespace := r.Text(), r.Text()
		c.Ident = schema.ID{Kind: "collation", Schema: namespace, Name: name}
		c.Provider, c.Locale, c.Collate, c.CharacterType, c.Nondeterministic, c.Rules = r.Text(), r.Text(), r.Text(), r.Text(), r.Bool(), r.Text()
		if c.Locale == "" && c.Collate == c.CharacterType {
			c.Locale = c.Collate
		}
		if c.Locale != "" {
			c.Collate, c.CharacterType = "", ""
		}
		return c
	},
}

var collationTraits = schema.Traits{Rank: rankCollation, Owned: true}

// Traits of collations.
func (c *Collation) Traits() *schema.Traits { return &collationTraits }

// Target is COLLATION name.
func (c *Collation) Target() string { return "COLLATION " + relationName(c.Ident) }

// Create makes the collation.
func (c *Collation) Create(schema.Context) []schema.Statement {
	options := []string{"PROVIDER = " + c.Provider}
	for _, option := range [][2]string{{"LOCALE", c.Locale}, {"LC_COLLATE", c.Collate}, {"LC_CTYPE", c.CharacterType}} {
		if option[1] != "" {
			options = append(options, option[0]+" = "+ddl.QuoteLiteral(option[1]))
		}
	}
	if c.Nondeterministic {
		options = append(options, "DETERMINISTIC = false")
	}
	if c.Rules != "" {
		options = append(options, "RULES = "+ddl.QuoteLiteral(c.Rules))
	}
	return schema.SQL("CREATE " + c.Target() + " (" + strings.Join(options, ", ") + ")")
}

// Drop removes the collation.
func (c *Collation) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + c.Target()) }

// Alter cannot: there is nothing about a collation that ALTER changes.
func (c *Collation) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}

// Aside renames the collation, to move the columns that use it to a new one of its name.
func (c *Collation) Aside(schema.Context) []schema.Statement { return aside(c) }

// DropAside removes the renamed collation.
func (c *Collation) DropAside(schema.Context) []schema.Statement { return dropAside(c, "") }
