package catalog

import (
	"fmt"

	"github.com/kedgedb/kedge/schema"
)

// Statistics is an extended statistics object.
type Statistics struct {
	schema.Base
	Table      schema.ID `json:"table" diff:"-"`
	Definition string    `json:"definition"`
	// Target is the statistics target + 1; 0 is the server's.
	StatisticsTarget int64 `json:"statistics_target,omitempty"`
}

var statisticsKind = Kind{
	Name:    "statistics",
	Catalog: "pg_statistic_ext",
	New:     func() schema.Object { return &Statistics{} },
	Query: func(Server) string {
		return `SELECT s.oid, 0, s.stxowner, NULL, s.stxname, s.stxnamespace, s.stxrelid, coalesce(s.stxstattarget, -1), pg_get_statisticsobjdef(s.oid)
			FROM pg_statistic_ext s`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		s := &Statistics{}
		s.Ident = schema.ID{Kind: "statistics"}
		s.Ident.Name, s.Ident.Schema = r.Text(), rd.Namespace(r.OID())
		table := rd.relations[r.OID()]
		if table == nil {
			return nil
		}
		s.Table = table.id
		s.StatisticsTarget = r.Int() + 1
		s.Definition = r.Text()
		return s
	},
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
	out := schema.SQL(s.Definition)
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
	if changes.Has("definition") {
		return nil, false
	}
	return []schema.Statement{n.target()}, true
}
