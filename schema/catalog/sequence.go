package catalog

import (
	"fmt"
	"math"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// SequenceOptions are what a sequence of its own and that of an identity column share.
type SequenceOptions struct {
	Type      string `json:"type"`
	Start     int64  `json:"start"`
	Increment int64  `json:"increment"`
	Min       int64  `json:"min"`
	Max       int64  `json:"max"`
	Cache     int64  `json:"cache"`
	Cycle     bool   `json:"cycle,omitempty"`
}

// sequenceDefaults is what CREATE SEQUENCE AS type gives for an increment.
func sequenceDefaults(typ string, increment int64) SequenceOptions {
	o := SequenceOptions{Type: typ, Increment: increment, Cache: 1}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	switch typ {
	case "smallint":
		low, high = math.MinInt16, math.MaxInt16
	case "integer":
		low, high = math.MinInt32, math.MaxInt32
	}
	if increment < 0 {
		o.Min, o.Max, o.Start = low, -1, -1
	} else {
		o.Min, o.Max, o.Start = 1, high, 1
	}
	return o
}

// differences are the options that take from to o; a from with nothing but a
// type stands for the defaults of that type.
func (o SequenceOptions) differences(from SequenceOptions) []string {
	var out []string
	if from.Increment == 0 {
		typ := from.Type
		if typ == "" {
			typ = "bigint"
		}
		if o.Type != typ {
			out = append(out, "AS "+o.Type)
		}
		from = sequenceDefaults(o.Type, o.Increment)
		if o.Increment < 0 {
			from.Start = o.Max // START defaults to MINVALUE or, descending, to MAXVALUE
		} else {
			from.Start = o.Min
		}
		from.Increment = 1
	}
	if o.Type != from.Type {
		out = append(out, "AS "+o.Type)
	}
	if o.Increment != from.Increment {
		out = append(out, fmt.Sprintf("INCREMENT BY %d", o.Increment))
	}
	if o.Min != from.Min || o.Type != from.Type {
		out = append(out, fmt.Sprintf("MINVALUE %d", o.Min))
	}
	if o.Max != from.Max || o.Type != from.Type {
		out = append(out, fmt.Sprintf("MAXVALUE %d", o.Max))
	}
	if o.Start != from.Start {
		out = append(out, fmt.Sprintf("START WITH %d", o.Start))
	}
	if o.Cache != from.Cache {
		out = append(out, fmt.Sprintf("CACHE %d", o.Cache))
	}
	if o.Cycle != from.Cycle {
		if o.Cycle {
			out = append(out, "CYCLE")
		} else {
			out = append(out, "NO CYCLE")
		}
	}
	return out
}

// Sequence is a sequence, on its own, owned by a column or of an identity column.
type Sequence struct {
	schema.Base
	Settings SequenceOptions `json:"settings"`
	Unlogged bool            `json:"unlogged,omitempty"`
	// OwnedBy is the column the sequence is dropped with.
	OwnedBy schema.ID `json:"owned_by,omitzero"`
	// OwnedTable is that column's table.
	OwnedTable schema.ID `json:"owned_table,omitzero" diff:"-"`
	// Identity is ALWAYS or BY DEFAULT when the owning column is GENERATED … AS IDENTITY.
	Identity string `json:"identity,omitempty"`
}

var sequenceKind = Kind{
	Name:    "sequence",
	Catalog: "pg_class",
	New:     func() schema.Object { return &Sequence{} },
	Query: func(Server) string {
		return `SELECT c.oid, 0, c.relowner, c.relacl, c.relname, c.relnamespace, c.relpersistence = 'u', s.seqtypid::regtype, s.seqstart, s.seqincrement,
			s.seqmin, s.seqmax, s.seqcache, s.seqcycle, d.deptype = 'i', d.refobjid, d.refobjsubid
			FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
				AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
			WHERE c.relpersistence <> 't' AND ` + userSchema
	},
	Scan: scanSequence,
}

func scanSequence(rd *Reader, r *Row) schema.Object {
	s := &Sequence{}
	name, namespace := r.Text(), rd.Namespace(r.OID())
	s.Ident = schema.ID{Kind: "sequence", Schema: namespace, Name: name}
	s.Unlogged = r.Bool()
	s.Settings = SequenceOptions{Type: r.Text(), Start: r.Int(), Increment: r.Int(), Min: r.Int(), Max: r.Int(), Cache: r.Int(), Cycle: r.Bool()}
	identity, relid, attnum := r.Bool(), r.OID(), int(r.Int())
	rd.relations[rd.current.oid] = &relation{id: s.Ident, name: relationName(s.Ident), object: s}
	if relid == 0 {
		return s
	}
	table := rd.relations[relid]
	if table == nil {
		return s
	}
	s.OwnedTable = table.id
	s.OwnedBy = columnID(table.id, rd.columnName(relid, attnum))
	if column, ok := rd.model.Object(s.OwnedBy).(*Column); identity && ok {
		s.Identity = column.Identity
	}
	return s
}

var sequenceTraits = schema.Traits{Rank: rankSequence, Spaces: []string{"relation", "type"}, Owned: true, Class: "SEQUENCE"}

// ownedSequenceTraits: the owner is the table's.
var ownedSequenceTraits = schema.Traits{Rank: rankSequence, Spaces: []string{"relation", "type"}, Class: "SEQUENCE"}

// identityTraits: the sequence stands with its column.
var identityTraits = schema.Traits{Rank: rankIdentity, Spaces: []string{"relation", "type"}, Class: "SEQUENCE"}

// Traits of sequences.
func (s *Sequence) Traits() *schema.Traits {
	switch {
	case s.Identity != "":
		return &identityTraits
	case !s.OwnedBy.IsZero():
		return &ownedSequenceTraits
	}
	return &sequenceTraits
}

// Parent is the identity column, nothing for other sequences.
func (s *Sequence) Parent() schema.ID {
	if s.Identity != "" {
		return s.OwnedBy
	}
	return schema.ID{}
}

// Inline says where the part is written: an identity is written with its column.
func (s *Sequence) Inline(schema.Context) schema.Inline {
	if s.Identity != "" {
		return schema.Firm
	}
	return schema.Apart
}

// Occupies names the slots it takes: an identity is where a default would be.
func (s *Sequence) Occupies() []schema.Slot {
	if s.Identity == "" {
		return nil
	}
	return []schema.Slot{valueSlot(s.OwnedBy)}
}

// valueSlot is what a default, an identity and a generation expression of a column cannot share.
func valueSlot(column schema.ID) schema.Slot {
	return schema.Slot{Space: "value", Name: column.String()}
}

func (s *Sequence) name() string { return relationName(s.Ident) }

// Target is SEQUENCE name.
func (s *Sequence) Target() string { return "SEQUENCE " + s.name() }

// generated is GENERATED … AS IDENTITY.
func (s *Sequence) generated() string {
	var list []string
	if s.Ident.Schema != s.OwnedBy.Schema || s.Ident.Name != s.OwnedBy.Table+"_"+s.OwnedBy.Name+"_seq" {
		list = append(list, "SEQUENCE NAME "+s.name())
	}
	list = append(list, s.Settings.differences(SequenceOptions{Type: s.Settings.Type})...)
	text := "GENERATED " + s.Identity + " AS IDENTITY"
	if len(list) > 0 {
		text += " (" + strings.Join(list, " ") + ")"
	}
	return text
}

func (s *Sequence) column(action string) schema.Statement {
	c := &Column{Table: s.OwnedTable}
	c.Ident = s.OwnedBy
	return c.alter("ALTER COLUMN " + ddl.QuoteIdent(s.OwnedBy.Name) + " " + action)
}

// Create makes the sequence; it is given to its column once that is there.
func (s *Sequence) Create(x schema.Context) []schema.Statement {
	if s.Identity != "" {
		out := []schema.Statement{s.column("ADD " + s.generated())}
		return append(out, s.settled(x)...)
	}
	text := "CREATE "
	if s.Unlogged {
		text += "UNLOGGED "
	}
	text += s.Target()
	if options := s.Settings.differences(SequenceOptions{}); len(options) > 0 {
		text += " " + strings.Join(options, " ")
	}
	return schema.SQL(text)
}

// settled continues where the column's values are, when the sequence takes the
// place of another.
func (s *Sequence) settled(x schema.Context) []schema.Statement {
	if s.OwnedBy.IsZero() || !x.From.Has(s.OwnedBy) || s.Settings.Increment < 0 {
		return nil
	}
	column := ddl.QuoteIdent(s.OwnedBy.Name)
	return schema.SQL("SELECT pg_catalog.setval(" + ddl.QuoteLiteral(s.name()) + ", max(" + column + ")) FROM " +
		relationName(s.OwnedTable) + fmt.Sprintf(" HAVING max(%s) BETWEEN %d AND %d", column, s.Settings.Min, s.Settings.Max))
}

// Finish gives the sequence to its column.
func (s *Sequence) Finish(x schema.Context) []schema.Statement {
	if s.OwnedBy.IsZero() || s.Identity != "" {
		return nil
	}
	out := s.own(x)
	if x.From.Has(s.Ident) {
		for _, again := range s.settled(x) {
			again.Requires = out[0].Requires
			out = append(out, again)
		}
	}
	return out
}

// own is OWNED BY; the sequence must have the table's owner before.
func (s *Sequence) own(x schema.Context) []schema.Statement {
	if s.OwnedBy.IsZero() {
		return schema.SQL("ALTER " + s.Target() + " OWNED BY NONE")
	}
	requires := []schema.ID{s.OwnedTable, s.OwnedBy}
	var out []schema.Statement
	if owner := x.OwnerOf(x.To.Object(s.OwnedTable)); owner != "" && owner != x.User() && x.Options.Without&schema.WithoutOwners == 0 {
		out = append(out, schema.Statement{SQL: "ALTER " + s.Target() + " OWNER TO " + ddl.QuoteIdent(owner), Requires: requires})
	}
	return append(out, schema.Statement{
		SQL:      "ALTER " + s.Target() + " OWNED BY " + relationName(s.OwnedTable) + "." + ddl.QuoteIdent(s.OwnedBy.Name),
		Requires: requires,
	})
}

// Drop removes the sequence and its value.
func (s *Sequence) Drop(x schema.Context) []schema.Statement {
	if !s.OwnedBy.IsZero() && !x.To.Has(s.OwnedBy) {
		return nil // goes with its column
	}
	if s.Identity != "" {
		return []schema.Statement{s.column("DROP IDENTITY")}
	}
	return []schema.Statement{{SQL: "DROP " + s.Target(), Hazards: []schema.Hazard{{Kind: schema.DataLoss, Message: "drops " + s.name() + " with its value"}}}}
}

// Alter changes the options in place.
func (s *Sequence) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*Sequence)
	if (s.Identity == "") != (n.Identity == "") || n.Identity != "" && s.OwnedBy != n.OwnedBy {
		return nil, false
	}
	var out []schema.Statement
	if changes.Has("identity") {
		out = append(out, n.column("SET GENERATED "+n.Identity))
	}
	if changes.Has("settings") {
		if n.Settings.Min > s.Settings.Min || n.Settings.Max < s.Settings.Max {
			out = append(out, schema.SQL(fmt.Sprintf("SELECT pg_catalog.setval(%s, least(greatest(last_value, %d), %d), is_called) FROM %s WHERE last_value NOT BETWEEN %[2]d AND %[3]d",
				ddl.QuoteLiteral(n.name()), n.Settings.Min, n.Settings.Max, n.name()))...)
		}
		if actions := n.Settings.differences(s.Settings); len(actions) > 0 {
			out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " " + strings.Join(actions, " ")})
		}
	}
	if changes.Has("unlogged") && s.OwnedTable == (schema.ID{}) {
		if n.Unlogged {
			out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " SET UNLOGGED"})
		} else {
			out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " SET LOGGED"})
		}
	}
	if changes.Has("owned_by") {
		out = append(out, n.own(x)...)
	}
	return out, true
}
