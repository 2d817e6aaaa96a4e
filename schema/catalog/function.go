package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Function is a function, window function or procedure.
type Function struct {
	schema.Base
	// Arguments are names, modes, types and defaults, as CREATE FUNCTION takes them.
	Arguments string `json:"arguments,omitempty"`
	// Result is what follows RETURNS, empty for a procedure.
	Result          string `json:"result,omitempty"`
	Language        string `json:"language"`
	Window          bool   `json:"window,omitempty"`
	Volatility      string `json:"volatility,omitempty"` // IMMUTABLE or STABLE
	Parallel        string `json:"parallel,omitempty"`   // SAFE or RESTRICTED
	Strict          bool   `json:"strict,omitempty"`
	LeakProof       bool   `json:"leak_proof,omitempty"`
	SecurityDefiner bool   `json:"security_definer,omitempty"`
	Cost            string `json:"cost,omitempty"`
	Rows            string `json:"rows,omitempty"`
	Support         string `json:"support,omitempty"`
	// Settings are the SET clauses, name=value as the catalog has them.
	Settings   []string `json:"settings,omitempty"`
	Transforms []string `json:"transforms,omitempty"` // types
	// Library is the file of a function in C, Body then its symbol.
	Library string `json:"library,omitempty"`
	Body    string `json:"body,omitempty"`
	// StandardBody is BEGIN ATOMIC … END or RETURN …, in place of Body.
	StandardBody string `json:"standard_body,omitempty"`
	// What decides whether CREATE OR REPLACE will do.
	InputNames []string `json:"input_names,omitempty" diff:"-"`
	Outputs    []string `json:"outputs,omitempty" diff:"-"`
	Defaults   int      `json:"defaults,omitempty" diff:"-"`
}

// ownRoutine leaves out routines that extensions and other objects (the
// constructors of range types) have made.
const ownRoutine = `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))`

var functionKind = Kind{
	Name:    "function",
	Catalog: "pg_proc",
	New:     func() schema.Object { return &Function{} },
	Query:   func(s Server) string { return routineQuery(s, "p.prokind IN ('f', 'w')") },
	Scan:    scanFunction,
}

var procedureKind = Kind{
	Name:    "procedure",
	Catalog: "pg_proc",
	New:     func() schema.Object { return &Function{} },
	Query:   func(s Server) string { return routineQuery(s, "p.prokind = 'p'") },
	Scan:    scanFunction,
}

func routineQuery(s Server, which string) string {
	return `SELECT p.oid, 0, p.proowner, p.proacl, p.proname, n.nspname, p.prokind, oidvectortypes(p.proargtypes),
		pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname, p.provolatile, p.proparallel, p.proisstrict, p.proleakproof,
		p.prosecdef, p.procost, p.prorows, p.proretset, CASE WHEN p.prosupport <> 0 THEN p.prosupport::regproc END, p.proconfig,
		CASE WHEN p.protrftypes IS NOT NULL THEN (SELECT array_agg(format_type(t, NULL) ORDER BY k) FROM unnest(p.protrftypes) WITH ORDINALITY u(t, k)) END,
		p.probin, p.prosrc, ` + s.If(14, "pg_get_function_sqlbody(p.oid)", "NULL") + `,
		CASE WHEN p.proargnames IS NOT NULL THEN (SELECT array_agg(coalesce(p.proargnames[k], '') ORDER BY k)
			FROM generate_series(1, coalesce(array_length(p.proallargtypes, 1), p.pronargs)) k WHERE p.proargmodes IS NULL OR p.proargmodes[k] IN ('i', 'b', 'v')) END,
		CASE WHEN p.proallargtypes IS NOT NULL THEN (SELECT array_agg(coalesce(p.proargnames[k], '') || ' ' || format_type(p.proallargtypes[k], NULL) ORDER BY k)
			FROM generate_subscripts(p.proallargtypes, 1) k WHERE p.proargmodes[k] IN ('o', 'b', 't')) END,
		p.pronargdefaults
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
		WHERE ` + which + ` AND ` + userSchema + ` AND ` + ownRoutine
}

