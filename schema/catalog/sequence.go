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

// Sequence is a sequence that no identity column has.
type Sequence struct {
	schema.Base
	Settings SequenceOptions `json:"settings"`
	Unlogged bool            `json:"unlogged,omitempty"`
	// OwnedBy is the column the sequence is dropped with.
	OwnedBy schema.ID `json:"owned_by,omitzero"`
	// OwnedTable is that column's table.
	OwnedTable schema.ID `json:"owned_table,omitzero" diff:"-"`
}

var sequenceKind = Kind{
	Name:    "sequence",
	Catalog: "pg_class",
	New:     func() schema.Object { return &Sequence{} },
	Query: func(s Server) string {
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
	identity, relid, attnum := r.Bool(), r.OID(), int32(r.Int())
	rd.relations[rd.current.oid] = &relation{id: s.Ident, name: relationName(s.Ident), object: s}
	if relid == 0 {
		return s
	}
	column, ok := rd.at(address{rd.current.class, relid, attnum}).(*Column)
	if !ok {
		return s
	}
	if identity {
		if column.Identity != nil {
			column.Identity.Sequence, column.Identity.Options = s.Ident, s.Settings
		}
		return nil
	}
	s.OwnedBy, s.OwnedTable = column.Ident, column.Table
	return s
}

var sequenceTraits = schema.Traits{Rank: rankSequence, Spaces: []string{"relation", "type"}, Owned: true, Class: "SEQUENCE", Data: true}

// Traits of sequences.
func (s *Sequence) Traits() *schema.Traits { return &sequenceTraits }

func (s *Sequence) name() string { return relationName(s.Ident) }

// Target is SEQUENCE name.
func (s *Sequence) Target() string { return "SEQUENCE " + s.name() }

// Create makes the sequence; it is given to its column once that is there.
func (s *Sequence) Create(x schema.Context) []schema.Statement {
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

// Finish gives the sequence to its column.
func (s *Sequence) Finish(schema.Context) []schema.Statement {
	if s.OwnedBy.IsZero() {
		return nil
	}
	return []schema.Statement{s.own()}
}

func (s *Sequence) own() schema.Statement {
	if s.OwnedBy.IsZero() {
		return schema.Statement{SQL: "ALTER " + s.Target() + " OWNED BY NONE"}
	}
	return schema.Statement{
		SQL:      "ALTER " + s.Target() + " OWNED BY " + relationName(s.OwnedTable) + "." + ddl.QuoteIdent(s.OwnedBy.Name),
		Requires: []schema.ID{s.OwnedTable, s.OwnedBy},
	}
}

// Drop removes the sequence and its value.
func (s *Sequence) Drop(x schema.Context) []schema.Statement {
	if x.To != nil && !s.OwnedBy.IsZero() && !x.To.Has(s.OwnedBy) {
		return nil // goes with its column
	}
	return []schema.Statement{{SQL: "DROP " + s.Target(), Hazards: []schema.Hazard{{Kind: schema.DataLoss, Message: "drops " + s.name() + " with its value"}}}}
}

// Alter changes the options in place.
func (s *Sequence) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*Sequence)
	var out []schema.Statement
	if changes.Has("settings") {
		from := s.Settings
		actions := n.Settings.differences(from)
		if len(actions) > 0 {
			out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " " + strings.Join(actions, " ")})
		}
	}
	if changes.Has("unlogged") {
		if n.Unlogged {
			out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " SET UNLOGGED"})
		} else {
			out = append(out, schema.Statement{SQL: "ALTER " + n.Target() + " SET LOGGED"})
		}
	}
	if changes.Has("owned_by") {
		out = append(out, n.own())
	}
	return out, true
}
