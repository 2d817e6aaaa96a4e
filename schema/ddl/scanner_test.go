package ddl

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// pieces reads src through a scanner that sees size bytes at a time.
func pieces(t testing.TB, src string, size int) ([]Piece, error) {
	t.Helper()
	s := NewScanner(strings.NewReader(src))
	s.read = size
	var all []Piece
	for {
		p, err := s.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			_, again := s.Next()
			require.Equal(t, err, again, "an error stays")
			return all, err
		}
		all = append(all, p)
	}
}

func join(all []Piece) string {
	var b strings.Builder
	for _, p := range all {
		b.WriteString(p.Text)
	}
	return b.String()
}

func TestScannerPieces(t *testing.T) {
	src := "\ufeff-- head\r\nSELECT 'é;' ;\r\n\\restrict x\r\ncopy t from stdin;\r\n1\t2\r\n\\.\r\n;\rselect 2 -- end\n"
	want := []struct {
		kind         PieceKind
		text         string
		line, column int
	}{
		{StatementPiece, "\ufeff-- head\r\nSELECT 'é;' ;", 1, 1},
		{Meta, "\r\n\\restrict x\r\n", 2, 14},
		{StatementPiece, "copy t from stdin;\r\n", 4, 1},
		{CopyData, "1\t2\r\n\\.\r\n", 5, 1},
		{Blank, ";", 7, 1},
		{StatementPiece, "\rselect 2 -- end\n", 7, 2},
	}
	for _, size := range []int{1, 2, 3, 5, 7, 64, 1 << 16} {
		got, err := pieces(t, src, size)
		require.NoError(t, err)
		require.Len(t, got, len(want))
		var offset int64
		for i, p := range got {
			require.Equal(t, want[i].kind, p.Kind, "piece %d", i)
			require.Equal(t, want[i].text, p.Text)
			require.Equal(t, [2]int{want[i].line, want[i].column}, [2]int{p.Line, p.Column}, "piece %d", i)
			require.Equal(t, offset, p.Offset)
			offset += int64(len(p.Text))
		}
		require.Equal(t, "1\t2\r\n", got[3].Rows())
		require.Empty(t, got[0].Rows())
		require.Equal(t, Statement{}, got[1].Statement())
		require.NoError(t, got[0].Refusal())
		require.NoError(t, got[1].Refusal())
		last := got[5].Statement()
		require.Equal(t, "select 2", last.SQL)
		require.Equal(t, [3]int{8, 1, 8}, [3]int{last.Line, last.Column, last.EndLine})
		first := got[0].Statement()
		require.Equal(t, [3]int{2, 1, 2}, [3]int{first.Line, first.Column, first.EndLine})
		require.True(t, got[2].Statement().Copy)
	}
}

func TestScannerCopyStreamsInBoundedChunks(t *testing.T) {
	row := strings.Repeat("x", 100) + "\n"
	rows := strings.Repeat(row, 20_000)
	for name, src := range map[string]string{
		"lines":    rows,
		"one line": strings.Repeat("y", 1<<20) + "\n",
		"no end":   strings.TrimSuffix(rows, "\n"),
	} {
		for _, tail := range []string{"", "\\.\nselect 1;\n", "\\."} {
			if tail != "" && !strings.HasSuffix(src, "\n") {
				continue
			}
			t.Run(name+tail, func(t *testing.T) {
				whole := "copy t from stdin;\n" + src + tail
				got, err := pieces(t, whole, firstRead)
				require.NoError(t, err)
				require.Equal(t, whole, join(got))
				var data strings.Builder
				for i, p := range got[1:] {
					if p.Kind != CopyData {
						require.Contains(t, []string{"select 1", ""}, p.Statement().SQL)
						break
					}
					require.LessOrEqual(t, len(p.Text), 3*maxRows)
					more := i+2 < len(got) && got[i+2].Kind == CopyData
					require.Equal(t, more, p.More, "piece %d of %d", i, len(got))
					data.WriteString(p.Rows())
				}
				require.Equal(t, src, data.String())
			})
		}
	}
}

