package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// memberItems are the operators and functions of a class or family, as SQL
// takes them: "OPERATOR 1 s.<(t,t)", and what names each within the family:
// "OPERATOR 1 (t, t)". The dependency on the class or family tells whose they are.
const memberItems = `(SELECT d.refobjid, array_agg(i.item ORDER BY i.item) AS items, array_agg(i.slot ORDER BY i.item) AS slots, array_agg(i.class || ' ' || i.oid) AS rows
	FROM pg_depend d JOIN (
		SELECT 'pg_amop'::regclass AS classid, 'pg_amop' AS class, o.oid, 'OPERATOR ' || o.amopstrategy || ' ' || o.amopopr::regoperator ||
			CASE WHEN o.amopsortfamily <> 0 THEN (SELECT ' FOR ORDER BY ' || quote_ident(n.nspname) || '.' || quote_ident(f.opfname) FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace WHERE f.oid = o.amopsortfamily) ELSE '' END AS item,
			'OPERATOR ' || o.amopstrategy || ' (' || format_type(o.amoplefttype, NULL) || ', ' || format_type(o.amoprighttype, NULL) || ')' AS slot
		FROM pg_amop o WHERE o.oid >= 16384
		UNION ALL
		SELECT 'pg_amproc'::regclass, 'pg_amproc', p.oid, 'FUNCTION ' || p.amprocnum || ' (' || format_type(p.amproclefttype, NULL) || ', ' || format_type(p.amprocrighttype, NULL) || ') ' || p.amproc::regprocedure,
			'FUNCTION ' || p.amprocnum || ' (' || format_type(p.amproclefttype, NULL) || ', ' || format_type(p.amprocrighttype, NULL) || ')'
		FROM pg_amproc p WHERE p.oid >= 16384) i ON i.classid = d.classid AND i.oid = d.objid
	WHERE d.refclassid = 'CATALOG'::regclass AND d.deptype IN ('i', 'a') GROUP BY d.refobjid)`

// OperatorFamily is an operator family with the members that belong to none of its classes.
type OperatorFamily struct {
	schema.Base
	Method string   `json:"method"`
	Items  []string `json:"items,omitempty"`
	// Slots name the items for DROP, in their order.
	Slots []string `json:"slots,omitempty" diff:"-"`
}

var operatorFamilyKind = Kind{
	Name:    "operator_family",
	Catalog: "pg_opfamily",
	New:     func() schema.Object { return &OperatorFamily{} },
	Query: func(Server) string {
		return `SELECT f.oid, 0, f.opfowner, NULL, f.opfname, n.nspname, a.amname, i.items, i.slots, i.rows
			FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am a ON a.oid = f.opfmethod
			LEFT JOIN ` + strings.Replace(memberItems, "CATALOG", "pg_opfamily", 1) + ` i ON i.refobjid = f.oid WHERE ` + userSchema
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		f := &OperatorFamily{}
		name, namespace := r.Text(), r.Text()
		f.Method = ddl.QuoteIdent(r.Text())
		f.Ident = schema.ID{Kind: "operator_family", Schema: namespace, Name: name, Args: "(" + f.Method + ")"}
		f.Items, f.Slots = r.Texts(), r.Texts()
		for _, row := range r.Texts() {
			rd.foldMember(row, "pg_opfamily")
		}
		return f
	},
}

// foldMember makes what a row of pg_amop or pg_amproc depends on a dependency of its class or family.
func (rd *Reader) foldMember(row, into string) {
	class, oid, _ := strings.Cut(row, " ")
	rd.Fold(class, parseOID(oid), 0, into, rd.current.oid, 0)
}

func parseOID(s string) uint32 {
	r := Row{text: s, ends: []int32{int32(len(s))}}
	return r.OID()
}

var operatorFamilyTraits = schema.Traits{Rank: rankOperatorFamily, Owned: true}

// Traits of operator families.
func (f *OperatorFamily) Traits() *schema.Traits { return &operatorFamilyTraits }

// Target is OPERATOR FAMILY name USING method.
func (f *OperatorFamily) Target() string {
	return "OPERATOR FAMILY " + relationName(f.Ident) + " USING " + f.Method
}

