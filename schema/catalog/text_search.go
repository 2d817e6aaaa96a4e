package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// TextSearch is a text search parser, template or dictionary.
type TextSearch struct {
	schema.Base
	// Definition are the options of the CREATE statement: "LEXIZE = s.f".
	Definition []string `json:"definition"`
}

func textSearchKind(name schema.Kind, catalog, query string, options ...string) Kind {
	return Kind{
		Name:    name,
		Catalog: catalog,
		New:     func() schema.Object { return &TextSearch{} },
		Query:   func(Server) string { return query + ` WHERE ` + userSchema },
		Scan: func(_ *Reader, r *Row) schema.Object {
			t := &TextSearch{}
			object, namespace := r.Text(), r.Text()
			t.Ident = schema.ID{Kind: name, Schema: namespace, Name: object}
			for _, option := range options {
				value := r.Text()
				switch {
				case value == "" || value == "-":
				case option == "":
					t.Definition = append(t.Definition, splitList(value, ',')...)
				default:
					t.Definition = append(t.Definition, option+" = "+value)
				}
			}
			return t
		},
	}
}

var textSearchParserKind = textSearchKind("text_search_parser", "pg_ts_parser",
	`SELECT p.oid, 0, 0, NULL, p.prsname, n.nspname, p.prsstart::regproc, p.prstoken::regproc, p.prsend::regproc, p.prsheadline::regproc, p.prslextype::regproc
	FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace`, "START", "GETTOKEN", "END", "HEADLINE", "LEXTYPES")

var textSearchTemplateKind = textSearchKind("text_search_template", "pg_ts_template",
	`SELECT t.oid, 0, 0, NULL, t.tmplname, n.nspname, t.tmplinit::regproc, t.tmpllexize::regproc
	FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace`, "INIT", "LEXIZE")

var textSearchDictionaryKind = textSearchKind("text_search_dictionary", "pg_ts_dict",
	`SELECT d.oid, 0, d.dictowner, NULL, d.dictname, n.nspname, quote_ident(m.nspname) || '.' || quote_ident(t.tmplname), d.dictinitoption
	FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace m ON m.oid = t.tmplnamespace`, "TEMPLATE", "")

var (
	textSearchTraits           = schema.Traits{Rank: rankTextSearch}
	textSearchDictionaryTraits = schema.Traits{Rank: rankTextSearch + 1, Owned: true}
)

// Traits of text search parsers, templates and dictionaries.
func (t *TextSearch) Traits() *schema.Traits {
	if t.Ident.Kind == "text_search_dictionary" {
		return &textSearchDictionaryTraits
	}
	return &textSearchTraits
}

// Target is TEXT SEARCH PARSER, TEMPLATE or DICTIONARY and the name.
func (t *TextSearch) Target() string {
	return strings.ToUpper(strings.ReplaceAll(string(t.Ident.Kind), "_", " ")) + " " + relationName(t.Ident)
}

// Create makes the object.
func (t *TextSearch) Create(schema.Context) []schema.Statement {
	return schema.SQL("CREATE " + t.Target() + " (\n    " + strings.Join(t.Definition, ",\n    ") + "\n)")
}

// Drop removes the object.
func (t *TextSearch) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + t.Target()) }

// Alter changes a dictionary's options.
func (t *TextSearch) Alter(to schema.Object, _ schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*TextSearch)
	if t.Ident.Kind != "text_search_dictionary" || t.Definition[0] != n.Definition[0] {
		return nil, false
	}
	set := slices.Clone(n.Definition[1:])
	for _, option := range t.Definition[1:] {
		name, _, _ := strings.Cut(option, " = ")
		if !slices.ContainsFunc(n.Definition[1:], func(o string) bool { return strings.HasPrefix(o, name+" = ") }) {
			set = append(set, name)
		}
	}
	if len(set) == 0 {
		return nil, false
	}
	return schema.SQL("ALTER " + n.Target() + " (" + strings.Join(set, ", ") + ")"), true
}

// Mapping says which dictionaries look a type of token up.
type Mapping struct {
	Token        string `json:"token"`
	Dictionaries string `json:"dictionaries"`
}

