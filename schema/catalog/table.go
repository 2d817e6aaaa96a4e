package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Table is an ordinary, partitioned or foreign table. Its columns, defaults,
// constraints and so on are objects of their own.
type Table struct {
	schema.Base
	Unlogged bool `json:"unlogged,omitempty"`
	// AccessMethod is empty for heap.
	AccessMethod string `json:"access_method,omitempty"`
	Tablespace   string `json:"tablespace,omitempty"`
	// Options are storage parameters, those of the TOAST table as toast.name.
	Options schema.Unordered `json:"options,omitempty"`
	// ReplicaIdentity is full, nothing, index (see Index.ReplicaIdentity) or empty for the default.
	ReplicaIdentity  string `json:"replica_identity,omitempty"`
	RowSecurity      bool   `json:"row_security,omitempty"`
	ForceRowSecurity bool   `json:"force_row_security,omitempty"`
	// Of is the composite type of a typed table.
	Of string `json:"of,omitempty"`
	// PartitionBy is the strategy and key of a partitioned table: "RANGE (at)".
	PartitionBy string `json:"partition_by,omitempty"`
	// Inherits are the parents, in order, each an Inheritance; a partition's parent is its Partition's.
	Inherits []schema.ID `json:"inherits,omitempty" diff:"-"`
	// Server and ForeignOptions are a foreign table's.
	Server         string           `json:"server,omitempty"`
	ForeignOptions schema.Unordered `json:"foreign_options,omitempty"`
}

var tableKind = Kind{
	Name:    "table",
	Catalog: "pg_class",
	New:     func() schema.Object { return &Table{} },
	Query: func(s Server) string {
		return `SELECT c.oid, 0, c.relowner, c.relacl, c.relname, c.relnamespace, c.relkind, c.relpersistence = 'u', c.relam, c.reltablespace,
			c.reloptions, t.reloptions, c.relreplident, c.relrowsecurity, c.relforcerowsecurity,
			CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
			CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
			CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
			i.parents, c.relispartition, s.srvname, f.ftoptions
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND t.reloptions IS NOT NULL
			LEFT JOIN (SELECT inhrelid, array_agg(inhparent ORDER BY inhseqno) AS parents FROM pg_inherits GROUP BY inhrelid) i ON i.inhrelid = c.oid
			LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
			LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver
			WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND ` + userSchema + ` ORDER BY c.oid`
	},
	Scan: scanTable,
}

func scanTable(rd *Reader, r *Row) schema.Object {
	t := &Table{}
	name, namespace, kind := r.Text(), rd.Namespace(r.OID()), r.Text()
	t.Ident = schema.ID{Kind: "table", Schema: namespace, Name: name}
	if kind == "f" {
		t.Ident.Kind = "foreign_table"
	}
	t.Unlogged = r.Bool()
	if am := rd.methods[r.OID()]; am != "heap" {
		t.AccessMethod = ddl.QuoteIdent(am)
		if am == "" {
			t.AccessMethod = ""
		}
	}
	if space := rd.spaces[r.OID()]; space != "" {
		t.Tablespace = ddl.QuoteIdent(space)
	}
	t.Options = r.Texts()
	for _, option := range r.Texts() {
		t.Options = append(t.Options, "toast."+option)
	}
	if identity := r.Text(); kind != "f" { // a foreign table has none
		t.ReplicaIdentity = map[string]string{"f": "full", "n": "nothing", "i": "index"}[identity]
	}
	if kind == "f" {
		t.ReplicaIdentity = "" // cannot be set
	}
	t.RowSecurity, t.ForceRowSecurity, t.Of, t.PartitionBy = r.Bool(), r.Bool(), r.Text(), r.Text()
	bound, parents, isPartition := r.Text(), r.OIDs(), r.Bool()
	if server := r.Text(); server != "" {
		t.Server = ddl.QuoteIdent(server)
	}
	t.ForeignOptions = r.Texts()
	rd.relations[rd.current.oid] = &relation{id: t.Ident, name: ddl.QualifiedName(namespace, name), object: t}
	rd.inherits = append(rd.inherits, inheriting{table: t, oid: rd.current.oid, parents: parents, bound: bound, partition: isPartition})
	return t
}

