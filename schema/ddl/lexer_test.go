package ddl

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLexer(t *testing.T) {
	type token struct {
		kind Kind
		text string
	}
	for src, want := range map[string][]token{
		"a$1 $1 $12x $":                     {{Word, "a$1"}, {Param, "$1"}, {Param, "$12"}, {Word, "x"}, {Punct, "$"}},
		"$a $a$x$b$$a$ $$ $$":               {{Punct, "$"}, {Word, "a"}, {DollarString, "$a$x$b$$a$"}, {DollarString, "$$ $$"}},
		"$é$;$é$":                           {{DollarString, "$é$;$é$"}},
		"e'a\\'b' N'x' B'1' x'f' U&'\\0' e": {{String, "e'a\\'b'"}, {String, "N'x'"}, {String, "B'1'"}, {String, "x'f'"}, {String, "U&'\\0'"}, {Word, "e"}},
		"'a\\' 'b'":                         {{String, "'a\\'"}, {String, "'b'"}},
		"'a'\n 'b' -- c\n'd' /**/ 'e'":      {{String, "'a'\n 'b' -- c\n'd'"}, {Comment, "/**/"}, {String, "'e'"}},
		"e'a'\n'b\\'c'":                     {{String, "e'a'\n'b\\'c'"}},
		"'a' -- c\n 'b'":                    {{String, "'a' -- c\n 'b'"}},
		"U&\"a\"\"b\" u & \"x\"":            {{QuotedIdent, "U&\"a\"\"b\""}, {Word, "u"}, {Operator, "&"}, {QuotedIdent, "\"x\""}},
		"1 1.5 .5 1. 1e10 1.5E-3 1e 0x1F 0b2 0o17 1_000 1..2 1_": {{Number, "1"}, {Number, "1.5"}, {Number, ".5"},
			{Number, "1."}, {Number, "1e10"}, {Number, "1.5E-3"}, {Number, "1"}, {Word, "e"}, {Number, "0x1F"}, {Number, "0"},
			{Word, "b2"}, {Number, "0o17"}, {Number, "1_000"}, {Number, "1"}, {Operator, ".."}, {Number, "2"}, {Number, "1"}, {Word, "_"}},
		"a::b:=c=>d->>e":    {{Word, "a"}, {Operator, "::"}, {Word, "b"}, {Operator, ":="}, {Word, "c"}, {Operator, "=>"}, {Word, "d"}, {Operator, "->>"}, {Word, "e"}},
		"a=-1 @- 2*-3 +--x": {{Word, "a"}, {Operator, "="}, {Operator, "-"}, {Number, "1"}, {Operator, "@-"}, {Number, "2"}, {Operator, "*"}, {Operator, "-"}, {Number, "3"}, {Operator, "+"}, {Comment, "--x"}},
		"1=/*/*;*/*/2":      {{Number, "1"}, {Operator, "="}, {Comment, "/*/*;*/*/"}, {Number, "2"}},
		"--a\r--b\n/**/":    {{Comment, "--a"}, {Comment, "--b"}, {Comment, "/**/"}},
		"t.a[1:2];\\x":      {{Word, "t"}, {Punct, "."}, {Word, "a"}, {Punct, "["}, {Number, "1"}, {Punct, ":"}, {Number, "2"}, {Punct, "]"}, {Punct, ";"}, {Backslash, "\\"}, {Word, "x"}},
		"größe\u00a0x {":    {{Word, "größe\u00a0x"}, {Punct, "{"}},
		"\ufeffa \ufeffb":   {{Word, "a"}, {Word, "\ufeffb"}},
		"\x00":              {{Punct, "\x00"}},
	} {
		var got []token
		var all strings.Builder
		for tok := range Tokens(src) {
			require.Equal(t, all.Len(), tok.Offset)
			all.WriteString(tok.Text)
			require.False(t, tok.Unterminated, src)
			if tok.Kind != Space {
				got = append(got, token{tok.Kind, tok.Text})
			}
		}
		require.Equal(t, want, got, src)
		require.Equal(t, src, all.String())
	}
}

func TestLexerStops(t *testing.T) {
	for range Tokens("a b c") {
		break
	}
	l := NewLexer("x")
	l.Next()
	require.Equal(t, EOF, l.Next().Kind)
	require.Equal(t, Token{Kind: EOF, Offset: 1}, l.Next())
	for _, src := range []string{"'a", "E'\\'", "\"a", "$$", "$a$ $b$", "/* /* */", "U&'", "'a'\n'b"} {
		l := NewLexer(src)
		tok := l.Next()
		require.True(t, tok.Unterminated, src)
		require.Equal(t, src, tok.Text)
	}
}

func TestLexerBackslashStrings(t *testing.T) {
	l := NewLexer(`'a\'b' N'\'' B'\' E'\''`)
	l.SetStrings(BackslashStrings)
	var got []string
	for tok := l.Next(); tok.Kind != EOF; tok = l.Next() {
		if !tok.Trivia() {
			got = append(got, tok.Text)
		}
	}
	require.Equal(t, []string{`'a\'b'`, `N'\''`, `B'\'`, `E'\''`}, got)
}

