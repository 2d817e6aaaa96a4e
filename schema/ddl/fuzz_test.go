package ddl

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scripts returns every SQL file below testdata.
func scripts(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := os.DirFS("testdata")
	require.NoError(t, fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		text, err := fs.ReadFile(files, path)
		found[path] = string(text)
		return err
	}))
	return found
}

func FuzzPieces(f *testing.F) {
	for _, src := range scripts(f) {
		f.Add(src, uint8(1))
	}
	f.Add("select 'a'\n'b'; copy t from stdin;\n1\n\\.\n$a$;$a$ /* ; */", uint8(3))
	f.Fuzz(func(t *testing.T, src string, size uint8) {
		whole, wholeErr := pieces(t, src, max(len(src), 1))
		parts, partsErr := pieces(t, src, int(size)+1)
		require.Equal(t, wholeErr, partsErr)
		require.Equal(t, len(whole), len(parts))
		for i := range whole {
			require.Equal(t, whole[i], parts[i])
		}
		if wholeErr == nil {
			require.Equal(t, src, join(whole))
		}
		statements, err := Split(src)
		if err != nil {
			return
		}
		for _, s := range statements {
			require.True(t, strings.HasPrefix(src[s.Offset:], s.SQL))
			_ = s.Class
			if s.Strings == StandardStrings {
				again, err := Split(s.SQL)
				require.NoError(t, err)
				require.Len(t, again, 1)
				require.Equal(t, s.SQL, again[0].SQL)
				require.Equal(t, s.Class, again[0].Class)
			}
			_, err := Parse(s.SQL)
			require.NoError(t, err)
		}
	})
}

func FuzzTokens(f *testing.F) {
	for _, src := range scripts(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		var all strings.Builder
		for tok := range Tokens(src) {
			require.NotEmpty(t, tok.Text)
			all.WriteString(tok.Text)
		}
		require.Equal(t, src, all.String())
		_, err := Parse(src)
		require.NoError(t, err)
	})
}

// FuzzFingerprint puts comments and white space between the tokens of statements, which changes no fingerprint.
func FuzzFingerprint(f *testing.F) {
	for _, src := range scripts(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		all, err := pieces(t, src, max(len(src), 1))
		if err != nil {
			return
		}
		var changed strings.Builder
		for _, p := range all {
			if p.Kind != StatementPiece || p.copy {
				changed.WriteString(p.Text)
				continue
			}
			l := NewLexer(p.Text[p.first:p.last])
			l.SetStrings(p.strings)
			changed.WriteString("\n/* ; */ --'\n")
			for tok := l.Next(); tok.Kind != EOF; tok = l.Next() {
				if tok.Kind == Space {
					changed.WriteString(" \t\r\n/* /* ' */ $a$ */ -- \"\n")
					continue
				}
				if tok.Kind == Comment {
					changed.WriteString("/* another */")
					continue
				}
				changed.WriteString(tok.Text)
			}
			changed.WriteString(" /* end */ " + p.Text[p.last:])
		}
		require.Equal(t, Fingerprint(src), Fingerprint(changed.String()), "%q", changed.String())
	})
}

// FuzzEffects: no statement, however broken, stops the oracle, and what it says has a reason.
func FuzzEffects(f *testing.F) {
	for _, src := range scripts(f) {
		statements, err := Split(src)
		require.NoError(f, err)
		for _, s := range statements {
			f.Add(s.SQL)
		}
	}
	setup := `create table p (id int primary key, a text); create table c (id int references p); create index i on p (a);
		create table t (a int, check (a is not null)) partition by range (a); create table u partition of t default;
		create view v as select * from p; create domain d as text check (value <> ''); create table s.t (a d, b serial)`
	f.Fuzz(func(t *testing.T, sql string) {
		node, err := Parse(sql)
		require.NoError(t, err)
		for _, major := range []Major{13, 18} {
			scene := &Scene{}
			apply(t, scene, setup)
			for _, e := range Effects(node, major, scene) {
				require.NotEmpty(t, e.Reason)
			}
			scene.Apply(node)
			_ = Effects(node, major, scene)
			_ = Effects(node, major, nil)
		}
		require.GreaterOrEqual(t, Since(node), Major(13))
	})
}
