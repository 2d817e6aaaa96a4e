package finding

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite golden files")

const source = "-- first\ncreate index i on orders (status);\n\tdrop table \x1b[31m|old|;\r\n"

func report() Report {
	return Report{
		Tool: "kedge 1.2.3",
		Findings: []Finding{
			{Rule: "index-not-concurrent", Severity: Error, File: "migrations/1 a.up.sql", Line: 2, Column: 1, EndLine: 2, Statement: "create index i on orders (status)",
				Message: "building an index keeps everybody from writing to orders", Object: "orders", Lock: "SHARE", Fix: "create index concurrently i on orders (status);", Estimate: "SHARE on orders (400 GB) for about 3 h"},
			{Rule: "drop-table", Severity: Warning, File: "migrations/1 a.up.sql", Line: 3, Column: 13, EndLine: 3, Message: "|old| is lost: 100 % of it,\nwith <rows>"},
			{Rule: "drop-table", Severity: Warning, File: "migrations/1 a.up.sql", Line: 3, Column: 13, EndLine: 3, Message: "|old| is lost: 100 % of it,\nwith <rows>"},
			{Rule: "char-type", Severity: Notice, File: "gone.sql", Message: "a file that is not there"},
		},
		Explain: func(rule string) string { return map[string]string{"drop-table": "DROP TABLE loses every row."}[rule] },
		Source:  func(file string) (string, bool) { return source, file != "gone.sql" },
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, f := range Formats {
		t.Run(f.Name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, Write(&b, f.Name, report()))
			golden := filepath.Join("testdata", f.Name+".golden")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), b.String())
			require.NotEmpty(t, f.About)
			require.NotContains(t, b.String(), "\x1b")
			switch f.Name {
			case "json", "gitlab", "sarif":
				require.True(t, json.Valid(b.Bytes()))
			case "junit":
				require.NoError(t, xml.Unmarshal(b.Bytes(), new(struct{ XMLName xml.Name })))
			}
		})
	}
	require.ErrorContains(t, Write(&bytes.Buffer{}, "pdf", Report{}), "pdf")
}

func TestNoFindings(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"text": "", "json": "{\n  \"findings\": []\n}\n", "gitlab": "[]\n", "github": "", "markdown": "No findings.\n"} {
		var b bytes.Buffer
		require.NoError(t, Write(&b, format, Report{}))
		require.Equal(t, want, b.String(), format)
	}
	var b bytes.Buffer
	require.NoError(t, Write(&b, "sarif", Report{}))
	require.Contains(t, b.String(), `"results": []`)
	require.NoError(t, Write(&b, "junit", Report{Tool: "kedge"}))
	require.Contains(t, b.String(), `tests="1" failures="0"`)
}

// refusing is a writer that takes the first n bytes.
type refusing int

func (r *refusing) Write(p []byte) (int, error) {
	if len(p) > int(*r) {
		return 0, errors.New("the disk is full")
	}
	*r -= refusing(len(p))
	return len(p), nil
}

func TestWriterThatFails(t *testing.T) {
	t.Parallel()
	for _, f := range Formats {
		for _, room := range []refusing{0, 40} {
			require.ErrorContains(t, Write(&room, f.Name, report()), "the disk is full", f.Name)
		}
	}
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	for _, s := range []Severity{Off, Notice, Warning, Error} {
		text, err := json.Marshal(s)
		require.NoError(t, err)
		var back Severity
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, s, back)
	}
	var s Severity
	require.ErrorContains(t, json.Unmarshal([]byte(`"fatal"`), &s), "fatal")
	require.Error(t, json.Unmarshal([]byte(`3`), &s))
}

func TestSummary(t *testing.T) {
	t.Parallel()
	require.Equal(t, "no findings", Summary(nil))
	list := report().Findings
	require.Equal(t, "1 error, 2 warnings, 1 notice", Summary(list))
	require.Equal(t, Error, Worst(list))
	require.Equal(t, Off, Worst(nil))
	Sort(list)
	require.Equal(t, "gone.sql", list[0].File)
	require.Equal(t, 2, Count(list, Warning))
}

func TestExcerptOfLongLines(t *testing.T) {
	t.Parallel()
	long := "select '" + string(bytes.Repeat([]byte("x"), 300)) + "' from here"
	r := Report{Findings: []Finding{{Rule: "r", Severity: Error, File: "f", Line: 1, Column: 316, Message: "m"}, {Rule: "r", Severity: Error, File: "f", Line: 9, Message: "past the end"}},
		Source: func(string) (string, bool) { return long, true }, Paint: func(_ Severity, s string) string { return "<" + s + ">" }}
	var b bytes.Buffer
	require.NoError(t, Write(&b, "text", r))
	require.Contains(t, b.String(), "from here\n       | "+string(bytes.Repeat([]byte(" "), 59))+"^\n")
	require.Contains(t, b.String(), "<error>")
}