// Create makes the family with its loose members.
func (f *OperatorFamily) Create(schema.Context) []schema.Statement {
	return append(schema.SQL("CREATE "+f.Target()), f.change("ADD", f.Items)...)
}

func (f *OperatorFamily) change(verb string, items []string) []schema.Statement {
	if len(items) == 0 {
		return nil
	}
	return schema.SQL("ALTER " + f.Target() + " " + verb + "\n    " + strings.Join(items, ",\n    "))
}

// Drop removes the family.
func (f *OperatorFamily) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + f.Target())
}

// Alter drops and adds members.
func (f *OperatorFamily) Alter(to schema.Object, _ schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*OperatorFamily)
	var gone, added []string
	for i, item := range f.Items {
		if !slices.Contains(n.Items, item) {
			gone = append(gone, f.Slots[i])
		}
	}
	for _, item := range n.Items {
		if !slices.Contains(f.Items, item) {
			added = append(added, item)
		}
	}
	return append(n.change("DROP", gone), n.change("ADD", added)...), true
}

// OperatorClass is an operator class.
type OperatorClass struct {
	schema.Base
	Method  string   `json:"method"`
	Default bool     `json:"default,omitempty"`
	Type    string   `json:"type"`
	Family  string   `json:"family"`
	Storage string   `json:"storage,omitempty"`
	Items   []string `json:"items,omitempty"`
}

var operatorClassKind = Kind{
	Name:    "operator_class",
	Catalog: "pg_opclass",
	New:     func() schema.Object { return &OperatorClass{} },
	Query: func(Server) string {
		return `SELECT c.oid, 0, c.opcowner, NULL, c.opcname, n.nspname, a.amname, c.opcdefault, format_type(c.opcintype, NULL), fn.nspname, f.opfname,
			CASE WHEN c.opckeytype <> 0 AND c.opckeytype <> c.opcintype THEN format_type(c.opckeytype, NULL) END, i.items, i.rows
			FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am a ON a.oid = c.opcmethod
			JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace
			LEFT JOIN ` + strings.Replace(memberItems, "CATALOG", "pg_opclass", 1) + ` i ON i.refobjid = c.oid WHERE ` + userSchema
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		c := &OperatorClass{}
		name, namespace := r.Text(), r.Text()
		c.Method = ddl.QuoteIdent(r.Text())
		c.Ident = schema.ID{Kind: "operator_class", Schema: namespace, Name: name, Args: "(" + c.Method + ")"}
		c.Default, c.Type = r.Bool(), r.Text()
		family, familyName := r.Text(), r.Text()
		c.Family = ddl.QualifiedName(family, familyName)
		c.Storage, c.Items = r.Text(), r.Texts()
		for _, row := range r.Texts() {
			rd.foldMember(row, "pg_opclass")
		}
		return c
	},
}

var operatorClassTraits = schema.Traits{Rank: rankOperatorClass, Owned: true}

// Traits of operator classes.
func (c *OperatorClass) Traits() *schema.Traits { return &operatorClassTraits }

// Target is OPERATOR CLASS name USING method.
func (c *OperatorClass) Target() string {
	return "OPERATOR CLASS " + relationName(c.Ident) + " USING " + c.Method
}

// Create makes the class with its members.
func (c *OperatorClass) Create(schema.Context) []schema.Statement {
	text := "CREATE OPERATOR CLASS " + relationName(c.Ident)
	if c.Default {
		text += " DEFAULT"
	}
	text += " FOR TYPE " + c.Type + " USING " + c.Method + " FAMILY " + c.Family + " AS\n    "
	items := c.Items
	if c.Storage != "" || len(items) == 0 {
		storage := c.Storage
		if storage == "" {
			storage = c.Type
		}
		items = append([]string{"STORAGE " + storage}, items...)
	}
	return schema.SQL(text + strings.Join(items, ",\n    "))
}

// Drop removes the class.
func (c *OperatorClass) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + c.Target())
}

// Alter cannot: another definition takes another class.
func (c *OperatorClass) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}
