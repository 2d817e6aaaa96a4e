package judge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/schema/judge"
)

func TestShrinkFindsTheCause(t *testing.T) {
	e := judge.Edit{Seed: 7}
	for range 20 {
		e.Elements = append(e.Elements, judge.Element{Old: "noise", New: "other noise"})
	}
	e.Elements[4] = judge.Element{Old: "needed", New: "changed"}
	e.Elements[13] = judge.Element{Old: "cause", New: "effect"}
	small := judge.Shrink(e, 200, func(e judge.Edit) bool {
		before, after := e.Scripts()
		return strings.Contains(strings.Join(before, ";"), "needed") && strings.Contains(strings.Join(after, ";"), "effect")
	})
	require.Equal(t, judge.Edit{Seed: 7, Elements: []judge.Element{{Old: "needed", New: "needed"}, {Old: "effect", New: "effect"}}}, small)
}

func TestShrinkKeepsToItsBudget(t *testing.T) {
	asked := 0
	judge.Shrink(judge.RandomEdit(1), 5, func(judge.Edit) bool { asked++; return false })
	require.Equal(t, 5, asked)
}

func TestRandomEditIsReproducible(t *testing.T) {
	require.Equal(t, judge.RandomEdit(11), judge.RandomEdit(11))
	require.NotEqual(t, judge.RandomEdit(11), judge.RandomEdit(12))
}

// Every kind of object is made, changed, added and removed within a few seeds.
func TestRandomEditHasEveryKind(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(300) {
		for _, el := range judge.RandomEdit(seed).Elements {
			for _, kind := range kinds {
				switch {
				case !strings.HasPrefix(el.Old+el.New, kind) && !strings.Contains(el.Old+el.New, kind):
				case el.Old == "":
					count[kind+" added"]++
				case el.New == "":
					count[kind+" removed"]++
				case el.Old != el.New:
					count[kind+" changed"]++
				}
			}
		}
	}
	for _, kind := range kinds {
		for _, what := range []string{" added", " removed", " changed"} {
			require.Positive(t, count[kind+what], kind+what)
		}
	}
}

var kinds = []string{"AS ENUM", "CREATE DOMAIN", "CREATE SEQUENCE", "CREATE FUNCTION", "ADD COLUMN", "PARTITION OF", "PRIMARY KEY", "UNIQUE (",
	"FOREIGN KEY", "CHECK (", "EXCLUDE (", "INDEX", "CREATE VIEW", "CREATE MATERIALIZED VIEW", "CREATE TRIGGER", "CREATE POLICY", "GRANT ",
	"COMMENT ON", "CREATE STATISTICS", "OWNER TO", "GENERATED ALWAYS AS (", "AS IDENTITY"}
