package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Operator is an operator.
type Operator struct {
	schema.Base
	Left     string `json:"left,omitempty"` // type; empty for a prefix operator
	Right    string `json:"right,omitempty"`
	Function string `json:"function"`
	// Commutator and Negator are written OPERATOR(schema.name).
	Commutator string `json:"commutator,omitempty"`
	Negator    string `json:"negator,omitempty"`
	Restrict   string `json:"restrict,omitempty"`
	Join       string `json:"join,omitempty"`
	Hashes     bool   `json:"hashes,omitempty"`
	Merges     bool   `json:"merges,omitempty"`
	// CommutatorID and NegatorID name those operators.
	CommutatorID schema.ID `json:"commutator_id,omitzero" diff:"-"`
	NegatorID    schema.ID `json:"negator_id,omitzero" diff:"-"`
}

var operatorKind = Kind{
	Name:    "operator",
	Catalog: "pg_operator",
	New:     func() schema.Object { return &Operator{} },
	Query: func(Server) string {
		types := func(o string) string {
			return "CASE WHEN " + o + ".oprleft <> 0 THEN format_type(" + o + ".oprleft, NULL) END, CASE WHEN " + o + ".oprright <> 0 THEN format_type(" + o + ".oprright, NULL) END"
		}
		function := func(column string) string { return "CASE WHEN " + column + " <> 0 THEN " + column + "::regproc END" }
		return `SELECT o.oid, 0, o.oprowner, NULL, o.oprname, n.nspname, ` + types("o") + `, o.oprcode::regproc,
			cn.nspname, c.oprname, ` + types("c") + `, gn.nspname, g.oprname, ` + types("g") + `,
			` + function("o.oprrest") + `, ` + function("o.oprjoin") + `, o.oprcanhash, o.oprcanmerge
			FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
			LEFT JOIN pg_operator c ON c.oid = o.oprcom AND c.oprcode <> 0 LEFT JOIN pg_namespace cn ON cn.oid = c.oprnamespace
			LEFT JOIN pg_operator g ON g.oid = o.oprnegate AND g.oprcode <> 0 LEFT JOIN pg_namespace gn ON gn.oid = g.oprnamespace
			WHERE o.oprcode <> 0 AND ` + userSchema
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		o := &Operator{}
		name, namespace := r.Text(), r.Text()
		o.Left, o.Right, o.Function = r.Text(), r.Text(), r.Text()
		o.Ident = operatorID(namespace, name, o.Left, o.Right)
		o.Commutator, o.CommutatorID = otherOperator(r)
		o.Negator, o.NegatorID = otherOperator(r)
		o.Restrict, o.Join, o.Hashes, o.Merges = r.Text(), r.Text(), r.Bool(), r.Bool()
		return o
	},
}

func otherOperator(r *Row) (string, schema.ID) {
	namespace, name, left, right := r.Text(), r.Text(), r.Text(), r.Text()
	if name == "" {
		return "", schema.ID{}
	}
	return "OPERATOR(" + ddl.QuoteIdent(namespace) + "." + name + ")", operatorID(namespace, name, left, right)
}

func operatorID(namespace, name, left, right string) schema.ID {
	if left == "" {
		left = "NONE"
	}
	if right == "" {
		right = "NONE"
	}
	return schema.ID{Kind: "operator", Schema: namespace, Name: name, Args: "(" + left + ", " + right + ")"}
}

var operatorTraits = schema.Traits{Rank: rankOperator, Spaces: []string{"operator"}, Owned: true}

// Traits of operators.
func (o *Operator) Traits() *schema.Traits { return &operatorTraits }

func (o *Operator) name() string { return ddl.QuoteIdent(o.Ident.Schema) + "." + o.Ident.Name }

// Target is OPERATOR, the name and the types of the operands.
func (o *Operator) Target() string { return "OPERATOR " + o.name() + " " + o.Ident.Args }

// Create makes the operator. A commutator or negator that is not there yet is
// filled in when it is made.
func (o *Operator) Create(schema.Context) []schema.Statement {
	lines := []string{"FUNCTION = " + o.Function}
	for _, option := range [][2]string{
		{"LEFTARG", o.Left}, {"RIGHTARG", o.Right}, {"COMMUTATOR", o.Commutator}, {"NEGATOR", o.Negator},
		{"RESTRICT", o.Restrict}, {"JOIN", o.Join},
	} {
		if option[1] != "" {
			lines = append(lines, option[0]+" = "+option[1])
		}
	}
	if o.Hashes {
		lines = append(lines, "HASHES")
	}
	if o.Merges {
		lines = append(lines, "MERGES")
	}
	return schema.SQL("CREATE OPERATOR " + o.name() + " (\n    " + strings.Join(lines, ",\n    ") + "\n)")
}

// Drop removes the operator.
func (o *Operator) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + o.Target()) }

// Alter changes the estimators; links to operators that come or go at the same
// time follow those.
func (o *Operator) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*Operator)
	if !changes.Only("restrict", "join", "commutator", "negator", "hashes", "merges") {
		return nil, false
	}
	var set []string
	link := func(option, from, to string, fromID, toID schema.ID) bool {
		switch {
		case from == to:
			return true
		case from != "" && x.To.Has(fromID):
			return false // a link cannot be cut
		case to == "", !x.From.Has(toID) && from == "":
			return true
		}
		set = append(set, option+" = "+to)
		return x.Major() >= 17
	}
	if !link("COMMUTATOR", o.Commutator, n.Commutator, o.CommutatorID, n.CommutatorID) || !link("NEGATOR", o.Negator, n.Negator, o.NegatorID, n.NegatorID) {
		return nil, false
	}
	flag := func(option string, from, to bool) bool {
		if from == to {
			return true
		}
		set = append(set, option)
		return to && x.Major() >= 17
	}
	if !flag("HASHES", o.Hashes, n.Hashes) || !flag("MERGES", o.Merges, n.Merges) {
		return nil, false
	}
	estimator := func(option, from, to string) {
		if from == to {
			return
		}
		if to == "" {
			to = "NONE"
		}
		set = append(set, option+" = "+to)
	}
	estimator("RESTRICT", o.Restrict, n.Restrict)
	estimator("JOIN", o.Join, n.Join)
	if len(set) == 0 {
		return nil, true
	}
	return schema.SQL("ALTER " + n.Target() + " SET (" + strings.Join(set, ", ") + ")"), true
}
