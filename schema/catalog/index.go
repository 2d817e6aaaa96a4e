package catalog

import (
	"reflect"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// IndexBody is what an index and a constraint with an index share.
type IndexBody struct {
	Method string `json:"method,omitempty"` // empty: btree
	// Columns are the key columns or expressions with collation, operator
	// class and order, as CREATE INDEX takes them.
	Columns          []string         `json:"columns,omitempty"`
	Include          []string         `json:"include,omitempty"`
	NullsNotDistinct bool             `json:"nulls_not_distinct,omitempty"`
	Options          schema.Unordered `json:"options,omitempty"`
	Tablespace       string           `json:"tablespace,omitempty"`
	Clustered        bool             `json:"clustered,omitempty"`
	ReplicaIdentity  bool             `json:"replica_identity,omitempty"`
	Invalid          bool             `json:"invalid,omitempty"`
	// Statistics are the statistics targets of expression columns: "2=100".
	Statistics []string `json:"statistics,omitempty"`
	// Comment is that on a constraint's index.
	Comment string `json:"comment,omitempty"`
	// Of is the index of the partitioned table that this one is attached to.
	Of schema.ID `json:"of,omitzero"`
}

// Index is an index that no constraint has.
type Index struct {
	schema.Base
	Table schema.ID `json:"table" diff:"-"`
	Body  IndexBody `json:"index"`
	// Unique, Where: see CREATE INDEX.
	Unique bool   `json:"unique,omitempty"`
	Where  string `json:"where,omitempty"`
	// Partitioned: the index of a partitioned table.
	Partitioned bool `json:"partitioned,omitempty" diff:"-"`
}

// indexed is an index that was read, until its constraint or the index it is
// attached to is known.
type indexed struct {
	body   *IndexBody
	id     schema.ID
	parent uint32
	where  string
}

var indexKind = Kind{
	Name:    "index",
	Catalog: "pg_class",
	New:     func() schema.Object { return &Index{} },
	Query: func(s Server) string {
		return `SELECT c.oid, 0, 0, NULL, c.relname, c.relnamespace, c.relam, c.reltablespace, c.reloptions, i.indrelid, i.indisunique,
			` + s.If(15, "i.indnullsnotdistinct", "false") + `, i.indisclustered, i.indisreplident, i.indisvalid, i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption,
			pg_get_expr(i.indpred, i.indrelid),
			CASE WHEN i.indexprs IS NOT NULL THEN CASE WHEN cardinality(array_positions(i.indkey::int2[], 0::int2)) = 1 THEN ARRAY[pg_get_expr(i.indexprs, i.indrelid)]
				ELSE (SELECT array_agg(pg_get_indexdef(c.oid, k, false) ORDER BY k) FROM generate_series(1, i.indnkeyatts) k) END END,
			x.targets,
			CASE WHEN x.opts THEN (SELECT array_agg(coalesce(array_to_string(a.attoptions, E'\x01'), '') ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum <= i.indnkeyatts) END,
			h.inhparent, con.oid, c.relkind = 'I'
			FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition
			LEFT JOIN pg_constraint con ON con.conindid = c.oid AND con.contype IN ('p', 'u', 'x')
			LEFT JOIN (SELECT attrelid, bool_or(attoptions IS NOT NULL) AS opts, array_agg(attnum || '=' || attstattarget ORDER BY attnum) FILTER (WHERE attstattarget >= 0) AS targets
				FROM pg_attribute WHERE attnum > 0 AND (attoptions IS NOT NULL OR attstattarget >= 0) GROUP BY attrelid) x ON x.attrelid = c.oid
			WHERE c.relpersistence <> 't' AND ` + userSchema
	},
	Scan: scanIndex,
}

func scanIndex(rd *Reader, r *Row) schema.Object {
	ix := &Index{}
	name, namespace := r.Text(), rd.Namespace(r.OID())
	ix.Ident = schema.ID{Kind: "index", Schema: namespace, Name: name}
	b := &ix.Body
	method := rd.methods[r.OID()]
	if method != "btree" {
		b.Method = ddl.QuoteIdent(method)
	}
	if space := rd.spaces[r.OID()]; space != "" {
		b.Tablespace = ddl.QuoteIdent(space)
	}
	b.Options = r.Texts()
	relid := r.OID()
	ix.Unique, b.NullsNotDistinct, b.Clustered, b.ReplicaIdentity = r.Bool(), r.Bool(), r.Bool(), r.Bool()
	valid, keys := r.Bool(), int(r.Int())
	columns, classes, collations, order := r.Ints(), r.OIDs(), r.OIDs(), r.Ints()
	ix.Where = r.Text()
	expressions, statistics, opclassOptions := r.Texts(), r.Texts(), r.Texts()
	parent, constraint, partitioned := r.OID(), r.OID(), r.Bool()
	b.Statistics = statistics
	ix.Partitioned = partitioned
	b.Invalid = !valid && !partitioned
	table := rd.relations[relid]
	if table == nil {
		return nil
	}
	ix.Table = table.id
	single := slices.Index(columns, 0)
	for i, attnum := range columns {
		if i >= keys {
			b.Include = append(b.Include, rd.Column(relid, attnum))
			continue
		}
		var text string
		if attnum != 0 {
			text = rd.Column(relid, attnum)
		} else if i == single && len(expressions) == 1 {
			text = indexExpression(expressions[0])
		} else {
			text = expressions[i]
		}
		collation := collations[i]
		plain := attnum == 0 && collation == defaultCollation && !table.collated
		if collation != 0 && !plain && collation != rd.columnCollation(relid, attnum) {
			text += " COLLATE " + rd.collations[collation]
		}
		class := rd.opclasses[classes[i]]
		options := ""
		if i < len(opclassOptions) {
			options = opclassOptions[i]
		}
		if !class.byDefault || options != "" {
			text += " " + class.name
			if options != "" {
				text += " (" + storageOptions(strings.Split(options, "\x01")) + ")"
			}
		}
		if i < len(order) {
			text += direction(order[i])
		}
		b.Columns = append(b.Columns, text)
	}
	rd.relations[rd.current.oid] = &relation{id: ix.Ident, name: relationName(ix.Ident)}
	rd.indexes[rd.current.oid] = &indexed{body: b, id: ix.Ident, parent: parent, where: ix.Where}
	if constraint != 0 {
		rd.Fold("pg_class", rd.current.oid, 0, "pg_constraint", constraint, 0)
		rd.indexes[rd.current.oid].id = schema.ID{}
		return nil
	}
	return ix
}

// indexExpression is an expression as CREATE INDEX takes it: in parentheses
// unless it is one function call.
func indexExpression(text string) string {
	open := strings.IndexByte(text, '(')
	if open <= 0 || strings.ContainsAny(text[:open], " '[:") || strings.HasPrefix(text, "ROW(") || !strings.HasSuffix(text, ")") {
		return "(" + text + ")"
	}
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 && i < len(text)-1 {
				return "(" + text + ")"
			}
		case '\'', '"': // what is quoted has no parentheses to count
			end := strings.IndexByte(text[i+1:], text[i])
			if end < 0 {
				return "(" + text + ")"
			}
			i += end + 1
		}
	}
	return text
}

