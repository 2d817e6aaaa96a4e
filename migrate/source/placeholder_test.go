package source

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/schema/ddl"
)

func put(text string, inside Inside, values map[string]string) (string, *replacer, error) {
	r := &replacer{values: values, inside: inside}
	var b strings.Builder
	err := r.replaceAll(strings.NewReader(text), &b)
	return b.String(), r, err
}

func TestPlaceholders(t *testing.T) {
	values := map[string]string{
		"name": "eu", "qualified": "app.users", "number": "42", "negative": "-1.5", "words": "90 days", "quote": "o'brien; --", "slash": `a\b'`,
		"odd": `we"ird Name`, "flyway:defaultSchema": "app", "empty": "", "select": "select", "dashed-name": "x",
	}
	for text, want := range map[string]string{
		"SELECT * FROM ${name}":                             "SELECT * FROM eu",
		"SELECT * FROM ${qualified};":                       "SELECT * FROM app.users;",
		"SELECT * FROM ${name}.t":                           "SELECT * FROM eu.t",
		"SELECT a.${name}":                                  "SELECT a.eu",
		"SET x = ${number}":                                 "SET x = 42",
		"SELECT 1-${negative}":                              "SELECT 1- -1.5",
		"VALUES (${words}, ${number})":                      "VALUES ('90 days', 42)",
		"SELECT ${quote}":                                   "SELECT 'o''brien; --'",
		"SELECT ${slash}":                                   `SELECT E'a\\b'''`,
		"SELECT ${empty}":                                   "SELECT ''",
		"SELECT ${name::literal}":                           "SELECT 'eu'",
		"SELECT ${number::literal}":                         "SELECT '42'",
		"SELECT ${odd::identifier}":                         `SELECT "we""ird Name"`,
		"SELECT ${select::identifier}":                      `SELECT "select"`,
		`SELECT a."${odd}"`:                                 `SELECT a."we""ird Name"`,
		`SELECT U&"x${name}"`:                               `SELECT U&"xeu"`,
		`SELECT "&${odd}"`:                                  `SELECT "&we""ird Name"`,
		"CREATE TABLE t_${name} ()":                         "CREATE TABLE t_eu ()",
		"CREATE TABLE ${name}_${number}x ()":                "CREATE TABLE eu_42x ()",
		"CREATE SCHEMA ${flyway:defaultSchema}":             "CREATE SCHEMA app",
		"SELECT ${dashed-name}":                             "SELECT x",
		"SELECT 1 -- ${nobody}\n, ${number}":                "SELECT 1 -- ${nobody}\n, 42",
		"/* ${nobody} */ SELECT ${ nobody }":                "/* ${nobody} */ SELECT ${ nobody }",
		"SELECT $1, $${nobody}$$, '${nobody}'":              "SELECT $1, $${nobody}$$, '${nobody}'",
		"SELECT '${name}', $$${name}$$, $a$${name}$a$":      "SELECT '${name}', $$${name}$$, $a$${name}$a$",
		"COPY t FROM stdin;\n${name}\n\\.\nSELECT ${name};": "COPY t FROM stdin;\n${name}\n\\.\nSELECT eu;",
	} {
		got, r, err := put(text, InCode, values)
		require.NoError(t, err, text)
		require.Empty(t, r.errs, text)
		require.Equal(t, want, got)
	}
	_, r, err := put("SELECT ${name},\n  'é${number}'", InCode, values)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"name": "eu"}, r.used)
	require.Len(t, r.kept, 1)
	require.Equal(t, [2]int{2, 5}, [2]int{r.kept[0].line, r.kept[0].column})
	require.Contains(t, r.kept[0].message, "placeholders=everywhere")
}

func TestPlaceholdersEverywhere(t *testing.T) {
	values := map[string]string{"name": "eu", "quote": "o'brien", "slash": `a\'`, "words": "90 days", "number": "-7"}
	for text, want := range map[string]string{
		"SELECT '${quote}'":  "SELECT 'o''brien'",
		"SELECT E'${slash}'": `SELECT E'a\\'''`,
		"SELECT '${slash}'":  `SELECT 'a\'''`,
		"SET standard_conforming_strings = off; SELECT '${slash}', N'${slash}'": `SET standard_conforming_strings = off; SELECT 'a\\''', N'a\\'''`,
		"SELECT 'it''s ${name}'":                     "SELECT 'it''s eu'",
		"SELECT 'a' -- ${name} it's\n'${name}'":      "SELECT 'a' -- ${name} it's\n'eu'",
		`SELECT E'\'${name}'`:                        `SELECT E'\'eu'`,
		`SELECT E'\\${name}'`:                        `SELECT E'\\eu'`,
		"SELECT U&'${name}', B'${name}', x'${name}'": "SELECT U&'eu', B'eu', x'eu'",
		"DO $$ SELECT ${name} + ${number} $$":        "DO $$ SELECT eu + -7 $$",
		"DO $x$${name}$x$":                           "DO $x$eu$x$",
		"SELECT $${name}$$":                          "SELECT $${name}$$",
		"SELECT ${words}":                            "SELECT '90 days'",
	} {
		got, r, err := put(text, Everywhere, values)
		require.NoError(t, err, text)
		require.Empty(t, r.errs, text)
		require.Equal(t, want, got)
	}
}

