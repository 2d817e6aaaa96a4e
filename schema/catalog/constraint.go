package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// ConstraintType is what a constraint demands.
type ConstraintType string

// The types of constraints.
const (
	PrimaryKey ConstraintType = "primary_key"
	Unique     ConstraintType = "unique"
	ForeignKey ConstraintType = "foreign_key"
	Check      ConstraintType = "check"
	Exclusion  ConstraintType = "exclusion"
)

// Constraint is a constraint of a table. NOT NULL is a property of the column.
type Constraint struct {
	schema.Base
	Table schema.ID      `json:"table" diff:"-"`
	Type  ConstraintType `json:"type"`
	// Columns are the names of the constrained columns, unquoted; of a check,
	// those it mentions.
	Columns []string `json:"columns,omitempty"`
	// Expression is a check's condition or an exclusion's whole definition.
	Expression string `json:"expression,omitempty"`
	// Index is that of a primary key, unique or exclusion constraint.
	Index *IndexBody `json:"index,omitempty"`
	// References, ReferencedColumns and what follows are a foreign key's.
	References        schema.ID `json:"references,omitzero"`
	ReferencedColumns []string  `json:"referenced_columns,omitempty"`
	OnUpdate          string    `json:"on_update,omitempty"` // empty: NO ACTION
	OnDelete          string    `json:"on_delete,omitempty"`
	OnDeleteColumns   []string  `json:"on_delete_columns,omitempty"`
	Match             string    `json:"match,omitempty"` // empty: SIMPLE
	// Period: the last columns are periods (WITHOUT OVERLAPS, PERIOD).
	Period      bool `json:"period,omitempty"`
	Deferrable  bool `json:"deferrable,omitempty"`
	Deferred    bool `json:"deferred,omitempty"`
	NotValid    bool `json:"not_valid,omitempty"`
	NotEnforced bool `json:"not_enforced,omitempty"`
	NoInherit   bool `json:"no_inherit,omitempty"`
	Inherited   bool `json:"inherited,omitempty"`
	Local       bool `json:"local,omitempty" diff:"-"`
	// Partitioned: the table is.
	Partitioned bool `json:"partitioned,omitempty" diff:"-"`
}

var constraintKind = Kind{
	Name:    "constraint",
	Catalog: "pg_constraint",
	New:     func() schema.Object { return &Constraint{} },
	Query: func(s Server) string {
		return `SELECT k.oid, 0, 0, NULL, k.conname, k.conrelid, k.contype, k.condeferrable, k.condeferred, k.convalidated, k.conislocal, k.coninhcount > 0,
			k.connoinherit, k.conindid, k.conkey, k.confrelid, k.confkey, k.confupdtype, k.confdeltype, k.confmatchtype,
			` + s.If(15, "k.confdelsetcols", "NULL") + `, ` + s.If(18, "NOT k.conenforced", "false") + `, ` + s.If(18, "k.conperiod", "false") + `,
			CASE k.contype WHEN 'c' THEN pg_get_expr(k.conbin, k.conrelid) WHEN 'x' THEN pg_get_constraintdef(k.oid) END
			FROM pg_constraint k LEFT JOIN pg_constraint up ON k.contype = 'f' AND up.oid = k.conparentid
			WHERE k.conrelid >= 16384 AND k.contype IN ('p', 'u', 'x', 'f', 'c') AND (up.oid IS NULL OR up.conrelid <> k.conrelid)`
	},
	Scan: scanConstraint,
}