// direction is how CREATE INDEX writes an element of indoption.
func direction(option int) string {
	switch option & 3 {
	case 1:
		return " DESC NULLS LAST"
	case 2:
		return " NULLS FIRST"
	case 3:
		return " DESC"
	}
	return ""
}

// columnCollation is the collation a column has.
func (rd *Reader) columnCollation(relid uint32, attnum int) uint32 {
	return rd.columnCollations[address{oid: relid, sub: int32(attnum)}]
}

var indexTraits = schema.Traits{Rank: rankIndex, Spaces: []string{"relation"}}

// Traits of indexes.
func (ix *Index) Traits() *schema.Traits { return &indexTraits }

// Parent is the index's table.
func (ix *Index) Parent() schema.ID { return ix.Table }

func (ix *Index) name() string { return relationName(ix.Ident) }

// Target is INDEX name.
func (ix *Index) Target() string { return "INDEX " + ix.name() }

// definition is the index after CREATE [UNIQUE] INDEX.
func (ix *Index) definition(name string) string {
	b := &ix.Body
	text := ddl.QuoteIdent(name) + " ON "
	if ix.Partitioned {
		text += "ONLY "
	}
	text += relationName(ix.Table)
	if b.Method != "" {
		text += " USING " + b.Method
	}
	text += " (" + strings.Join(b.Columns, ", ") + ")"
	if len(b.Include) > 0 {
		text += " INCLUDE (" + strings.Join(b.Include, ", ") + ")"
	}
	if b.NullsNotDistinct {
		text += " NULLS NOT DISTINCT"
	}
	if len(b.Options) > 0 {
		text += " WITH (" + storageOptions(b.Options) + ")"
	}
	if b.Tablespace != "" {
		text += " TABLESPACE " + b.Tablespace
	}
	if ix.Where != "" {
		text += " WHERE " + ix.Where
	}
	return text
}

