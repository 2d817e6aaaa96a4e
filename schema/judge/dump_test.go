package judge_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/schema/judge"
)

func textDiff(wanted, have string) string {
	return string(diff.Diff("wanted", []byte(wanted), "have", []byte(have)))
}

const tableDump = `--
-- PostgreSQL database dump
--

\restrict abc

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: t; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.t (
    a integer,
    b text
);
ALTER TABLE ONLY public.t ALTER COLUMN a SET STATISTICS 5;
ALTER TABLE ONLY public.t ALTER COLUMN b SET STORAGE EXTERNAL;

--
-- Name: COLUMN t.a; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON COLUMN public.t.a IS 'a';

--
-- PostgreSQL database dump complete
--

\unrestrict abc
`

const reordered = `--
-- PostgreSQL database dump
--

\restrict xyz

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: COLUMN t.a; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON COLUMN public.t.a IS 'a';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: t; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.t (
    b text,
    a integer
);
ALTER TABLE ONLY public.t ALTER COLUMN b SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.t ALTER COLUMN a SET STATISTICS 5;
`

func TestNormaliseForgivesOrder(t *testing.T) {
	require.Empty(t, judge.Difference(tableDump, reordered))
}

func TestNormaliseForgivesNothingElse(t *testing.T) {
	for _, change := range [][2]string{
		{"integer", "bigint"},
		{"SET STATISTICS 5", "SET STATISTICS 6"},
		{"IS 'a'", "IS 'b'"},
		{"access_method = heap", "access_method = heap2"},
		{"default_tablespace = ''", "default_tablespace = fast"},
		{"Owner: postgres\n--\n\nCREATE", "Owner: other\n--\n\nCREATE"},
		{"a integer", "a integer NOT NULL"},
	} {
		changed := replaceOnce(t, reordered, change[0], change[1])
		require.NotEmpty(t, judge.Difference(tableDump, changed), "%s to %s", change[0], change[1])
	}
}

func replaceOnce(t *testing.T, text, from, to string) string {
	t.Helper()
	at := len(text)
	for i := range text {
		if len(text)-i >= len(from) && text[i:i+len(from)] == from {
			at = i
			break
		}
	}
	require.Less(t, at, len(text), "%q is not there", from)
	return text[:at] + to + text[at+len(from):]
}

func TestReadPairs(t *testing.T) {
	file := func(text string) fstest.MapFS { return fstest.MapFS{"f/n.txtar": {Data: []byte(text)}} }
	pairs, err := judge.ReadPairs(file("What.\n-- old.sql --\nA\n-- new.sql --\nB\n-- rows.sql --\nR\n-- options --\nlost: public.t.a public.u\nlost-back: x\nback: none there is no way\nmajor: 15\n"))
	require.NoError(t, err)
	require.Equal(t, []judge.Pair{{Family: "f", Name: "n", Doc: "What.", Old: "A\n", New: "B\n", Rows: "R\n",
		Lost: []string{"public.t.a", "public.u"}, LostBack: []string{"x"}, Back: judge.BackNone, Major: 15}}, pairs)
	require.Equal(t, "f/n", pairs[0].String())
	for _, bad := range []string{"-- old.sql --\n", "-- old.sql --\n-- new.sql --\n-- more --\n", "-- old.sql --\n-- new.sql --\n-- options --\nback: to front\n",
		"-- old.sql --\n-- new.sql --\n-- options --\nmajor: x\n"} {
		_, err := judge.ReadPairs(file(bad))
		require.ErrorContains(t, err, "f/n.txtar", bad)
	}
}

func TestCorpusIsLarge(t *testing.T) {
	pairs := readPairs(t)
	require.Greater(t, len(pairs), 300)
	families := map[string]bool{}
	for _, p := range pairs {
		families[p.Family] = true
		require.NotEmpty(t, p.Doc, p)
	}
	require.Greater(t, len(families), 25)
}

func TestNormaliseForgivesDefaultsApart(t *testing.T) {
	table := func(column string) string {
		return "--\n-- Name: a; Type: TABLE; Schema: s; Owner: o\n--\n\nCREATE TABLE s.a (\n    n integer,\n    id " + column + ",\n    \"x y\" text\n);\n\n"
	}
	apart := "--\n-- Name: a id; Type: DEFAULT; Schema: s; Owner: o\n--\n\nALTER TABLE ONLY s.a ALTER COLUMN id SET DEFAULT nextval('s.y'::regclass);\n\n"
	for column, in := range map[string]string{
		"integer":          "integer DEFAULT nextval('s.y'::regclass)",
		"integer NOT NULL": "integer DEFAULT nextval('s.y'::regclass) NOT NULL",
		"integer CONSTRAINT \"odd one\" NOT NULL": "integer DEFAULT nextval('s.y'::regclass) CONSTRAINT \"odd one\" NOT NULL",
	} {
		require.Equal(t, judge.Normalise(table(in)), judge.Normalise(table(column)+apart))
		require.NotEqual(t, judge.Normalise(table(in)), judge.Normalise(table(column)))
	}
	other := strings.ReplaceAll(apart, "s.a", "s.b")
	require.Contains(t, judge.Normalise(table("integer")+other), "ALTER TABLE ONLY s.b ALTER COLUMN id SET DEFAULT")
}
