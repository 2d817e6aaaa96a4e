package migrate

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/schema/ddl"
)

func stepOf(t *testing.T, s *Script) *Step {
	t.Helper()
	m := versioned("7")
	m.Up = s
	return &plan(t, []*Migration{m}, new(ledger), Request{}).Steps[0]
}

func TestErrorAt(t *testing.T) {
	text := "-- Übung\r\nSELECT 1;\r\n\tSELECT 'ä',\r\n\t\tnope;\r\n"
	step := stepOf(t, script("m/7.up.sql", text))
	pg := &pgconn.PgError{Code: "42703", Message: `column "nope" does not exist`, Hint: "Perhaps.", Detail: "None.", Where: "PL/pgSQL function f()\nSQL statement", Position: int32(len([]rune("SELECT 'ä',\r\n\t\t")) + 1)}
	e := ErrorAt(step, step.Statements[1], pg)
	require.Equal(t, [3]int{4, 3, 2}, [3]int{e.Line, e.Column, e.Number})
	require.Equal(t, "\t\tnope;", e.Source)
	require.Equal(t, `m/7.up.sql:4:3: column "nope" does not exist (SQLSTATE 42703)`, e.Error())
	require.ErrorIs(t, e, error(pg))
	require.Equal(t, "m/7.up.sql:4:3: column \"nope\" does not exist (SQLSTATE 42703)\n"+
		"    4 | \t\tnope;\n"+
		"      | \t\t^\n"+
		"detail: None.\nhint: Perhaps.\nwhere: PL/pgSQL function f()\n  SQL statement\n", e.Render())

	whole := ErrorIn(step, 0, &pgconn.PgError{Code: "42703", Message: "x", Position: int32(len([]rune(text[:strings.Index(text, "nope")])) + 1)})
	require.Equal(t, [3]int{4, 3, 2}, [3]int{whole.Line, whole.Column, whole.Number})
	after := strings.Index(text, "\tSELECT")
	part := ErrorIn(step, after, &pgconn.PgError{Message: "x", Position: int32(len([]rune(text[after:strings.Index(text, "nope")])) + 1)})
	require.Equal(t, [2]int{4, 3}, [2]int{part.Line, part.Column})
	require.Zero(t, ErrorIn(step, 0, &pgconn.PgError{Message: "x", Position: 3}).Line, "inside a comment")
	require.Zero(t, ErrorIn(step, 0, errors.New("gone")).Line)

	plain := ErrorAt(step, step.Statements[0], errors.New("connection reset"))
	require.Equal(t, "m/7.up.sql:2:1: connection reset", plain.Error())
	inner := ErrorAt(step, step.Statements[0], &pgconn.PgError{Code: "P0001", Message: "m", Position: 5, InternalQuery: "SELECT oops"})
	require.Equal(t, [2]int{2, 1}, [2]int{inner.Line, inner.Column})

	doc, err := json.Marshal(e)
	require.NoError(t, err)
	for _, key := range []string{"version", "file", "line", "column", "statement", "sqlstate", "message", "hint"} {
		require.Contains(t, string(doc), `"`+key+`":`)
	}
}

func TestErrorAtInAStreamedScript(t *testing.T) {
	s := script("big.sql", "SELECT 1;\n   SELECT wrong,\n 2;")
	s.Size, s.Line = InlineLimit+1, 101
	step := stepOf(t, streamed(s))
	st := ddl.Statement{SQL: "SELECT wrong,\n 2", Offset: 13, Line: 2, Column: 4}
	e := ErrorAt(step, st, &pgconn.PgError{Message: "m", Position: 8})
	require.Equal(t, [2]int{102, 11}, [2]int{e.Line, e.Column})
	require.Equal(t, "   SELECT wrong,", e.Source)
	e = ErrorAt(step, st, &pgconn.PgError{Message: "m", Position: 999})
	require.Equal(t, 103, e.Line)
	require.Equal(t, " 2", e.Source)
}

func TestRender(t *testing.T) {
	wide := &StatementError{File: "f.sql", Line: 1, Column: 5, Message: "m", Source: "'日本e\u0301' x\x1b[31m\u202e"}
	require.Equal(t, "f.sql:1:5: m\n    1 | '日本e\u0301' x\\x1b[31m\\u202e\n      |       ^\n", wide.Render())
	long := &StatementError{File: "f.sql", Line: 1, Column: 301, Message: "m", Source: strings.Repeat("a", 300) + "b" + strings.Repeat("c", 300)}
	lines := strings.Split(long.Render(), "\n")
	require.Less(t, len([]rune(lines[1])), 120)
	require.Equal(t, 'b', []rune(lines[1])[len([]rune(lines[2]))-1], "the caret stands below the character")
	require.Equal(t, "m\n", (&StatementError{Message: "m"}).Render())
}

func TestPasswordsAreNotInErrors(t *testing.T) {
	text := "SELECT 1;\nCREATE ROLE x PASSWORD\n  'hush-hush' LOGIN NOPE;\n"
	statements, err := ddl.Split(text)
	require.NoError(t, err)
	step := &Step{Migration: &Migration{Version: "1"}, Script: &Script{File: "1.sql", Text: text}, Statements: statements}
	e := ErrorAt(step, statements[1], &pgconn.PgError{Code: "42601", Message: `syntax error at or near "'hush-hush'"`, Position: 44})
	require.Equal(t, "  *********** LOGIN NOPE;", e.Source)
	require.NotContains(t, e.Render()+e.Error()+e.Statement+e.Message, "hush")
	require.Contains(t, e.Render(), "LOGIN NOPE")
}