func (ix *Index) verb(concurrently bool) string {
	text := "CREATE "
	if ix.Unique {
		text += "UNIQUE "
	}
	text += "INDEX "
	if concurrently {
		text += "CONCURRENTLY "
	}
	return text
}

// Create builds the index, concurrently on a table that has been there.
func (ix *Index) Create(x schema.Context) []schema.Statement {
	online := x.Options.Style == schema.Online && !fresh(x, ix.Table) && !ix.Partitioned
	s := schema.Statement{SQL: ix.verb(online) + ix.definition(ix.Ident.Name), Lock: "ShareLock"}
	if online {
		s.Transaction, s.Lock = schema.Outside, "ShareUpdateExclusiveLock"
	} else if !fresh(x, ix.Table) && !ix.Partitioned {
		s.Hazards = []schema.Hazard{{Kind: schema.BlockedWrites, Message: "nobody can write to " + relationName(ix.Table) + " while the index is built"}}
	}
	return append([]schema.Statement{s}, ix.Body.settings(&IndexBody{}, ix.Ident, ix.Table)...)
}

// settings are the statements for what CREATE INDEX cannot say.
func (b *IndexBody) settings(from *IndexBody, id, table schema.ID) []schema.Statement {
	var out []schema.Statement
	old := map[string]string{}
	for _, s := range from.Statistics {
		column, target, _ := strings.Cut(s, "=")
		old[column] = target
	}
	for _, s := range b.Statistics {
		column, target, _ := strings.Cut(s, "=")
		if old[column] != target {
			out = append(out, schema.SQL("ALTER INDEX "+relationName(id)+" ALTER COLUMN "+column+" SET STATISTICS "+target)...)
		}
		delete(old, column)
	}
	for column := range old {
		out = append(out, schema.SQL("ALTER INDEX "+relationName(id)+" ALTER COLUMN "+column+" SET STATISTICS -1")...)
	}
	if b.Clustered != from.Clustered {
		if b.Clustered {
			out = append(out, schema.SQL("ALTER "+tableNoun(table)+relationName(table)+" CLUSTER ON "+ddl.QuoteIdent(id.Name))...)
		} else {
			out = append(out, schema.SQL("ALTER "+tableNoun(table)+relationName(table)+" SET WITHOUT CLUSTER")...)
		}
	}
	if b.Comment != from.Comment {
		text := "NULL"
		if b.Comment != "" {
			text = ddl.QuoteLiteral(b.Comment)
		}
		out = append(out, schema.SQL("COMMENT ON INDEX "+relationName(id)+" IS "+text)...)
	}
	if b.ReplicaIdentity && !from.ReplicaIdentity {
		out = append(out, schema.SQL("ALTER TABLE ONLY "+relationName(table)+" REPLICA IDENTITY USING INDEX "+ddl.QuoteIdent(id.Name))...)
	}
	return out
}

func tableNoun(table schema.ID) string {
	switch table.Kind {
	case "foreign_table":
		return "FOREIGN TABLE "
	case "materialized_view":
		return "MATERIALIZED VIEW "
	}
	return "TABLE "
}

// Finish attaches the index to the partitioned table's.
func (ix *Index) Finish(schema.Context) []schema.Statement {
	return attachIndex(ix.Ident, ix.Table, ix.Body.Of)
}