func TestStringSettings(t *testing.T) {
	for _, c := range []struct {
		before string
		off    bool
	}{
		{"set standard_conforming_strings = off;", true},
		{"SET SESSION standard_conforming_strings TO 'false';", true},
		{"set standard_conforming_strings = on;", false},
		{"set local standard_conforming_strings = 0;", true},
		{"begin; set local standard_conforming_strings = 0; rollback to x; rollback work to x;", true},
		{"begin; set local standard_conforming_strings = 0; commit;", false},
		{"begin; set local standard_conforming_strings = 0; set standard_conforming_strings=on;", false},
		{"set standard_conforming_strings = off; reset standard_conforming_strings;", false},
		{"set standard_conforming_strings = off; set standard_conforming_strings to default;", false},
		{"set standard_conforming_strings = off; discard all;", false},
		{"set standard_conforming_strings = off; discard plans; reset x; select 1; set x = y; end;", true},
		{"select set_config('standard_conforming_strings', 'off', false);", true},
		{"select pg_catalog.set_config('standard_conforming_strings', 'off', true); abort;", false},
		{"create function f() returns int set standard_conforming_strings = off begin atomic select 1; end;", false},
	} {
		unterminated := ` select 'a\';b'`
		if c.off {
			unterminated = ` select 'a\'; b`
		}
		_, err := Split(c.before + unterminated)
		if c.off {
			require.Error(t, err, c.before)
			got, err := Split(c.before + ` select 'a\';b' `)
			require.NoError(t, err, c.before)
			require.Equal(t, `select 'a\';b'`, got[len(got)-1].SQL)
			require.Equal(t, BackslashStrings, got[len(got)-1].Strings)
		} else {
			require.Error(t, err, c.before)
			got, err := Split(c.before + ` select 'a\'; b`)
			require.NoError(t, err, c.before)
			require.Equal(t, "b", got[len(got)-1].SQL)
		}
	}
}

func TestFingerprint(t *testing.T) {
	same := [][]string{
		{"select 'a' , b ;", "-- x\nSELECT/**/'a',B", ";select 'a',b;;", "\ufeffselect 'a',\r\n\tb;-- end"},
		{"select 'ab'", "select 'a'\n'b'", "select 'a' -- c\r\n  \n 'b';"},
		{"select E'a\\''\n'\\'b'", "select E'a\\''\r\n\r\n'\\'b'"},
		{"select 'a\nb'", "select 'a\r\nb'"},
		{"set standard_conforming_strings=off;select 'a\\''\n'\\'', n'b\\''\n'c'", "set standard_conforming_strings=off;select 'a\\'' \n  '\\'', n'b\\''\r\n'c'"},
		{"copy t from stdin;\na -- b\n\\.\n", "copy t from stdin; -- x\na -- b\r\n\\."},
		{"\\restrict a\nselect 1;", "-- c\n\\restrict a  \nselect 1"},
		{"$$a\r\nb$$", "$$a\nb$$"},
	}
	seen := map[string]string{}
	for _, group := range same {
		want := Fingerprint(group[0])
		require.Len(t, want, 64)
		for _, src := range group {
			require.Equal(t, want, Fingerprint(src), src)
		}
		require.NotContains(t, seen, want)
		seen[want] = group[0]
	}
	for _, src := range []string{"select 'A' , b", "select 'a', \"B\"", "select 'a' b", "select 'a'; b", "select 'a' , b 'x",
		"select 'a\n\nb'", "select 'a' 'b'", "copy t from stdin;\na -- c\n\\.\n", "\\restrict b\nselect 1;", "$$a\n b$$",
		"set standard_conforming_strings=off;select 'a\\' -- b'", "set standard_conforming_strings=off;select 'a\\' -- c'",
		"select E'ab'", "", "select ab, É", "select ab, é"} {
		got := Fingerprint(src)
		require.NotContains(t, seen, got, src)
		seen[got] = src
	}
	require.Equal(t, Fingerprint(""), Fingerprint(" -- nothing\n;"))
}

func TestQuote(t *testing.T) {
	for name, want := range map[string]string{
		"a": "a", "a1_": "a1_", "_x": "_x", "": `""`, "1a": `"1a"`, "A": `"A"`, "a b": `"a b"`, `a"b`: `"a""b"`,
		"user": `"user"`, "left": `"left"`, "time": `"time"`, "text": "text", "json": `"json"`, "é": `"é"`, "a$": `"a$"`,
		"name": "name", "system_user": `"system_user"`,
	} {
		require.Equal(t, want, QuoteIdent(name))
	}
	require.Equal(t, `"order".id`, QualifiedName("order", "id"))
	require.Equal(t, "id", QualifiedName("", "id"))
	for value, want := range map[string]string{"": "''", "it's": "'it''s'", `a\b'c`: `E'a\\b''c'`} {
		require.Equal(t, want, QuoteLiteral(value))
	}
}