var tableTraits = schema.Traits{Rank: rankTable, Spaces: []string{"relation", "type"}, Owned: true, Class: "TABLE", Data: true}

// Traits of tables.
func (t *Table) Traits() *schema.Traits { return &tableTraits }

func (t *Table) name() string { return ddl.QualifiedName(t.Ident.Schema, t.Ident.Name) }

func (t *Table) foreign() bool { return t.Ident.Kind == "foreign_table" }

func (t *Table) noun() string {
	if t.foreign() {
		return "FOREIGN TABLE "
	}
	return "TABLE "
}

// Target is TABLE or FOREIGN TABLE and the name.
func (t *Table) Target() string { return t.noun() + t.name() }

// Create makes the table with the columns, defaults and constraints among c.Parts.
func (t *Table) Create(c schema.Context) []schema.Statement {
	var b strings.Builder
	b.WriteString("CREATE ")
	if t.Unlogged {
		b.WriteString("UNLOGGED ")
	}
	b.WriteString(t.Target())
	if t.Of != "" {
		b.WriteString(" OF " + t.Of)
	}
	var lines []string
	var after []schema.Statement
	for _, part := range c.Parts {
		if column, ok := part.(*Column); ok {
			if line := column.inTable(t, c); line != "" {
				lines = append(lines, line)
			}
			after = append(after, column.settings(nil, c)...)
		}
	}
	for _, part := range c.Parts {
		if written, ok := part.(interface{ inTable(schema.Context) string }); ok {
			if line := written.inTable(c); line != "" {
				lines = append(lines, line)
			}
		}
		if settled, ok := part.(interface {
			settled(schema.Context) []schema.Statement
		}); ok {
			after = append(after, settled.settled(c)...)
		}
	}
	switch {
	case len(lines) > 0:
		b.WriteString(" (\n    " + strings.Join(lines, ",\n    ") + "\n)")
	case t.Of == "":
		b.WriteString(" ()")
	}
	if len(t.Inherits) > 0 {
		b.WriteString("\nINHERITS (" + strings.Join(relationNames(t.Inherits), ", ") + ")")
	}
	if t.PartitionBy != "" {
		b.WriteString("\nPARTITION BY " + t.PartitionBy)
	}
	if t.foreign() {
		b.WriteString("\nSERVER " + t.Server)
		if len(t.ForeignOptions) > 0 {
			b.WriteString("\nOPTIONS (" + foreignOptions(t.ForeignOptions) + ")")
		}
	}
	if t.AccessMethod != "" {
		b.WriteString("\nUSING " + t.AccessMethod)
	}
	if len(t.Options) > 0 {
		b.WriteString("\nWITH (" + storageOptions(t.Options) + ")")
	}
	if t.Tablespace != "" {
		b.WriteString("\nTABLESPACE " + t.Tablespace)
	}
	statements := append(schema.SQL(b.String()), after...)
	if t.ReplicaIdentity == "full" || t.ReplicaIdentity == "nothing" {
		statements = append(statements, t.only("REPLICA IDENTITY "+strings.ToUpper(t.ReplicaIdentity)))
	}
	if t.RowSecurity {
		statements = append(statements, t.alter("ENABLE ROW LEVEL SECURITY"))
	}
	if t.ForceRowSecurity {
		statements = append(statements, t.alter("FORCE ROW LEVEL SECURITY"))
	}
	return statements
}

func (t *Table) alter(action string) schema.Statement {
	return schema.Statement{SQL: "ALTER " + t.Target() + " " + action}
}

func (t *Table) only(action string) schema.Statement {
	return schema.Statement{SQL: "ALTER " + t.noun() + "ONLY " + t.name() + " " + action}
}