func TestPlaceholderProblems(t *testing.T) {
	values := map[string]string{"name": "eu", "words": "90 days", "quote": "'", "control": "a\nb", "bytes": "\xff", "number": "1", "slash": `\`, "u": "U"}
	for text, want := range map[string]string{
		"SELECT 'a'\n${words}":      "next to another",
		"SELECT ${words} --x\n'a'":  "next to another",
		"SELECT ${name}\n${words}":  "next to another",
		"SELECT 1,\n ${nmae}":       "2:2: placeholder ${nmae} is not defined; did you mean name?",
		"SELECT t_${words}":         "beside letters",
		"SELECT ${name}${words}":    "beside letters",
		"SELECT ${words}${name}":    "beside letters",
		"SELECT t_${name::literal}": "beside letters",
		"SELECT ${number}_x":        "may not begin with a digit",
		"SELECT 0x${number}, 1":     "beside a number",
		"SELECT $1${number}":        "beside a number",
		"SELECT '1'${name}":         "beside a quote",
		"SELECT ${u}'x'":            "beside a quote",
		"SELECT ${u}&'x'":           "before an ampersand",
		"SELECT a.${number}":        "beside a dot",
		"SELECT ${words}.a":         "beside a dot",
		"SELECT ${control}":         "line break",
		"SELECT ${bytes}":           "not UTF-8",
		`SELECT U&"${slash}"`:       "no backslashes",
	} {
		_, r, err := put(text, InCode, values)
		require.NoError(t, err)
		require.NotEmpty(t, r.errs, text)
		require.Contains(t, Problem{Line: r.errs[0].line, Column: r.errs[0].column, Message: r.errs[0].Error()}.Error(), want, text)
	}
	for text, want := range map[string]string{
		"SELECT U&'${slash}'": "of this kind",
		"SELECT B'${quote}'":  "of this kind",
		`SELECT E'\${name}'`:  "a backslash stands before it",
		"DO $$ ${words} $$":   "only be a number or a plain name",
		"DO $$ ${nobody} $$":  "is not defined",
	} {
		_, r, err := put(text, Everywhere, values)
		require.NoError(t, err)
		require.NotEmpty(t, r.errs, text)
		require.Contains(t, r.errs[0].Error(), want, text)
	}
	_, r, _ := put("SELECT ${x}", InCode, nil)
	require.Contains(t, r.errs[0].message, "the environment defines none")
	_, _, err := put("SELECT '", InCode, nil)
	require.Error(t, err)
	require.Error(t, (&replacer{}).replaceAll(strings.NewReader("SELECT 1"), failing{}))
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestReplacingStreams(t *testing.T) {
	text := strings.Repeat("SELECT ${a}; -- é\n", 500)
	r := &replacer{values: map[string]string{"a": "two words"}}
	stream := &replacing{Closer: io.NopCloser(nil), scanner: ddl.NewScanner(strings.NewReader(text)), r: r}
	got, err := io.ReadAll(iotest.OneByteReader(stream))
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(text, "${a}", "'two words'"), string(got))
}

// outline is a script's tokens with every run of white space as one.
func outline(text string) []string {
	var list []string
	for t := range ddl.Tokens(text) {
		if t.Kind != ddl.Space {
			list = append(list, fmt.Sprint(t.Kind, t.Text))
		}
	}
	return list
}

// FuzzPlaceholder holds that a value never breaks out: the tokens around the
// place are the same whatever the value is.
func FuzzPlaceholder(f *testing.F) {
	for _, before := range []string{"SELECT ", "SELECT 'a", "SELECT E'\\", "SELECT \"", "SELECT 1-", "DO $$ ", "SELECT U&", "SELECT $a$", "SELECT a.", "SELECT E", "/* ", "-- ", "SELECT 'a'\n", "SELECT 1"} {
		for _, after := range []string{" FROM t; SELECT 2", "'; SELECT 2", "\"; SELECT 2", "$$; SELECT 2", "$a$; SELECT 2", "&'\\0061'; SELECT 2", "'b\\'; SELECT 2;'", " */"} {
			for _, value := range []string{"x", "1", "-1", "'; DROP TABLE t; --", "$$; DROP TABLE t; $$", "*/ DROP", `\'; DROP`, `"; DROP`, "E", "U", "a b"} {
				f.Add(before, value, after)
			}
		}
	}
	f.Fuzz(func(t *testing.T, before, value, after string) {
		text := before + "${v}" + after
		if strings.Count(text, "${") != 1 || ddl.CheckText(text) != nil || strings.ContainsRune(text, '\ufeff') {
			return
		}
		for _, inside := range []Inside{InCode, Everywhere} {
			got, r, err := put(text, inside, map[string]string{"v": value})
			if err != nil || len(r.errs) > 0 || r.used == nil {
				continue
			}
			reference, other, err := put(text, inside, map[string]string{"v": "x"})
			if err != nil || len(other.errs) > 0 {
				continue
			}
			want, have := outline(reference), outline(got)
			differ := 0
			if value != "" && value[0] == '-' && len(have) == len(want)+1 { // the sign is a token of its own
				differ = -1
				have = append(have[:0:0], have...)
			}
			if differ == 0 {
				require.Len(t, have, len(want), "%q\n%q", reference, got)
				for i := range want {
					if want[i] != have[i] {
						differ++
					}
				}
				require.LessOrEqual(t, differ, 1, "%q\n%q", reference, got)
			}
			_, err = ddl.Split(got)
			_, wantErr := ddl.Split(reference)
			require.Equal(t, wantErr == nil, err == nil, "%q\n%q", reference, got)
		}
	})
}
