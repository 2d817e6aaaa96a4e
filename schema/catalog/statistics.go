package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
)

// Statistics is an extended statistics object.
type Statistics struct {
	schema.Base
	Table schema.ID `json:"table" diff:"-"`
	// Of are the columns, by name, and expressions; Kinds is empty for all of them.
	Of    []string `json:"of"`
	Kinds []string `json:"kinds,omitempty"`
	// StatisticsTarget is the target + 1; 0 is the server's.
	StatisticsTarget int64 `json:"statistics_target,omitempty"`
}

var statisticsKind = Kind{
	Name:    "statistics",
	Catalog: "pg_statistic_ext",
	New:     func() schema.Object { return &Statistics{} },
	Query: func(v Server) string {
		return `SELECT s.oid, 0, s.stxowner, NULL, s.stxname, s.stxnamespace, s.stxrelid, coalesce(s.stxstattarget, -1), s.stxkeys, s.stxkind,
			` + v.If(14, "pg_get_statisticsobjdef_expressions(s.oid)", "NULL") + ` FROM pg_statistic_ext s`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		s := &Statistics{}
		s.Ident = schema.ID{Kind: "statistics"}
		s.Ident.Name, s.Ident.Schema = r.Text(), rd.Namespace(r.OID())
		relid := r.OID()
		table := rd.relations[relid]
		if table == nil {
			return nil
		}
		s.Table = table.id
		s.StatisticsTarget = r.Int() + 1
		for _, attnum := range r.Ints() {
			s.Of = append(s.Of, rd.Column(relid, attnum))
		}
		slices.Sort(s.Of)
		kinds, expressions := r.Texts(), r.Texts()
		for _, expression := range expressions {
			s.Of = append(s.Of, "("+expression+")")
		}
		if len(s.Of) > 1 {
			s.Kinds = statisticsKinds(kinds)
		}
		return s
	},
}

// statisticsKinds are the names of the kinds in stxkind, none when it has all of them.
func statisticsKinds(letters []string) []string {
	var out []string
	for _, k := range []struct{ letter, name string }{{"d", "ndistinct"}, {"f", "dependencies"}, {"m", "mcv"}} {
		if slices.Contains(letters, k.letter) {
			out = append(out, k.name)
		}
	}
	if len(out) == 3 {
		return nil
	}
	return out
}

var statisticsTraits = schema.Traits{Rank: rankStatistics, Owned: true}

// Traits of statistics objects.
func (s *Statistics) Traits() *schema.Traits { return &statisticsTraits }

// Parent is the table they are of.
func (s *Statistics) Parent() schema.ID { return s.Table }

// Target is STATISTICS name.
func (s *Statistics) Target() string { return "STATISTICS " + relationName(s.Ident) }

// Create makes the statistics object.
func (s *Statistics) Create(schema.Context) []schema.Statement {
	text := "CREATE " + s.Target()
	if len(s.Kinds) > 0 {
		text += " (" + strings.Join(s.Kinds, ", ") + ")"
	}
	out := schema.SQL(text + " ON " + strings.Join(s.Of, ", ") + " FROM " + relationName(s.Table))
	if s.StatisticsTarget != 0 {
		out = append(out, s.target())
	}
	return out
}

func (s *Statistics) target() schema.Statement {
	return schema.Statement{SQL: fmt.Sprintf("ALTER %s SET STATISTICS %d", s.Target(), s.StatisticsTarget-1)}
}

// Drop removes it.
func (s *Statistics) Drop(schema.Context) []schema.Statement { return schema.SQL("DROP " + s.Target()) }

// Alter sets the target; another definition means another object.
func (s *Statistics) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Statistics)
	if changes.Has("of", "kinds") {
		return nil, false
	}
	return []schema.Statement{n.target()}, true
}
