package catalog

import (
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Column is a column of a table or view. Its default is an object of its own.
type Column struct {
	schema.Base
	Table     schema.ID `json:"table" diff:"-"`
	Type      string    `json:"type"`
	Collation string    `json:"collation,omitempty"` // empty: the type's
	NotNull   bool      `json:"not_null,omitempty"`
	// NotNullConstraint is the constraint's name and what else it says, where that matters.
	NotNullConstraint *NotNull `json:"not_null_constraint,omitempty"`
	// Identity is ALWAYS or BY DEFAULT; its sequence is an object of its own.
	Identity string `json:"identity,omitempty" diff:"-"`
	// Generated is the expression of a generated column, Virtual whether it is not stored.
	Generated string `json:"generated,omitempty"`
	Virtual   bool   `json:"virtual,omitempty"`
	Storage   string `json:"storage,omitempty"` // empty: the type's
	// TypeStorage is the type's.
	TypeStorage    string           `json:"type_storage,omitempty" diff:"-"`
	Compression    string           `json:"compression,omitempty"`
	Statistics     int64            `json:"statistics,omitempty"` // target + 1; 0: the server's
	Options        schema.Unordered `json:"options,omitempty"`
	ForeignOptions schema.Unordered `json:"foreign_options,omitempty"`
	// Inherited: a parent has the column too. Local: it is the table's own even
	// so; no statement changes that for a column that is there.
	Inherited bool `json:"inherited,omitempty"`
	Local     bool `json:"local,omitempty" diff:"-"`
}

func columnID(table schema.ID, name string) schema.ID {
	return schema.ID{Kind: "column", Schema: table.Schema, Table: table.Name, Name: name}
}

var columnKind = Kind{
	Name:    "column",
	Catalog: "pg_class",
	New:     func() schema.Object { return &Column{} },
	Query: func(s Server) string {
		columns, join := notNullColumns(s)
		return `SELECT a.attrelid, a.attnum, 0, a.attacl, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity,
			a.attgenerated, CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END, CASE WHEN a.attgenerated <> '' THEN d.oid END,
			a.attcollation, a.attstorage, ` + s.If(14, "a.attcompression", "''") + `, coalesce(a.attstattarget, -1), a.attoptions, a.attfdwoptions,
			a.attinhcount > 0, a.attislocal, ` + columns + `
			FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attgenerated <> '' AND d.adrelid = a.attrelid AND d.adnum = a.attnum` + join + `
			WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
			AND a.attrelid IN (SELECT c.oid FROM pg_class c WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm'))`
	},
	Scan: scanColumn,
}

func scanColumn(rd *Reader, r *Row) schema.Object {
	relation := rd.relations[rd.current.oid]
	if relation == nil {
		return nil
	}
	name := r.Text()
	for len(relation.columns) < int(rd.current.sub) {
		relation.columns = append(relation.columns, "")
	}
	relation.columns[rd.current.sub-1] = name
	if !rd.model.Has(relation.id) {
		return nil
	}
	c := &Column{Table: relation.id}
	c.Ident = columnID(relation.id, name)
	typ := rd.types[[2]int64{r.Int(), r.Int()}]
	c.Type = typ.text
	c.NotNull = r.Bool()
	c.Identity = map[string]string{"a": "ALWAYS", "d": "BY DEFAULT"}[r.Text()]
	c.Virtual = r.Text() == "v"
	c.Generated = r.Text()
	if attrdef := r.OID(); attrdef != 0 {
		rd.Fold("pg_attrdef", attrdef, 0, "pg_class", rd.current.oid, rd.current.sub)
	}
	collation := r.OID()
	if collation != 0 {
		rd.columnCollations[address{oid: rd.current.oid, sub: rd.current.sub}] = collation
		relation.collated = relation.collated || collation != defaultCollation
	}
	if collation != typ.collation {
		c.Collation = rd.collations[collation]
	}
	storages := map[string]string{"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}
	c.TypeStorage = storages[typ.storage]
	if storage := r.Text(); storage != typ.storage {
		c.Storage = storages[storage]
	}
	c.Compression = map[string]string{"p": "pglz", "l": "lz4"}[r.Text()]
	c.Statistics = r.Int() + 1
	c.Options = r.Texts()
	c.ForeignOptions = r.Texts()
	c.Inherited = r.Bool()
	if local := r.Bool(); c.Inherited {
		c.Local = local
	}
	c.NotNullConstraint = scanNotNull(r, c.Ident)
	return c
}

var columnTraits = schema.Traits{Rank: rankColumn, Class: "COLUMN", Data: true}

// Traits of columns.
func (c *Column) Traits() *schema.Traits { return &columnTraits }

// Parent is the column's relation.
func (c *Column) Parent() schema.ID { return c.Table }

// Target is COLUMN relation.column.
func (c *Column) Target() string {
	return "COLUMN " + relationName(c.Table) + "." + ddl.QuoteIdent(c.Ident.Name)
}

// OwnerTarget is not used: columns have no owner.
func (c *Column) OwnerTarget() string { return c.Target() }

// GrantTarget is the relation with the column in parentheses.
func (c *Column) GrantTarget() (on, column string) {
	return "TABLE " + relationName(c.Table), ddl.QuoteIdent(c.Ident.Name)
}

func (c *Column) ofView() bool {
	return c.Table.Kind == "view" || c.Table.Kind == "materialized_view"
}

// inherits reports whether CREATE TABLE … INHERITS brings the column.
func (c *Column) inherits(t *Table) bool {
	return c.Inherited && !c.Local && len(t.Inherits) > 0
}

// Computed tells whether it is worked out: a generated column can be dropped and made again.
func (c *Column) Computed() bool { return c.Generated != "" }

// Inline says where the part is written: a column comes with its relation.
func (c *Column) Inline(x schema.Context) schema.Inline {
	if c.ofView() {
		return schema.Fixed
	}
	if t, ok := x.To.Object(c.Table).(*Table); ok && (t.Of != "" || c.inherits(t)) {
		return schema.Fixed
	}
	return schema.Embedded
}

// inTable is the column's line in CREATE TABLE, "" when it comes by itself.
func (c *Column) inTable(t *Table, x schema.Context) string {
	if c.inherits(t) {
		return ""
	}
	if t.Of != "" {
		options := c.constraints(x)
		if options == "" {
			return ""
		}
		return ddl.QuoteIdent(c.Ident.Name) + " WITH OPTIONS" + options
	}
	return c.definition(x)
}

func (c *Column) definition(x schema.Context) string {
	text := ddl.QuoteIdent(c.Ident.Name) + " " + c.Type
	if len(c.ForeignOptions) > 0 {
		text += " OPTIONS (" + foreignOptions(c.ForeignOptions) + ")"
	}
	if c.Collation != "" {
		text += " COLLATE " + c.Collation
	}
	return text + c.constraints(x)
}

func (c *Column) constraints(x schema.Context) string {
	var text string
	generated := false
	for _, part := range x.Parts {
		switch part := part.(type) {
		case *Default:
			if part.Column == c.Ident {
				text += " DEFAULT " + part.Expression
			}
		case *Sequence:
			if part.OwnedBy == c.Ident {
				text += " " + part.generated()
				generated = true
			}
		}
	}
	if c.Generated != "" {
		text += " GENERATED ALWAYS AS (" + c.Generated + ")"
		if !c.Virtual {
			text += " STORED"
		}
	}
	return text + c.forbidNulls(generated, x)
}

func (c *Column) alter(action string) schema.Statement {
	noun := "TABLE "
	switch c.Table.Kind {
	case "foreign_table":
		noun = "FOREIGN TABLE "
	case "view":
		noun = "VIEW "
	case "materialized_view":
		noun = "MATERIALIZED VIEW "
	}
	return schema.Statement{SQL: "ALTER " + noun + relationName(c.Table) + " " + action}
}

func (c *Column) alterOnly(action string) schema.Statement {
	noun := "TABLE ONLY "
	switch c.Table.Kind {
	case "foreign_table":
		noun = "FOREIGN TABLE ONLY "
	case "view", "materialized_view":
		return c.alter("ALTER COLUMN " + ddl.QuoteIdent(c.Ident.Name) + " " + action)
	}
	return schema.Statement{SQL: "ALTER " + noun + relationName(c.Table) + " ALTER COLUMN " + ddl.QuoteIdent(c.Ident.Name) + " " + action}
}

// settings are the statements for what CREATE TABLE cannot say.
func (c *Column) settings(from *Column, x schema.Context) []schema.Statement {
	var out []schema.Statement
	if from == nil {
		from = &Column{}
		if c.Inherited && !c.Local && !x.To.Has(defaultID(c.Ident)) {
			if t, ok := x.To.Object(c.Table).(*Table); ok && len(t.Inherits) > 0 && c.parentDefault(x) != "" {
				out = append(out, c.alterOnly("DROP DEFAULT"))
			}
		}
		if t, ok := x.To.Object(c.Table).(*Table); ok && c.NotNull && c.inherits(t) && !c.parentNotNull(x) {
			out = append(out, c.alterOnly("SET NOT NULL"))
		}
		if c.NotNull && c.notNull().NotValid && !c.ofView() {
			if t, ok := x.To.Object(c.Table).(*Table); !ok || !c.inherits(t) {
				out = append(out, c.addNotNull())
			}
		}
	}
	if c.Storage != from.Storage {
		storage := c.Storage
		if storage == "" {
			storage = c.TypeStorage
		}
		out = append(out, c.alterOnly("SET STORAGE "+storage))
	}
	if c.Compression != from.Compression {
		compression := c.Compression
		if compression == "" {
			compression = "default"
		}
		out = append(out, c.alterOnly("SET COMPRESSION "+compression))
	}
	if c.Statistics != from.Statistics {
		out = append(out, c.alterOnly(fmt.Sprintf("SET STATISTICS %d", c.Statistics-1)))
	}
	for _, action := range optionChanges(from.Options, c.Options) {
		out = append(out, c.alterOnly(action))
	}
	return out
}

// follows reports whether the column gets what happens to the parent table's
// column by itself: it is inherited before and after.
func (c *Column) follows(x schema.Context) bool {
	return c.Inherited && !fresh(x, c.Table) && len(c.upward(x.To, x)) > 0
}

// upward are the columns, in a model, of the parents that the table has before
// and after.
func (c *Column) upward(m *schema.Model, x schema.Context) []*Column {
	var out []*Column
	before := parents(x.From, c.Table)
	for _, parent := range parents(x.To, c.Table) {
		if up, ok := m.Object(columnID(parent, c.Ident.Name)).(*Column); ok && slices.Contains(before, parent) {
			out = append(out, up)
		}
	}
	return out
}

// parentDefault is the default that the column would inherit.
func (c *Column) parentDefault(x schema.Context) string {
	for _, parent := range parents(x.To, c.Table) {
		if d, ok := x.To.Object(defaultID(columnID(parent, c.Ident.Name))).(*Default); ok {
			return d.Expression
		}
	}
	return ""
}

func (c *Column) parentNotNull(x schema.Context) bool {
	for _, parent := range parents(x.To, c.Table) {
		if up, ok := x.To.Object(columnID(parent, c.Ident.Name)).(*Column); ok && up.NotNull {
			return true
		}
	}
	return false
}

func defaultID(column schema.ID) schema.ID {
	column.Kind = "default"
	return column
}

// Create adds the column to a table that is there.
func (c *Column) Create(x schema.Context) []schema.Statement {
	if c.ofView() {
		return nil
	}
	if c.follows(x) {
		return c.settings(nil, x)
	}
	s := c.alter("ADD COLUMN " + c.definition(x))
	s.Lock = "AccessExclusiveLock"
	out := append([]schema.Statement{s}, c.settings(nil, x)...)
	return out
}

// Drop removes the column and its values.
func (c *Column) Drop(x schema.Context) []schema.Statement {
	if c.ofView() {
		return nil
	}
	if c.Inherited && !c.Local && (!x.To.Has(c.Table) || len(c.upward(x.From, x)) > 0) {
		return nil // goes with the parent's
	}
	s := c.alter("DROP COLUMN " + ddl.QuoteIdent(c.Ident.Name))
	s.Lock = "AccessExclusiveLock"
	n, again := x.To.Object(c.Ident).(*Column)
	if c.Generated == "" || again && n.Generated == "" {
		s.Hazards = []schema.Hazard{{Kind: schema.DataLoss, Message: fmt.Sprintf("drops %s.%s with its values", relationName(c.Table), ddl.QuoteIdent(c.Ident.Name))}}
	}
	return []schema.Statement{s}
}

// displaced are the kinds that stand in the way of another type of a column
// they use; indexes and checks are rebuilt by the server.
var displaced = []schema.Kind{
	"view", "materialized_view", "rule", "policy", "trigger", "function", "procedure", "default", "publication", "publication_table", "statistics",
}