// TextSearchConfiguration is a text search configuration.
type TextSearchConfiguration struct {
	schema.Base
	Parser   string    `json:"parser"`
	Mappings []Mapping `json:"mappings,omitempty"`
}

var textSearchConfigurationKind = Kind{
	Name:    "text_search_configuration",
	Catalog: "pg_ts_config",
	New:     func() schema.Object { return &TextSearchConfiguration{} },
	Query: func(Server) string {
		return `SELECT c.oid, 0, c.cfgowner, NULL, c.cfgname, n.nspname, quote_ident(m.nspname) || '.' || quote_ident(p.prsname), t.tokens, t.dictionaries
			FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace JOIN pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_namespace m ON m.oid = p.prsnamespace
			LEFT JOIN LATERAL (SELECT array_agg(x.alias ORDER BY x.maptokentype) AS tokens, array_agg(x.list ORDER BY x.maptokentype) AS dictionaries FROM (
				SELECT m.maptokentype, (SELECT y.alias FROM ts_token_type(c.cfgparser) y WHERE y.tokid = m.maptokentype) AS alias,
					string_agg(quote_ident(dn.nspname) || '.' || quote_ident(d.dictname), ', ' ORDER BY m.mapseqno) AS list
				FROM pg_ts_config_map m JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN pg_namespace dn ON dn.oid = d.dictnamespace
				WHERE m.mapcfg = c.oid GROUP BY m.maptokentype) x) t ON true
			WHERE ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		c := &TextSearchConfiguration{}
		name, namespace := r.Text(), r.Text()
		c.Ident = schema.ID{Kind: "text_search_configuration", Schema: namespace, Name: name}
		c.Parser = r.Text()
		tokens, dictionaries := r.Texts(), r.Texts()
		for i := range tokens {
			c.Mappings = append(c.Mappings, Mapping{ddl.QuoteIdent(tokens[i]), dictionaries[i]})
		}
		return c
	},
}

var textSearchConfigurationTraits = schema.Traits{Rank: rankTextSearch + 2, Owned: true}

// Traits of text search configurations.
func (c *TextSearchConfiguration) Traits() *schema.Traits { return &textSearchConfigurationTraits }

// Target is TEXT SEARCH CONFIGURATION name.
func (c *TextSearchConfiguration) Target() string {
	return "TEXT SEARCH CONFIGURATION " + relationName(c.Ident)
}

// Create makes the configuration with its mappings.
func (c *TextSearchConfiguration) Create(schema.Context) []schema.Statement {
	out := schema.SQL("CREATE " + c.Target() + " (PARSER = " + c.Parser + ")")
	for _, m := range c.Mappings {
		out = append(out, c.mapping("ADD MAPPING FOR "+m.Token+" WITH "+m.Dictionaries))
	}
	return out
}

func (c *TextSearchConfiguration) mapping(action string) schema.Statement {
	return schema.Statement{SQL: "ALTER " + c.Target() + " " + action}
}

// Drop removes the configuration.
func (c *TextSearchConfiguration) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + c.Target())
}

// Alter changes mappings; another parser takes another configuration.
func (c *TextSearchConfiguration) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*TextSearchConfiguration)
	if changes.Has("parser") {
		return nil, false
	}
	have := map[string]string{}
	for _, m := range c.Mappings {
		have[m.Token] = m.Dictionaries
	}
	var out []schema.Statement
	for _, m := range n.Mappings {
		old, ok := have[m.Token]
		delete(have, m.Token)
		switch {
		case !ok:
			out = append(out, n.mapping("ADD MAPPING FOR "+m.Token+" WITH "+m.Dictionaries))
		case old != m.Dictionaries:
			out = append(out, n.mapping("ALTER MAPPING FOR "+m.Token+" WITH "+m.Dictionaries))
		}
	}
	for _, m := range c.Mappings {
		if _, gone := have[m.Token]; gone {
			out = append(out, n.mapping("DROP MAPPING FOR "+m.Token))
		}
	}
	return out, true
}