// Drop removes the table and its rows.
func (t *Table) Drop(schema.Context) []schema.Statement {
	s := schema.Statement{SQL: "DROP " + t.Target(), Lock: "AccessExclusiveLock"}
	if !t.foreign() {
		s.Hazards = []schema.Hazard{{Kind: schema.DataLoss, Message: fmt.Sprintf("drops %s with its rows", t.name())}}
	}
	return []schema.Statement{s}
}

// Alter changes the table's own properties.
func (t *Table) Alter(to schema.Object, changes schema.Changes, c schema.Context) ([]schema.Statement, bool) {
	n := to.(*Table)
	if changes.Has("partition_by", "server") {
		return nil, false
	}
	var out []schema.Statement
	rewrite := func(s schema.Statement, why string) {
		s.Hazards = []schema.Hazard{{Kind: schema.TableRewrite, Message: why + " rewrites " + n.name()}}
		s.Lock = "AccessExclusiveLock"
		s.Displaces = append(s.Displaces, rowsKept(n.Ident))
		out = append(out, s)
	}
	if changes.Has("unlogged") {
		s, why := n.alter("SET LOGGED"), "SET LOGGED"
		if n.Unlogged {
			s, why = n.alter("SET UNLOGGED"), "SET UNLOGGED"
		}
		s.Requires = n.loggedFirst(c.To)
		rewrite(s, why)
	}
	if changes.Has("access_method") {
		method := n.AccessMethod
		if method == "" {
			method = "heap"
		}
		rewrite(n.only("SET ACCESS METHOD "+method), "SET ACCESS METHOD")
	}
	if changes.Has("tablespace") {
		space := n.Tablespace
		if space == "" {
			space = "pg_default"
		}
		rewrite(n.only("SET TABLESPACE "+space), "SET TABLESPACE")
	}
	if changes.Has("of") {
		if n.Of == "" {
			out = append(out, n.alter("NOT OF"))
		} else {
			out = append(out, n.alter("OF "+n.Of))
		}
	}
	if changes.Has("options") {
		for _, action := range optionChanges(t.Options, n.Options) {
			out = append(out, n.alter(action))
		}
	}
	if changes.Has("foreign_options") {
		out = append(out, n.alter("OPTIONS ("+foreignOptionChanges(t.ForeignOptions, n.ForeignOptions)+")"))
	}
	if changes.Has("replica_identity") && n.ReplicaIdentity != "index" {
		identity := strings.ToUpper(n.ReplicaIdentity)
		if identity == "" {
			identity = "DEFAULT"
		}
		out = append(out, n.only("REPLICA IDENTITY "+identity))
	}
	if changes.Has("row_security") {
		out = append(out, switchSecurity(n, n.RowSecurity, "ENABLE", "DISABLE"))
	}
	if changes.Has("force_row_security") {
		out = append(out, switchSecurity(n, n.ForceRowSecurity, "FORCE", "NO FORCE"))
	}
	return out, true
}

// loggedFirst are the tables that must change before this one, as no logged
// table may reference an unlogged one.
func (t *Table) loggedFirst(m *schema.Model) []schema.ID {
	var out []schema.ID
	for _, o := range m.OfKind("constraint") {
		k, ok := o.(*Constraint)
		switch {
		case !ok || k.Type != ForeignKey || k.Table == k.References:
		case t.Unlogged && k.References == t.Ident:
			out = append(out, k.Table)
		case !t.Unlogged && k.Table == t.Ident:
			out = append(out, k.References)
		}
	}
	return out
}

func switchSecurity(t *Table, on bool, yes, no string) schema.Statement {
	if on {
		return t.alter(yes + " ROW LEVEL SECURITY")
	}
	s := t.alter(no + " ROW LEVEL SECURITY")
	s.Hazards = []schema.Hazard{{Kind: schema.Behaviour, Message: "rows of " + t.name() + " are no longer protected by policies"}}
	return s
}

// relationName is the qualified name of what an ID names.
func relationName(id schema.ID) string { return ddl.QualifiedName(id.Schema, id.Name) }

