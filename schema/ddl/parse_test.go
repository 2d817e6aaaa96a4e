package ddl

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestParse compares what Parse makes of each statement of testdata/parse with the file beside it, and checks that
// every span is where its text is.
func TestParse(t *testing.T) {
	files, err := filepath.Glob("testdata/parse/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			statements, err := Split(string(src))
			require.NoError(t, err)
			var got strings.Builder
			for _, s := range statements {
				node, err := Parse(s.SQL)
				require.NoError(t, err)
				again, err := s.Parse()
				require.NoError(t, err)
				require.Equal(t, node, again)
				checkSpans(t, s.SQL, reflect.ValueOf(node))
				fmt.Fprintf(&got, "%s\n\t%s\n", s.SQL, dump(reflect.ValueOf(node)))
			}
			golden := strings.TrimSuffix(file, ".sql") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

// dump writes the fields that are set, without their spans.
func dump(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return dump(v.Elem())
	case reflect.Slice:
		var parts []string
		for i := range v.Len() {
			parts = append(parts, dump(v.Index(i)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Struct:
		switch x := v.Interface().(type) {
		case Name:
			return x.String()
		case Expr:
			return "‹" + x.Text + "›"
		}
		var parts []string
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if name == "Span" || v.Field(i).IsZero() {
				continue
			}
			if v.Field(i).Kind() == reflect.Bool {
				parts = append(parts, name)
				continue
			}
			parts = append(parts, name+":"+dump(v.Field(i)))
		}
		return v.Type().Name() + "{" + strings.Join(parts, " ") + "}"
	case reflect.String:
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}

func checkSpans(t *testing.T, sql string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			checkSpans(t, sql, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkSpans(t, sql, v.Index(i))
		}
	case reflect.Struct:
		switch x := v.Interface().(type) {
		case Span:
			require.LessOrEqual(t, x.Start, x.End, sql)
			require.LessOrEqual(t, x.End, len(sql), sql)
		case Expr:
			require.True(t, strings.HasPrefix(sql[x.Span.Start:x.Span.End], x.Text) || strings.HasPrefix(sql, "COMMENT"), "%s: %+v", sql, x)
			return
		case Name:
			if x.Span != (Span{}) && !x.IsZero() {
				require.Contains(t, fold(sql[x.Span.Start:x.Span.End]), fold(x.Name), sql)
			}
		}
		for i := range v.NumField() {
			checkSpans(t, sql, v.Field(i))
		}
	}
}