func attachIndex(id, table, of schema.ID) []schema.Statement {
	if of.IsZero() {
		return nil
	}
	partition := schema.ID{Kind: "partition", Schema: table.Schema, Name: table.Name}
	return []schema.Statement{{
		SQL:      "ALTER INDEX " + relationName(schema.ID{Schema: of.Schema, Name: of.Name}) + " ATTACH PARTITION " + ddl.QualifiedName(table.Schema, id.Name),
		Requires: []schema.ID{of, partition},
	}}
}

// Drop removes the index; one that is attached goes with the index it is attached to.
func (ix *Index) Drop(x schema.Context) []schema.Statement {
	if !ix.Body.Of.IsZero() && len(parents(x.To, ix.Table)) > 0 {
		return nil // goes with the index it is attached to
	}
	if x.Options.Style == schema.Online && x.To.Has(ix.Table) && !ix.Partitioned && ix.Body.Of.IsZero() {
		return []schema.Statement{{SQL: "DROP INDEX CONCURRENTLY " + ix.name(), Transaction: schema.Outside, Lock: "ShareUpdateExclusiveLock"}}
	}
	return []schema.Statement{{SQL: "DROP INDEX " + ix.name(), Lock: "AccessExclusiveLock"}}
}

// Alter changes parameters in place; another definition means another index.
func (ix *Index) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*Index)
	if !changes.Only("index") {
		return nil, false
	}
	out, ok := ix.Body.alter(&n.Body, n.Ident, n.Table, x)
	return out, ok
}

func (b *IndexBody) alter(n *IndexBody, id, table schema.ID, x schema.Context) ([]schema.Statement, bool) {
	was, is := *b, *n
	was.Options, was.Tablespace, was.Clustered, was.ReplicaIdentity, was.Statistics, was.Comment = is.Options, is.Tablespace, is.Clustered, is.ReplicaIdentity, is.Statistics, is.Comment
	attach := was.Of.IsZero() && !is.Of.IsZero()
	detached := !was.Of.IsZero() && is.Of.IsZero() && !slices.ContainsFunc(parents(x.To, table), func(parent schema.ID) bool { return slices.Contains(parents(x.From, table), parent) })
	if attach || detached {
		was.Of = is.Of // DETACH PARTITION makes the index independent
	}
	if !reflect.DeepEqual(was, is) {
		return nil, false
	}
	var out []schema.Statement
	for _, action := range optionChanges(b.Options, n.Options) {
		out = append(out, schema.SQL("ALTER INDEX "+relationName(id)+" "+action)...)
	}
	if b.Tablespace != n.Tablespace {
		space := n.Tablespace
		if space == "" {
			space = "pg_default"
		}
		out = append(out, schema.SQL("ALTER INDEX "+relationName(id)+" SET TABLESPACE "+space)...)
	}
	out = append(out, n.settings(b, id, table)...)
	if attach {
		for _, s := range attachIndex(id, table, n.Of) {
			s.Late = true
			out = append(out, s)
		}
	}
	return out, true
}

// Swaps reports whether another definition of the index is built beside the old
// one, so that queries always have one.
func (ix *Index) Swaps(x schema.Context) bool {
	return x.Options.Style == schema.Online && !ix.Partitioned && ix.Body.Of.IsZero() && x.To.Has(ix.Table)
}

func (ix *Index) asideName() string {
	name := ix.Ident.Name
	if len(name) > 50 {
		name = strings.ToValidUTF8(name[:50], "")
	}
	return name + "_kedge_old"
}

// Aside renames the index.
func (ix *Index) Aside(schema.Context) []schema.Statement {
	return []schema.Statement{{SQL: "ALTER INDEX " + ix.name() + " RENAME TO " + ddl.QuoteIdent(ix.asideName()), Lock: "ShareUpdateExclusiveLock"}}
}

// DropAside removes the renamed index.
func (ix *Index) DropAside(schema.Context) []schema.Statement {
	return []schema.Statement{{SQL: "DROP INDEX CONCURRENTLY " + ddl.QualifiedName(ix.Ident.Schema, ix.asideName()), Transaction: schema.Outside, Lock: "ShareUpdateExclusiveLock"}}
}