func relationNames(ids []schema.ID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = relationName(id)
	}
	return out
}

// storageOptions writes stored name=value options as SQL takes them.
func storageOptions(options []string) string {
	out := make([]string, len(options))
	for i, o := range options {
		name, value, _ := strings.Cut(o, "=")
		prefix := ""
		if rest, ok := strings.CutPrefix(name, "toast."); ok {
			prefix, name = "toast.", rest
		}
		out[i] = prefix + ddl.QuoteIdent(name) + "=" + optionValue(value)
	}
	return strings.Join(out, ", ")
}

func optionValue(value string) string {
	if value == "" {
		return "''"
	}
	for _, c := range value {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '_' && c != '.' {
			return ddl.QuoteLiteral(value)
		}
	}
	if ddl.QuoteIdent(value) != value && (value[0] < '0' || value[0] > '9') && value != "true" && value != "false" && value != "on" {
		return ddl.QuoteLiteral(value)
	}
	if value[0] >= '0' && value[0] <= '9' && strings.Trim(value, "0123456789.") != "" {
		return ddl.QuoteLiteral(value)
	}
	return value
}

// optionChanges are the SET and RESET actions between two lists of options.
func optionChanges(from, to []string) []string {
	var set, reset []string
	have := map[string]string{}
	for _, o := range from {
		name, value, _ := strings.Cut(o, "=")
		have[name] = value
	}
	for _, o := range to {
		name, value, _ := strings.Cut(o, "=")
		if old, ok := have[name]; !ok || old != value {
			set = append(set, o)
		}
		delete(have, name)
	}
	for _, o := range from {
		name, _, _ := strings.Cut(o, "=")
		if _, gone := have[name]; gone {
			reset = append(reset, quoteOptionName(name))
		}
	}
	// What is set anew moves to the end of the list; keep the list's order.
	var kept []string
	for _, o := range from {
		if slices.Contains(to, o) {
			kept = append(kept, o)
		}
	}
	if len(set)+len(reset) > 0 && !slices.Equal(append(kept, set...), to) {
		set, reset = to, nil
		for _, o := range from {
			name, _, _ := strings.Cut(o, "=")
			reset = append(reset, quoteOptionName(name))
		}
	}
	var out []string
	if len(reset) > 0 {
		out = append(out, "RESET ("+strings.Join(reset, ", ")+")")
	}
	if len(set) > 0 {
		out = append(out, "SET ("+storageOptions(set)+")")
	}
	return out
}

func quoteOptionName(name string) string {
	if rest, ok := strings.CutPrefix(name, "toast."); ok {
		return "toast." + ddl.QuoteIdent(rest)
	}
	return ddl.QuoteIdent(name)
}

// foreignOptions writes name=value options of foreign objects.
func foreignOptions(options []string) string {
	out := make([]string, len(options))
	for i, o := range options {
		name, value, _ := strings.Cut(o, "=")
		out[i] = ddl.QuoteIdent(name) + " " + ddl.QuoteLiteral(value)
	}
	return strings.Join(out, ", ")
}

// foreignOptionChanges are the ADD, SET and DROP items between two lists of foreign options.
func foreignOptionChanges(from, to []string) string {
	var out []string
	have := map[string]string{}
	for _, o := range from {
		name, value, _ := strings.Cut(o, "=")
		have[name] = value
	}
	for _, o := range to {
		name, value, _ := strings.Cut(o, "=")
		if old, ok := have[name]; !ok {
			out = append(out, "ADD "+ddl.QuoteIdent(name)+" "+ddl.QuoteLiteral(value))
		} else if old != value {
			out = append(out, "SET "+ddl.QuoteIdent(name)+" "+ddl.QuoteLiteral(value))
		}
		delete(have, name)
	}
	for _, o := range from {
		name, _, _ := strings.Cut(o, "=")
		if _, gone := have[name]; gone {
			out = append(out, "DROP "+ddl.QuoteIdent(name))
		}
	}
	return strings.Join(out, ", ")
}