func scanFunction(_ *Reader, r *Row) schema.Object {
	f := &Function{}
	name, namespace, kind := r.Text(), r.Text(), r.Text()
	f.Ident = schema.ID{Kind: "function", Schema: namespace, Name: name, Args: "(" + r.Text() + ")"}
	if kind == "p" {
		f.Ident.Kind = "procedure"
	}
	f.Window = kind == "w"
	f.Arguments, f.Result = r.Text(), r.Text()
	language := r.Text()
	f.Language = ddl.QuoteIdent(language)
	f.Volatility = map[string]string{"i": "IMMUTABLE", "s": "STABLE"}[r.Text()]
	f.Parallel = map[string]string{"s": "SAFE", "r": "RESTRICTED"}[r.Text()]
	f.Strict, f.LeakProof, f.SecurityDefiner = r.Bool(), r.Bool(), r.Bool()
	f.Cost = r.Text()
	if usual := map[string]string{"c": "1", "internal": "1"}[language]; f.Cost == usual || usual == "" && f.Cost == "100" {
		f.Cost = ""
	}
	f.Rows = r.Text()
	if set := r.Bool(); !set || f.Rows == "1000" {
		f.Rows = ""
	}
	f.Support, f.Settings, f.Transforms = r.Text(), r.Texts(), r.Texts()
	f.Library, f.Body, f.StandardBody = r.Text(), r.Text(), r.Text()
	if f.StandardBody != "" {
		f.Body = ""
	}
	f.InputNames, f.Outputs, f.Defaults = r.Texts(), r.Texts(), int(r.Int())
	return f
}

var (
	functionTraits  = schema.Traits{Rank: rankFunction, Spaces: []string{"routine"}, Owned: true, Class: "FUNCTION"}
	procedureTraits = schema.Traits{Rank: rankFunction, Spaces: []string{"routine"}, Owned: true, Class: "PROCEDURE"}
)

// Traits of functions and procedures.
func (f *Function) Traits() *schema.Traits {
	if f.procedure() {
		return &procedureTraits
	}
	return &functionTraits
}

func (f *Function) procedure() bool { return f.Ident.Kind == "procedure" }

func (f *Function) noun() string {
	if f.procedure() {
		return "PROCEDURE "
	}
	return "FUNCTION "
}

// Target is FUNCTION or PROCEDURE, the name and the types of the input arguments.
func (f *Function) Target() string { return f.noun() + relationName(f.Ident) + f.Ident.Args }

// Create makes the function.
func (f *Function) Create(schema.Context) []schema.Statement {
	return schema.SQL(f.definition("CREATE ", f.body()))
}

func (f *Function) definition(verb, body string) string {
	var b strings.Builder
	b.WriteString(verb + f.noun() + relationName(f.Ident) + "(" + f.Arguments + ")")
	if f.Result != "" {
		b.WriteString(" RETURNS " + f.Result)
	}
	b.WriteString("\n    LANGUAGE " + f.Language)
	if len(f.Transforms) > 0 {
		b.WriteString("\n    TRANSFORM FOR TYPE " + strings.Join(f.Transforms, ", FOR TYPE "))
	}
	option := func(on bool, text string) {
		if on {
			b.WriteString(" " + text)
		}
	}
	option(f.Window, "WINDOW")
	option(f.Volatility != "", f.Volatility)
	option(f.Strict, "STRICT")
	option(f.SecurityDefiner, "SECURITY DEFINER")
	option(f.LeakProof, "LEAKPROOF")
	option(f.Parallel != "", "PARALLEL "+f.Parallel)
	option(f.Cost != "", "COST "+f.Cost)
	option(f.Rows != "", "ROWS "+f.Rows)
	option(f.Support != "", "SUPPORT "+f.Support)
	for _, setting := range f.Settings {
		b.WriteString("\n    SET " + settingClause(setting))
	}
	b.WriteString("\n    " + body)
	return b.String()
}

