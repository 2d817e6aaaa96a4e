package ddl

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"two", "select 1;\nselect 2", []string{"select 1", "select 2"}},
		{"comments", "-- a;\n/* ; /* ; */ */ select 1 /* x */; -- end", []string{"select 1"}},
		{"dollar", "do $a$ ; $$ ; $a$; select a$b$; select 1", []string{"do $a$ ; $$ ; $a$", "select a$b$", "select 1"}},
		{"atomic", "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3",
			[]string{"create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end", "select 3"}},
		{"rule", "create rule r as on insert to t do (select 1; select 2); x", []string{"create rule r as on insert to t do (select 1; select 2)", "x"}},
		{"escape", `select E'a\';b', 'a\'; select 2`, []string{`select E'a\';b', 'a\'`, "select 2"}},
		{"settings", `set standard_conforming_strings = off; select 'a\';b'; reset all; select 'a\'; b`,
			[]string{"set standard_conforming_strings = off", `select 'a\';b'`, "reset all", `select 'a\'`, "b"}},
		{"copy", "copy t from stdin; -- rows\n1;2\n\\.\nselect 1;", []string{"copy t from stdin", "select 1"}},
		{"restrict", "\\restrict abc\nselect 1;\n\\unrestrict abc\n", []string{"select 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Split(c.src)
			require.NoError(t, err)
			var texts []string
			for _, s := range got {
				texts = append(texts, s.SQL)
			}
			require.Equal(t, c.want, texts)
		})
	}
}

var update = flag.Bool("update", false, "write the golden files")

// TestScripts compares what Split makes of each script with the file beside it: position, verb, SQL.
func TestScripts(t *testing.T) {
	for name, src := range scripts(t) {
		if !strings.HasPrefix(name, "scripts/") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			statements, err := Split(src)
			require.NoError(t, err)
			var got strings.Builder
			for _, s := range statements {
				fmt.Fprintf(&got, "%d:%d-%d %s, %s\n%q\n", s.Line, s.Column, s.EndLine, s.Class.Verb, s.Class.Transaction, s.SQL)
			}
			golden := filepath.Join("testdata", strings.TrimSuffix(name, ".sql")+".golden")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}
