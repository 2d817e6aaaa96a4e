package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Aggregate is an aggregate function, plain, ordered-set or hypothetical-set.
type Aggregate struct {
	schema.Base
	// Arguments as CREATE AGGREGATE takes them: "*", "integer", "double precision ORDER BY anyelement".
	Arguments string `json:"arguments"`
	// Kind is ORDERED or HYPOTHETICAL, empty for a plain aggregate.
	Kind string `json:"kind,omitempty"`
	// Definition are the options of CREATE AGGREGATE: "SFUNC = int4pl".
	Definition []string `json:"definition"`
	// Result is the type of the result.
	Result string `json:"result"`
}

var aggregateKind = Kind{
	Name:    "aggregate",
	Catalog: "pg_proc",
	New:     func() schema.Object { return &Aggregate{} },
	Query: func(s Server) string {
		return `SELECT p.oid, 0, p.proowner, p.proacl, p.proname, n.nspname, oidvectortypes(p.proargtypes), pg_get_function_arguments(p.oid),
			a.aggkind, format_type(p.prorettype, NULL), p.proparallel,
			a.aggtransfn::regproc, format_type(a.aggtranstype, NULL), a.aggtransspace, a.aggfinalfn::regproc, a.aggfinalextra, a.aggfinalmodify, a.agginitval,
			a.aggcombinefn::regproc, a.aggserialfn::regproc, a.aggdeserialfn::regproc,
			a.aggmtransfn::regproc, a.aggminvtransfn::regproc, CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END, a.aggmtransspace,
			a.aggmfinalfn::regproc, a.aggmfinalextra, a.aggmfinalmodify, a.aggminitval,
			CASE WHEN o.oid IS NOT NULL THEN 'OPERATOR(' || quote_ident(o.nspname) || '.' || o.oprname || ')' END
			FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_aggregate a ON a.aggfnoid = p.oid
			LEFT JOIN (SELECT x.oid, x.oprname, m.nspname FROM pg_operator x JOIN pg_namespace m ON m.oid = x.oprnamespace) o ON o.oid = a.aggsortop
			WHERE p.prokind = 'a' AND ` + userSchema + ` AND ` + ownRoutine
	},
	Scan: scanAggregate,
}

func scanAggregate(_ *Reader, r *Row) schema.Object {
	a := &Aggregate{}
	name, namespace, types := r.Text(), r.Text(), r.Text()
	if types == "" {
		types = "*"
	}
	a.Ident = schema.ID{Kind: "aggregate", Schema: namespace, Name: name, Args: "(" + types + ")"}
	if a.Arguments = r.Text(); a.Arguments == "" {
		a.Arguments = "*"
	}
	kind := r.Text()
	a.Kind = map[string]string{"o": "ORDERED", "h": "HYPOTHETICAL"}[kind]
	a.Result = r.Text()
	parallel := r.Text()
	add := func(option, value string) {
		if value != "" && value != "-" && value != "0" {
			a.Definition = append(a.Definition, option+" = "+value)
		}
	}
	flag := func(option string) {
		if r.Bool() {
			a.Definition = append(a.Definition, option)
		}
	}
	value := func(option string) {
		if text, ok := r.Nullable(); ok {
			a.Definition = append(a.Definition, option+" = "+ddl.QuoteLiteral(text))
		}
	}
	modify := func(option string, final bool) {
		usual := "r"
		if kind != "n" {
			usual = "w"
		}
		if m := r.Text(); m != usual && final {
			add(option, map[string]string{"r": "READ_ONLY", "s": "SHAREABLE", "w": "READ_WRITE"}[m])
		}
	}
	add("SFUNC", r.Text())
	add("STYPE", r.Text())
	add("SSPACE", r.Text())
	final := r.Text()
	add("FINALFUNC", final)
	flag("FINALFUNC_EXTRA")
	modify("FINALFUNC_MODIFY", final != "-")
	value("INITCOND")
	add("COMBINEFUNC", r.Text())
	add("SERIALFUNC", r.Text())
	add("DESERIALFUNC", r.Text())
	add("MSFUNC", r.Text())
	add("MINVFUNC", r.Text())
	add("MSTYPE", r.Text())
	add("MSSPACE", r.Text())
	final = r.Text()
	add("MFINALFUNC", final)
	flag("MFINALFUNC_EXTRA")
	modify("MFINALFUNC_MODIFY", final != "-")
	value("MINITCOND")
	add("SORTOP", r.Text())
	add("PARALLEL", map[string]string{"s": "SAFE", "r": "RESTRICTED"}[parallel])
	if kind == "h" {
		a.Definition = append(a.Definition, "HYPOTHETICAL")
	}
	return a
}

var aggregateTraits = schema.Traits{Rank: rankAggregate, Spaces: []string{"routine"}, Owned: true, Class: "FUNCTION"}

// Traits of aggregates.
func (a *Aggregate) Traits() *schema.Traits { return &aggregateTraits }

// Target is AGGREGATE, the name and the types of the arguments.
func (a *Aggregate) Target() string { return "AGGREGATE " + relationName(a.Ident) + a.Ident.Args }

// OwnerTarget is the same.
func (a *Aggregate) OwnerTarget() string { return a.Target() }

// GrantTarget calls it a function.
func (a *Aggregate) GrantTarget() (on, column string) {
	return "FUNCTION " + relationName(a.Ident) + strings.Replace(a.Ident.Args, "(*)", "()", 1), ""
}

func (a *Aggregate) definition(verb string) string {
	return verb + "AGGREGATE " + relationName(a.Ident) + "(" + a.Arguments + ") (\n    " + strings.Join(a.Definition, ",\n    ") + "\n)"
}

// Create makes the aggregate.
func (a *Aggregate) Create(schema.Context) []schema.Statement {
	return schema.SQL(a.definition("CREATE "))
}

// Drop removes the aggregate.
func (a *Aggregate) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + a.Target()) }

// Alter replaces the aggregate when only its definition differs.
func (a *Aggregate) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	if !changes.Only("definition") {
		return nil, false
	}
	return schema.SQL(to.(*Aggregate).definition("CREATE OR REPLACE ")), true
}