func TestScannerCopyEnds(t *testing.T) {
	for src, want := range map[string][]string{
		"copy t from stdin;":                                 {"copy t from stdin"},
		"copy t from stdin;\n":                               {"copy t from stdin"},
		"copy t from stdin":                                  {"copy t from stdin"},
		"copy t from stdin; /* x */ -- y\n\\.\nselect 1":     {"copy t from stdin", "select 1"},
		"copy t from stdin;\nselect 1;\n\\.x\n\\.\nselect 2": {"copy t from stdin", "select 2"},
		"COPY (select 1) TO stdout; select 2":                {"COPY (select 1) TO stdout", "select 2"},
		"copy t(a, \"from\") from stdin with (format csv);\n1\n\\.\n;;select 3;": {
			"copy t(a, \"from\") from stdin with (format csv)", "select 3"},
		"copy t from 'stdin'; select 4": {"copy t from 'stdin'", "select 4"},
	} {
		got, err := Split(src)
		require.NoError(t, err, src)
		var texts []string
		for _, s := range got {
			texts = append(texts, s.SQL)
		}
		require.Equal(t, want, texts, src)
	}
	for _, src := range []string{"copy t from stdin; select 1;\n", "copy t from stdin; /* a\n */\n", "copy t from stdin; /* a"} {
		_, err := Split(src)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax, src)
		require.Equal(t, 1, syntax.Line)
		require.Equal(t, 20, syntax.Column)
	}
}

func TestScannerErrors(t *testing.T) {
	for src, want := range map[string]string{
		"select 1;\n  'é ä ''":        "line 2, column 3: this quoted string has no end",
		"/* a /* b */ select":         "line 1, column 1: this /* comment has no end",
		"\r\r\n $x$ $y$":              "line 3, column 2: this dollar-quoted string has no end",
		"é \"a\"\"":                   "line 1, column 3: this quoted identifier has no end",
		"select E'\\":                 "line 1, column 8: this quoted string has no end",
		"select 1\n\\gexec\n":         `line 2, column 1: psql command \gexec: it stands inside a statement`,
		"-- c\n \\connect other\n":    `line 2, column 2: psql command \connect: a migration runs on the one database`,
		"\\i more.sql":                `psql command \i: put the included file's SQL here`,
		"\\foo":                       `psql command \foo: only psql knows it`,
		"\\.\n":                       `no COPY … FROM stdin is open here`,
		"select 1; \\echo done\\g":    `line 1, column 11: psql command \echo: it only changes what psql shows`,
		"\\\nselect 1":                `psql command \: only psql knows it`,
		"\\if :x\nselect 1;\n\\endif": `psql command \if: psql's variables do not exist here`,
	} {
		_, err := Split(src)
		require.ErrorContains(t, err, want, src)
		for _, size := range []int{1, 3} {
			all, failed := pieces(t, src, size)
			if failed == nil {
				for _, p := range all {
					if failed = p.Refusal(); failed != nil {
						break
					}
				}
			}
			require.Equal(t, err, failed, src)
		}
	}
}

func TestScannerReadError(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, src := range []string{"", "select 1", "select 1; 'a", "\\x", "copy t from stdin;", "copy t from stdin; ",
		"copy t from stdin;\n", "copy t from stdin;\nx\n", "select 1 \\x"} {
		s := NewScanner(io.MultiReader(strings.NewReader(src), iotest.ErrReader(broken)))
		s.read = 1
		var err error
		for err == nil {
			_, err = s.Next()
		}
		require.ErrorIs(t, err, broken, src)
		require.ErrorContains(t, err, "reading script at line ")
	}
}

func TestCheckText(t *testing.T) {
	require.NoError(t, CheckText("\ufeffsélect �;"))
	for src, want := range map[string]string{
		"a\nb\x00":       "line 2, column 2: a NUL byte cannot stand in SQL",
		"é\r\né\xff x":   "line 2, column 2: byte 0xff is not valid UTF-8",
		"\ufeff\xc3":     "line 1, column 1: byte 0xc3 is not valid UTF-8",
		"x\xed\xa0\x80y": "line 1, column 2: byte 0xed is not valid UTF-8",
	} {
		require.EqualError(t, CheckText(src), want)
	}
}