func (f *Function) body() string {
	switch {
	case f.Library != "" && f.Body == "-":
		return "AS " + ddl.QuoteLiteral(f.Library)
	case f.Library != "":
		return "AS " + ddl.QuoteLiteral(f.Library) + ", " + ddl.QuoteLiteral(f.Body)
	case f.StandardBody != "":
		return f.StandardBody
	}
	return "AS " + dollarQuote(f.Body)
}

// dollarQuote quotes a function's body so that it can be read.
func dollarQuote(body string) string {
	for _, tag := range []string{"$$", "$_$", "$function$", "$_kedge_$"} {
		if strings.Index(body+tag, tag) == len(body) {
			return tag + body + tag
		}
	}
	return ddl.QuoteLiteral(body)
}

// listSettings are the settings whose values are lists of names that SET takes
// apart (GUC_LIST_QUOTE in PostgreSQL's guc.h).
var listSettings = map[string]bool{
	"local_preload_libraries": true, "search_path": true, "session_preload_libraries": true,
	"shared_preload_libraries": true, "temp_tablespaces": true, "unix_socket_directories": true,
}

// settingClause writes name=value as SET takes it.
func settingClause(setting string) string {
	name, value, _ := strings.Cut(setting, "=")
	parts := strings.Split(name, ".")
	for i := range parts {
		parts[i] = ddl.QuoteIdent(parts[i])
	}
	name = strings.Join(parts, ".")
	if !listSettings[strings.ToLower(name)] {
		return name + " TO " + ddl.QuoteLiteral(value)
	}
	var items []string
	for _, item := range splitList(value, ',') {
		if len(item) >= 2 && item[0] == '"' && item[len(item)-1] == '"' {
			item = strings.ReplaceAll(item[1:len(item)-1], `""`, `"`)
		}
		items = append(items, ddl.QuoteLiteral(item))
	}
	if len(items) == 0 {
		items = []string{"''"}
	}
	return name + " TO " + strings.Join(items, ", ")
}

// splitList splits at a separator outside of quotes and trims the parts.
func splitList(s string, separator byte) []string {
	var out []string
	var quote byte
	start := 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || quote == 0 && s[i] == separator:
			if part := strings.TrimSpace(s[start:i]); part != "" {
				out = append(out, part)
			}
			start = i + 1
		case quote != 0 && s[i] == quote:
			quote = 0
		case quote == 0 && (s[i] == '"' || s[i] == '\''):
			quote = s[i]
		}
	}
	return out
}

// Drop removes the function.
func (f *Function) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + f.Target()) }

// Alter replaces the function where CREATE OR REPLACE allows: the same result
// and outputs, no argument renamed, no default taken away.
func (f *Function) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Function)
	if changes.Has("result", "window") || strings.Join(f.Outputs, ",") != strings.Join(n.Outputs, ",") || n.Defaults < f.Defaults {
		return nil, false
	}
	for i, name := range f.InputNames {
		if name != "" && (i >= len(n.InputNames) || n.InputNames[i] != name) {
			return nil, false
		}
	}
	s := schema.Statement{SQL: n.definition("CREATE OR REPLACE ", n.body())}
	if !f.SecurityDefiner && n.SecurityDefiner {
		s.Hazards = append(s.Hazards, schema.Hazard{Kind: schema.Behaviour, Message: relationName(n.Ident) + " runs with its owner's rights from now on"})
	}
	return []schema.Statement{s}, true
}

// Early makes a stand-in for a function whose standard body is in a cycle with
// what it uses (a view that calls the function); nothing for other functions.
func (f *Function) Early(c schema.Context) []schema.Statement {
	if f.StandardBody == "" {
		return nil
	}
	s := schema.Statement{SQL: f.definition("CREATE ", "AS "+dollarQuote("SELECT NULL"))}
	signature := f.Arguments + " " + f.Result
	for on := range c.To.Dependencies(f.Ident) {
		if strings.Contains(signature, relationName(on)) || on.Kind == "language" || on.Kind == "extension" {
			s.Requires = append(s.Requires, on)
		}
	}
	return []schema.Statement{s}
}

// Late gives the function its body.
func (f *Function) Late(schema.Context) []schema.Statement {
	return schema.SQL(f.definition("CREATE OR REPLACE ", f.body()))
}