func scanConstraint(rd *Reader, r *Row) schema.Object {
	k := &Constraint{}
	name, relid := r.Text(), r.OID()
	table := rd.relations[relid]
	if table == nil || !rd.model.Has(table.id) {
		return nil
	}
	k.Table = table.id
	k.Ident = schema.ID{Kind: "constraint", Schema: table.id.Schema, Table: table.id.Name, Name: name}
	if t, ok := table.object.(*Table); ok {
		k.Partitioned = t.PartitionBy != ""
	}
	k.Type = map[string]ConstraintType{"p": PrimaryKey, "u": Unique, "x": Exclusion, "f": ForeignKey, "c": Check}[r.Text()]
	k.Deferrable, k.Deferred = r.Bool(), r.Bool()
	k.NotValid = !r.Bool()
	local := r.Bool()
	if k.Inherited = r.Bool(); k.Inherited {
		k.Local = local
	}
	noInherit := r.Bool()
	index := rd.indexes[r.OID()]
	for _, attnum := range r.Ints() {
		k.Columns = append(k.Columns, rd.columnName(relid, attnum))
	}
	referenced := r.OID()
	referencedColumns := r.Ints()
	onUpdate, onDelete, match := r.Text(), r.Text(), r.Text()
	setColumns := r.Ints()
	k.NotEnforced, k.Period, k.Expression = r.Bool(), r.Bool(), r.Text()
	switch k.Type {
	case Check:
		k.NoInherit = noInherit
	case ForeignKey:
		if other := rd.relations[referenced]; other != nil {
			k.References = other.id
		}
		for _, attnum := range referencedColumns {
			k.ReferencedColumns = append(k.ReferencedColumns, rd.columnName(referenced, attnum))
		}
		for _, attnum := range setColumns {
			k.OnDeleteColumns = append(k.OnDeleteColumns, rd.columnName(relid, attnum))
		}
		actions := map[string]string{"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
		k.OnUpdate, k.OnDelete, k.Match = actions[onUpdate], actions[onDelete], map[string]string{"f": "FULL", "p": "PARTIAL"}[match]
	default:
		if index != nil {
			k.Index = index.body
			index.id = k.Ident
		}
		if k.Type != Exclusion {
			k.Index.Columns, k.Index.Method = nil, "" // the constraint's own
		} else {
			k.Expression, _, _ = strings.Cut(k.Expression, " DEFERRABLE")
			k.Index.Columns = nil
		}
	}
	return k
}

var constraintTraits = schema.Traits{Rank: rankConstraint}
var primaryKeyTraits = schema.Traits{Rank: rankPrimaryKey}
var foreignKeyTraits = schema.Traits{Rank: rankForeignKey}

// Traits of constraints: the primary key is read first, foreign keys last.
func (k *Constraint) Traits() *schema.Traits {
	switch k.Type {
	case PrimaryKey:
		return &primaryKeyTraits
	case ForeignKey:
		return &foreignKeyTraits
	}
	return &constraintTraits
}

// Parent is the constraint's table.
func (k *Constraint) Parent() schema.ID { return k.Table }

// Target is CONSTRAINT name ON table.
func (k *Constraint) Target() string {
	return "CONSTRAINT " + ddl.QuoteIdent(k.Ident.Name) + " ON " + relationName(k.Table)
}

// Occupies names the slots it takes: the index has the constraint's name; a table has one primary key.
func (k *Constraint) Occupies() []schema.Slot {
	var out []schema.Slot
	if k.Index != nil {
		out = append(out, schema.Slot{Space: "relation", Name: k.Ident.Schema + "." + k.Ident.Name})
	}
	if k.Type == PrimaryKey {
		out = append(out, schema.Slot{Space: "primary key", Name: k.Table.String()})
	}
	return out
}

// comes reports whether CREATE TABLE … INHERITS brings the constraint.
func (k *Constraint) comes(x schema.Context) bool {
	t, ok := x.To.Object(k.Table).(*Table)
	return ok && k.Type == Check && k.Inherited && !k.Local && len(t.Inherits) > 0
}

// Inline says where the part is written: a constraint is written with its table unless it is not valid (it would be, there).
func (k *Constraint) Inline(x schema.Context) schema.Inline {
	switch {
	case k.comes(x):
		return schema.Fixed
	case k.NotValid || k.merges(x):
		return schema.Apart
	}
	return schema.Loose
}

// merges reports whether CREATE TABLE would take the constraint for another one
// of the table that demands the same, and make only that.
func (k *Constraint) merges(x schema.Context) bool {
	if k.Index == nil {
		return false
	}
	for _, part := range x.To.Parts(k.Table) {
		o, ok := part.(*Constraint)
		if !ok || o.Index == nil || o.Ident == k.Ident || (o.Type == Exclusion) != (k.Type == Exclusion) ||
			o.Expression != k.Expression || !slices.Equal(o.Columns, k.Columns) {
			continue
		}
		if o.Type == PrimaryKey || k.Type != PrimaryKey && o.Ident.Name < k.Ident.Name {
			return true
		}
	}
	return false
}

// inTable is the constraint's line in CREATE TABLE.
func (k *Constraint) inTable(x schema.Context) string {
	if k.comes(x) {
		return ""
	}
	return "CONSTRAINT " + ddl.QuoteIdent(k.Ident.Name) + " " + k.definition()
}

// settled are the statements that follow CREATE TABLE.
func (k *Constraint) settled(schema.Context) []schema.Statement {
	if k.Index == nil {
		return nil
	}
	return k.Index.settings(&IndexBody{}, schema.ID{Schema: k.Ident.Schema, Name: k.Ident.Name}, k.Table)
}

func (k *Constraint) definition() string {
	var b strings.Builder
	columns := func(names []string, last string) string {
		quoted := quoteAll(names)
		if k.Period && len(names) > 0 {
			i := len(names) - 1
			head := quoteAll(names[:i])
			if head != "" {
				head += ", "
			}
			if last == "PERIOD " {
				return "(" + head + last + ddl.QuoteIdent(names[i]) + ")"
			}
			return "(" + head + ddl.QuoteIdent(names[i]) + last + ")"
		}
		return "(" + quoted + ")"
	}
	switch k.Type {
	case PrimaryKey:
		b.WriteString("PRIMARY KEY " + columns(k.Columns, " WITHOUT OVERLAPS"))
	case Unique:
		b.WriteString("UNIQUE ")
		if k.Index.NullsNotDistinct {
			b.WriteString("NULLS NOT DISTINCT ")
		}
		b.WriteString(columns(k.Columns, " WITHOUT OVERLAPS"))
	case Exclusion:
		b.WriteString(k.Expression)
	case Check:
		b.WriteString("CHECK (" + k.Expression + ")")
		if k.NoInherit {
			b.WriteString(" NO INHERIT")
		}
	case ForeignKey:
		b.WriteString("FOREIGN KEY " + columns(k.Columns, "PERIOD ") + " REFERENCES " + relationName(k.References) + " " + columns(k.ReferencedColumns, "PERIOD "))
		if k.Match != "" {
			b.WriteString(" MATCH " + k.Match)
		}
		if k.OnUpdate != "" {
			b.WriteString(" ON UPDATE " + k.OnUpdate)
		}
		if k.OnDelete != "" {
			b.WriteString(" ON DELETE " + k.OnDelete)
			if len(k.OnDeleteColumns) > 0 {
				b.WriteString(" (" + quoteAll(k.OnDeleteColumns) + ")")
			}
		}
	}
	if k.Index != nil && k.Type != Exclusion {
		if len(k.Index.Include) > 0 {
			b.WriteString(" INCLUDE (" + strings.Join(k.Index.Include, ", ") + ")")
		}
		if len(k.Index.Options) > 0 {
			b.WriteString(" WITH (" + storageOptions(k.Index.Options) + ")")
		}
		if k.Index.Tablespace != "" {
			b.WriteString(" USING INDEX TABLESPACE " + k.Index.Tablespace)
		}
	}
	b.WriteString(k.deferral())
	if k.NotEnforced {
		b.WriteString(" NOT ENFORCED")
	} else if k.NotValid {
		b.WriteString(" NOT VALID")
	}
	return b.String()
}

func (k *Constraint) alter(action string) schema.Statement {
	only := ""
	if k.Index != nil && k.Partitioned {
		only = "ONLY "
	}
	return schema.Statement{SQL: "ALTER " + tableNoun(k.Table) + only + relationName(k.Table) + " " + action}
}

// follows reports whether the parent's constraint brings this one.
func (k *Constraint) follows(x schema.Context) bool {
	if !k.Inherited || fresh(x, k.Table) {
		return false
	}
	before := parents(x.From, k.Table)
	for on := range x.To.Dependencies(k.Ident) {
		up, ok := x.To.Object(on).(*Constraint)
		if ok && up.Type == k.Type && k.Index == nil && slices.Contains(parents(x.To, k.Table), up.Table) && slices.Contains(before, up.Table) {
			return true
		}
	}
	return false
}

// parents are the tables that a table inherits from or is a partition of.
func parents(m *schema.Model, table schema.ID) []schema.ID {
	t, ok := m.Object(table).(*Table)
	if !ok {
		return nil
	}
	if p, ok := m.Object(schema.ID{Kind: "partition", Schema: table.Schema, Name: table.Name}).(*Partition); ok {
		return []schema.ID{p.Of}
	}
	return t.Inherits
}

// Create adds the constraint to a table that is there: online, in two steps
// where the check of the rows that are there can be apart.
func (k *Constraint) Create(x schema.Context) []schema.Statement {
	if k.comes(x) && fresh(x, k.Table) || k.follows(x) {
		return nil
	}
	name := ddl.QuoteIdent(k.Ident.Name)
	switch {
	case k.online(x) && k.Index != nil:
		build := schema.Statement{SQL: "CREATE UNIQUE INDEX CONCURRENTLY " + k.uniqueIndex(), Transaction: schema.Outside, Lock: "ShareUpdateExclusiveLock"}
		kind := "UNIQUE"
		if k.Type == PrimaryKey {
			kind = "PRIMARY KEY"
		}
		use := k.alter("ADD CONSTRAINT " + name + " " + kind + " USING INDEX " + name + k.deferral())
		use.Lock = "AccessExclusiveLock"
		return append([]schema.Statement{build, use}, k.settled(x)...)
	case k.online(x):
		s := k.alter("ADD CONSTRAINT " + name + " " + k.definition() + " NOT VALID")
		s.Lock = "AccessExclusiveLock"
		if k.Type == ForeignKey {
			s.Lock = "ShareRowExclusiveLock"
		}
		return []schema.Statement{s}
	}
	s := k.alter("ADD CONSTRAINT " + name + " " + k.definition())
	s.Lock = "AccessExclusiveLock"
	if k.Type == ForeignKey {
		s.Lock = "ShareRowExclusiveLock"
	}
	if !fresh(x, k.Table) && !k.NotValid {
		s.Hazards = []schema.Hazard{{Kind: schema.LongScan, Message: "checks all rows of " + relationName(k.Table) + " while nobody can write to it"}}
	}
	return append([]schema.Statement{s}, k.settled(x)...)
}

// online reports whether the constraint is added in two steps: others can work
// while an index is built or the rows are checked.
func (k *Constraint) online(x schema.Context) bool {
	if x.Options.Style != schema.Online || fresh(x, k.Table) || k.Table.Kind == "foreign_table" || k.Inherited || k.NotValid || k.NotEnforced || k.Period {
		return false
	}
	return k.Type == Check || k.Type != Exclusion && !k.Partitioned
}

// uniqueIndex is the index of a unique constraint or primary key as CREATE INDEX takes it.
func (k *Constraint) uniqueIndex() string {
	ix := &Index{Table: k.Table, Unique: true, Body: *k.Index}
	ix.Body.Columns = nil
	for _, column := range k.Columns {
		ix.Body.Columns = append(ix.Body.Columns, ddl.QuoteIdent(column))
	}
	return ix.definition(k.Ident.Name)
}

func (k *Constraint) deferral() string {
	text := ""
	if k.Deferrable {
		text += " DEFERRABLE"
	}
	if k.Deferred {
		text += " INITIALLY DEFERRED"
	}
	return text
}

// Finish checks the rows of an online foreign key or check, and attaches the
// constraint's index to the partitioned table's.
func (k *Constraint) Finish(x schema.Context) []schema.Statement {
	if k.Index == nil {
		if !k.online(x) || k.comes(x) || k.follows(x) {
			return nil
		}
		s := k.alter("VALIDATE CONSTRAINT " + ddl.QuoteIdent(k.Ident.Name))
		s.Transaction, s.Late, s.Lock = schema.Apartly, true, "ShareUpdateExclusiveLock"
		return []schema.Statement{s}
	}
	return attachIndex(schema.ID{Schema: k.Ident.Schema, Name: k.Ident.Name}, k.Table, k.Index.Of)
}

// Drop removes the constraint.
func (k *Constraint) Drop(x schema.Context) []schema.Statement {
	if k.Inherited && !k.Local && k.stays(x) {
		return nil // goes with the parent's
	}
	return []schema.Statement{{SQL: "ALTER " + tableNoun(k.Table) + relationName(k.Table) + " DROP CONSTRAINT " + ddl.QuoteIdent(k.Ident.Name)}}
}

// stays reports whether the table keeps one of the parents that it has the constraint from.
func (k *Constraint) stays(x schema.Context) bool {
	for _, before := range parents(x.From, k.Table) {
		if !x.From.Has(schema.ID{Kind: "constraint", Schema: before.Schema, Table: before.Name, Name: k.Ident.Name}) && k.Type == Check {
			continue
		}
		for _, after := range parents(x.To, k.Table) {
			if before == after {
				return true
			}
		}
		if !x.To.Has(k.Table) {
			return true
		}
	}
	return false
}

// Alter validates, defers and changes index parameters in place.
func (k *Constraint) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*Constraint)
	if !changes.Only("not_valid", "deferrable", "deferred", "index", "local", "inherited", "columns") {
		return nil, false
	}
	if changes.Has("columns") && k.Type != Check {
		return nil, false
	}
	if changes.Has("not_valid") && n.NotValid {
		return nil, false
	}
	if k.Inherited && !n.Inherited && !k.Local && k.Index == nil && k.stays(x) {
		return nil, false // goes with the parent's
	}
	var out []schema.Statement
	if changes.Has("deferrable", "deferred") {
		if k.Type != ForeignKey {
			return nil, false
		}
		action := " NOT DEFERRABLE"
		if n.Deferrable {
			action = " DEFERRABLE INITIALLY IMMEDIATE"
		}
		if n.Deferred {
			action = " DEFERRABLE INITIALLY DEFERRED"
		}
		out = append(out, n.alter("ALTER CONSTRAINT "+ddl.QuoteIdent(n.Ident.Name)+action))
	}
	if changes.Has("not_valid") {
		s := n.alter("VALIDATE CONSTRAINT " + ddl.QuoteIdent(n.Ident.Name))
		s.Lock = "ShareUpdateExclusiveLock"
		out = append(out, s)
	}
	if changes.Has("index") {
		body, ok := k.Index.alter(n.Index, schema.ID{Schema: n.Ident.Schema, Name: n.Ident.Name}, n.Table, x)
		if !ok {
			return nil, false
		}
		out = append(out, body...)
	}
	return out, true
}
