package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
)

// inheriting is a table whose parents are known by oid until all tables are read.
type inheriting struct {
	table     *Table
	oid       uint32
	parents   []uint32
	bound     string
	partition bool
}

// inherit tells tables their parents once all tables are read, and makes the
// partitions' attachments.
func (rd *Reader) inherit() {
	for _, in := range rd.inherits {
		for _, parent := range in.parents {
			r := rd.relations[parent]
			if r == nil {
				continue
			}
			if in.partition {
				p := &Partition{Table: in.table.Ident, Of: r.id, Bound: in.bound}
				p.Ident = schema.ID{Kind: "partition", Schema: in.table.Ident.Schema, Name: in.table.Ident.Name}
				if rd.model.Has(in.table.Ident) {
					rd.add(p, address{})
				}
			} else {
				in.table.Inherits = append(in.table.Inherits, r.id)
				h := &Inheritance{Table: in.table.Ident, Of: r.id, Position: len(in.table.Inherits)}
				h.Ident = schema.ID{Kind: "inheritance", Schema: in.table.Ident.Schema, Table: in.table.Ident.Name, Name: relationName(r.id)}
				if rd.model.Has(in.table.Ident) {
					rd.add(h, address{sub: int32(h.Position)})
				}
			}
		}
	}
}

// inheritEdges are the dependencies that pg_depend does not have by column: an
// inherited column needs the parent's.
func (rd *Reader) inheritEdges() {
	for _, in := range rd.inherits {
		for _, parent := range in.parents {
			r, own := rd.relations[parent], rd.relations[in.oid]
			if r == nil {
				continue
			}
			link := schema.ID{Kind: "partition", Schema: own.id.Schema, Name: own.id.Name}
			if !in.partition {
				link = schema.ID{Kind: "inheritance", Schema: own.id.Schema, Table: own.id.Name, Name: relationName(r.id)}
			}
			rd.model.Depend(link, r.id)
			for _, name := range own.columns {
				rd.model.Depend(link, columnID(own.id, name))
				rd.model.Depend(link, columnID(r.id, name))
				rd.model.Depend(columnID(own.id, name), columnID(r.id, name))
			}
			if in.partition {
				rd.afterAttaching(link, r.id, own.id)
			}
			for _, part := range rd.model.Parts(own.id) {
				switch part := part.(type) {
				case *Index:
					if !part.Body.Of.IsZero() {
						rd.model.Depend(link, part.Ident)
					}
				case *Constraint:
					if !part.Inherited {
						continue
					}
					rd.model.Depend(link, part.Ident)
					if part.Type == Check {
						up := part.Ident
						up.Schema, up.Table = r.id.Schema, r.id.Name
						rd.model.Depend(link, up)
						rd.model.Depend(part.Ident, up)
					}
				}
			}
		}
	}
}

// afterAttaching has an index of a partitioned table made after a partition is
// attached, where ATTACH PARTITION would make the partition an index that it
// does not have or choose another than it has.
func (rd *Reader) afterAttaching(link, parent, child schema.ID) {
	for _, up := range rd.model.Parts(parent) {
		index, ok := up.(*Index)
		if !ok {
			continue
		}
		candidates, attached := 0, false
		for _, down := range rd.model.Parts(child) {
			if own, ok := down.(*Index); ok && own.Unique == index.Unique && own.Where == index.Where &&
				own.Body.Method == index.Body.Method && slices.EqualFunc(own.Body.Columns, index.Body.Columns, sameKey) && slices.Equal(own.Body.Include, index.Body.Include) {
				candidates++
				attached = attached || own.Body.Of == index.Ident
			}
		}
		if !attached || candidates > 1 {
			rd.model.Depend(index.Ident, link)
		}
	}
}

// sameKey compares key columns as ATTACH PARTITION does: their order does not matter.
func sameKey(a, b string) bool {
	cut := func(s string) string {
		s, _, _ = strings.Cut(s, " NULLS ")
		return strings.TrimSuffix(s, " DESC")
	}
	return cut(a) == cut(b)
}

// attachIndexes tells indexes which index of the partitioned table they belong to.
func (rd *Reader) attachIndexes() {
	for _, ix := range rd.indexes {
		if parent := rd.indexes[ix.parent]; parent != nil {
			ix.body.Of = parent.id
		}
	}
}

// Partition is a table's attachment to a partitioned table.
type Partition struct {
	schema.Base
	Table schema.ID `json:"table" diff:"-"`
	Of    schema.ID `json:"of"`
	// Bound is FOR VALUES … or DEFAULT.
	Bound string `json:"bound"`
}

// partitionTraits: being replaced because a column is would move rows about.
var partitionTraits = schema.Traits{Rank: rankPartition, Data: true}

// Traits of partitions.
func (p *Partition) Traits() *schema.Traits { return &partitionTraits }

// Parent is the partition's table.
func (p *Partition) Parent() schema.ID { return p.Table }

// Target is the table; a partition has no comment of its own.
func (p *Partition) Target() string { return "TABLE " + relationName(p.Table) }

// Create attaches the table.
func (p *Partition) Create(schema.Context) []schema.Statement {
	return schema.SQL("ALTER TABLE ONLY " + relationName(p.Of) + " ATTACH PARTITION " + relationName(p.Table) + " " + p.Bound)
}

// Drop detaches it.
func (p *Partition) Drop(schema.Context) []schema.Statement {
	return schema.SQL("ALTER TABLE ONLY " + relationName(p.Of) + " DETACH PARTITION " + relationName(p.Table))
}

// Alter cannot: another bound or parent means to detach and attach.
func (p *Partition) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}

// Relinks reports whether only the bounds differ.
func (p *Partition) Relinks(to schema.Object) (child, parent schema.ID, same bool) {
	n, ok := to.(*Partition)
	return p.Table, p.Of, ok && n.Of == p.Of
}

// Inheritance is a table's link to one of the tables it inherits from.
type Inheritance struct {
	schema.Base
	Table schema.ID `json:"table" diff:"-"`
	Of    schema.ID `json:"of"`
	// Position is the parent's among the parents; from 1.
	Position int `json:"position"`
}

// Traits of inheritance.
func (h *Inheritance) Traits() *schema.Traits { return &partitionTraits }

// Parent is the inheriting table.
func (h *Inheritance) Parent() schema.ID { return h.Table }

// Target is the table; the link has no comment of its own.
func (h *Inheritance) Target() string { return "TABLE " + relationName(h.Table) }

// Inline says where the part is written: CREATE TABLE … INHERITS.
func (h *Inheritance) Inline(schema.Context) schema.Inline { return schema.Fixed }

// Create makes the table a child.
func (h *Inheritance) Create(schema.Context) []schema.Statement {
	return schema.SQL("ALTER " + tableNoun(h.Table) + relationName(h.Table) + " INHERIT " + relationName(h.Of))
}

// Drop makes it independent.
func (h *Inheritance) Drop(schema.Context) []schema.Statement {
	return schema.SQL("ALTER " + tableNoun(h.Table) + relationName(h.Table) + " NO INHERIT " + relationName(h.Of))
}

// Alter has nothing to alter.
func (h *Inheritance) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}
