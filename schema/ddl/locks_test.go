package ddl

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// measurement is one block of testdata/locks/measured.txt.
type measurement struct {
	name        string
	first, last Major
	setup       []string
	sql         string
	result      string
}

func measurements(t testing.TB) []measurement {
	t.Helper()
	text, err := os.ReadFile("testdata/locks/measured.txt")
	require.NoError(t, err)
	var all []measurement
	for block := range strings.SplitSeq(string(text), "\n\n") {
		var m measurement
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case m.name == "":
				name, versions, ok := strings.Cut(line, " ")
				require.True(t, ok, line)
				from, to, ranged := strings.Cut(versions, "-")
				if !ranged {
					to = from
				}
				first, err := strconv.Atoi(from)
				require.NoError(t, err, line)
				last, err := strconv.Atoi(to)
				require.NoError(t, err, line)
				m.name, m.first, m.last = name, Major(first), Major(last)
			case strings.HasPrefix(line, "+ "):
				m.setup = append(m.setup, line[2:])
			case strings.HasPrefix(line, "= "):
				m.result = line[2:]
			default:
				m.sql += line
			}
		}
		if m.name != "" {
			all = append(all, m)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// measured is what a statement did, or what the oracle says that it does, in the form in which the two are compared.
type measured struct {
	locks   map[string]LockMode // by table, view, sequence …
	indexes map[LockMode]int    // how many indexes
	rewrite []string
	scan    []string
	builds  int
	any     LockMode // on a relation that the oracle cannot name
}

var modeByAbbreviation = map[string]LockMode{
	"AS": AccessShare, "RS": RowShare, "RX": RowExclusive, "SUE": ShareUpdateExclusive, "S": Share,
	"SRE": ShareRowExclusive, "E": Exclusive, "AE": AccessExclusive,
}

// parseMeasured reads a result. Locks that the oracle leaves out by contract are left out here: those on TOAST tables
// and those that reading and writing rows takes on indexes; and so are writes to sequences.
func parseMeasured(t *testing.T, result string) measured {
	t.Helper()
	m := measured{locks: map[string]LockMode{}, indexes: map[LockMode]int{}}
	if result == "nothing" {
		return m
	}
	for part := range strings.SplitSeq(result, "; ") {
		what, value, ok := strings.Cut(part, " ")
		require.True(t, ok, part)
		switch what {
		case "locks":
			for lock := range strings.FieldsSeq(value) {
				name, mode, _ := strings.Cut(lock, ":")
				mode, count, _ := strings.Cut(mode, "*")
				require.Contains(t, modeByAbbreviation, mode)
				switch {
				case name == "toast":
				case name == "idx":
					if modeByAbbreviation[mode] > RowExclusive {
						n, err := strconv.Atoi(count)
						require.NoError(t, err)
						m.indexes[modeByAbbreviation[mode]] += n
					}
				default:
					name, _, _ = strings.Cut(name, "(")
					m.locks[name] = modeByAbbreviation[mode]
				}
			}
		case "rewrite":
			for name := range strings.SplitSeq(value, ",") {
				if !strings.Contains(name, "(S)") {
					m.rewrite = append(m.rewrite, strings.TrimSpace(name))
				}
			}
		case "scan":
			for name := range strings.SplitSeq(value, ",") {
				name, _, _ = strings.Cut(name, "=")
				m.scan = append(m.scan, name)
			}
		case "builds":
			n, err := strconv.Atoi(value)
			require.NoError(t, err)
			m.builds = n
		default:
			t.Fatalf("unknown result %q", part)
		}
	}
	return m
}

// claims turns effects into the form of a measurement.
func claims(effects []Effect) (m measured, isAssumed bool) {
	m = measured{locks: map[string]LockMode{}, indexes: map[LockMode]int{}}
	for _, e := range effects {
		isAssumed = isAssumed || e.Assumed
		if e.Kind == Index {
			if e.Mode > RowExclusive {
				m.indexes[e.Mode]++
			}
			continue
		}
		if e.Object.IsZero() {
			m.any = max(m.any, e.Mode)
			continue
		}
		if e.Mode != NoLock {
			m.locks[e.Object.Name] = max(m.locks[e.Object.Name], e.Mode)
		}
		if e.Rewrite || e.Emptied {
			m.rewrite = append(m.rewrite, e.Object.Name)
		}
		if e.Scan {
			m.scan = append(m.scan, e.Object.Name)
		}
		m.builds += e.Builds
	}
	slices.Sort(m.rewrite)
	slices.Sort(m.scan)
	return m, isAssumed
}

// difference says where the oracle disagrees with what was measured; a claim that is marked as assumed may say more.
func difference(want, got measured, isAssumed bool) string {
	var diffs []string
	add := func(format string, args ...any) { diffs = append(diffs, fmt.Sprintf(format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(want.locks)) {
		if got.locks[name] != want.locks[name] && !(isAssumed && max(got.any, got.locks[name]) >= want.locks[name]) {
			add("%s: %v measured, %v said", name, want.locks[name], got.locks[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got.locks)) {
		if want.locks[name] == NoLock && !isAssumed {
			add("%s: %v said, none measured", name, got.locks[name])
		}
	}
	if !maps.Equal(want.indexes, got.indexes) && !isAssumed {
		add("indexes: %v measured, %v said", want.indexes, got.indexes)
	}
	covers := func(got, want []string) bool {
		if !isAssumed {
			return slices.Equal(slices.Sorted(slices.Values(want)), got)
		}
		return !slices.ContainsFunc(want, func(name string) bool { return !slices.Contains(got, name) })
	}
	if !covers(got.rewrite, want.rewrite) {
		add("rewrite: %v measured, %v said", want.rewrite, got.rewrite)
	}
	if !covers(got.scan, want.scan) {
		add("scan: %v measured, %v said", want.scan, got.scan)
	}
	if got.builds != want.builds && !(isAssumed && got.builds > want.builds) {
		add("index builds: %d measured, %d said", want.builds, got.builds)
	}
	return strings.Join(diffs, "; ")
}

// fixture is the scene of testdata/locks/fixture.sql, read from its own text.
func fixture(t testing.TB, setup ...string) *Scene {
	t.Helper()
	text, err := os.ReadFile("testdata/locks/fixture.sql")
	require.NoError(t, err)
	scene := &Scene{TimeZone: "UTC"}
	apply(t, scene, string(text))
	for _, sql := range setup {
		apply(t, scene, sql)
	}
	for _, r := range scene.Relations {
		r.Made = false
	}
	return scene
}

func apply(t testing.TB, scene *Scene, sql string) {
	t.Helper()
	statements, err := Split(sql)
	require.NoError(t, err)
	for _, s := range statements {
		node, err := s.Parse()
		require.NoError(t, err)
		scene.Apply(node)
	}
}

var tableOfError = regexp.MustCompile(`^(setup: ERROR: +)?syntax error`)

// TestEffectsAgreeWithMeasurements compares the oracle with every row that was measured, on every major it was
// measured on. Where a server's grammar refused the statement, Since has to know.
func TestEffectsAgreeWithMeasurements(t *testing.T) {
	var exact, cautious, refused, disagreed int
	for _, m := range measurements(t) {
		if strings.Contains(m.result, "refused ") || strings.HasPrefix(m.result, "refused") {
			refused++
			if tableOfError.MatchString(strings.TrimPrefix(m.result, "refused ")) && m.last < 18 {
				newest := Major(0)
				for _, sql := range append(m.setup, m.sql) {
					node, err := Parse(sql)
					require.NoError(t, err)
					newest = max(newest, Since(node))
				}
				require.Equal(t, m.last+1, newest, "%s: %s", m.name, m.sql)
			}
			continue
		}
		for major := m.first; major <= m.last; major++ {
			scene := fixture(t, m.setup...)
			statements, err := Split(m.sql)
			require.NoError(t, err)
			var effects []Effect
			for _, s := range statements {
				node, err := s.Parse()
				require.NoError(t, err)
				require.LessOrEqual(t, Since(node), major, m.name)
				effects = append(effects, Effects(node, major, scene)...)
				scene.Apply(node)
			}
			want := parseMeasured(t, m.result)
			got, isAssumed := claims(effects)
			if slices.ContainsFunc(effects, func(e Effect) bool { return e.Emptied }) {
				want.scan, want.builds = nil, 0 // the indexes of emptied tables are built from nothing
			}
			if node, _ := Parse(m.sql); isNewTable(node) {
				want.scan = slices.DeleteFunc(want.scan, func(name string) bool { return name == "nt" })
				want.builds = 0
			}
			switch diff := difference(want, got, isAssumed); {
			case diff != "":
				disagreed++
				t.Errorf("%s on %d: %s\n\t%s\n\t%+v", m.name, major, m.sql, diff, effects)
			case isAssumed:
				cautious++
			default:
				exact++
			}
		}
	}
	t.Logf("%d statements on a major agreed exactly, %d with a cautious assumption, %d disagreed; %d rows are refusals",
		exact, cautious, disagreed, refused)
}

// TestOracleIsNoBlanket guards the comparison itself: claims that are wrong have to differ.
func TestOracleIsNoBlanket(t *testing.T) {
	var agreed int
	all := measurements(t)
	for i, m := range all {
		other := all[(i+7)%len(all)]
		if strings.HasPrefix(m.result, "refused") || strings.HasPrefix(other.result, "refused") || m.result == other.result {
			continue
		}
		node, err := Parse(m.sql)
		require.NoError(t, err)
		got, isAssumed := claims(Effects(node, m.last, fixture(t, m.setup...)))
		if difference(parseMeasured(t, other.result), got, isAssumed) == "" {
			agreed++
		}
	}
	require.Less(t, agreed, 12, "claims about one statement agree with measurements of another")
}

func isNewTable(node Node) bool {
	_, ok := node.(*CreateTable)
	return ok
}
