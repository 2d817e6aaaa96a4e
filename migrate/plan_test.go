package migrate

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func plan(t *testing.T, m []*Migration, l *ledger, r Request) *Plan {
	t.Helper()
	p, err := NewPlan(m, l.fold(), r)
	require.NoError(t, err)
	return p
}

func refused(t *testing.T, rule error, m []*Migration, l *ledger, r Request) *Refusal {
	t.Helper()
	_, err := NewPlan(m, l.fold(), r)
	require.ErrorIs(t, err, rule)
	var refusal *Refusal
	require.ErrorAs(t, err, &refusal)
	return refusal
}

func to(v Version) *Version { return &v }

func TestPlanUp(t *testing.T) {
	m := append(set("2", "1", "10", "1.5"), repeatable("b"), repeatable("a"))
	p := plan(t, m, new(ledger), Request{})
	require.Equal(t, "+1 +1.5 +2 +10 +R__a +R__b", names(p))
	require.Equal(t, Up, p.Direction)
	require.Equal(t, Version(""), p.From)
	require.Equal(t, Version("10"), p.To)

	p = plan(t, m, new(ledger), Request{To: to("2")})
	require.Equal(t, "+1 +1.5 +2", names(p), "repeatable ones may need what comes after 2")
	require.Equal(t, Version("2"), p.To)
	require.Equal(t, "+1 +1.5 +2 +10 +R__a +R__b", names(plan(t, m, new(ledger), Request{To: to("10")})))
	require.Equal(t, "+1", names(plan(t, m, new(ledger), Request{Steps: 1})))

	l := new(ledger).run(plan(t, m, new(ledger), Request{}))
	p = plan(t, m, l, Request{})
	require.Empty(t, p.Steps)
	require.Equal(t, Version("10"), p.To)
	require.Empty(t, plan(t, m, l, Request{To: to("1")}).Steps, "already past it")
}

func TestPlanRepeatablesRunAgain(t *testing.T) {
	m := append(set("1"), repeatable("view"))
	l := new(ledger).run(plan(t, m, new(ledger), Request{}))
	withUp(m[1], "CREATE OR REPLACE VIEW view AS SELECT 2;")
	require.Equal(t, "+R__view", names(plan(t, m, l, Request{})))
	withUp(m[1], "-- the same\nCREATE  OR REPLACE view view AS SELECT 1;")
	require.Empty(t, plan(t, m, l, Request{}).Steps, "comments, white space and case do not count")
}

func TestPlanEnvironments(t *testing.T) {
	m := set("1", "2", "3")
	m[1].Header.Environments = []string{"dev", "test"}
	require.Equal(t, "+1 +3", names(plan(t, m, new(ledger), Request{Environment: "production"})))
	require.Equal(t, "+1 +2 +3", names(plan(t, m, new(ledger), Request{Environment: "dev"})))
	require.Equal(t, "-2", names(plan(t, m, new(ledger).up(m[0], m[1]), Request{Environment: "production", Direction: Down})), "what is applied can be reverted everywhere")
}

func TestPlanDepends(t *testing.T) {
	m := append(set("1", "2"), repeatable("a", "R__z"), repeatable("m"), repeatable("z", "1"))
	require.Equal(t, "+1 +2 +R__z +R__a +R__m", names(plan(t, m, new(ledger), Request{})))
	m[1].Header.Depends = []string{"R__z"}
	require.Equal(t, "+1 +R__z +2 +R__a +R__m", names(plan(t, m, new(ledger), Request{})))

	circle := []*Migration{repeatable("a", "R__b"), repeatable("b", "R__c"), repeatable("c", "R__b")}
	r := refused(t, ErrDepends, circle, new(ledger), Request{})
	require.Contains(t, r.Error(), "R__b → R__c → R__b")
	require.Contains(t, r.Error(), "R__c.sql")

	for want, m := range map[string][]*Migration{
		"which no file has":              {repeatable("a", "R__gone")},
		"a higher version":               {{Version: "1", Kind: Versioned, Up: script("1.up.sql", "SELECT 1;"), Header: Header{Depends: []string{"2"}}}, versioned("2")},
		"which is only for dev":          {repeatable("a", "2"), {Version: "2", Kind: Versioned, Up: script("2.up.sql", "SELECT 1;"), Header: Header{Environments: []string{"dev"}}}},
		"which this plan does not apply": {{Version: "1", Kind: Versioned, Up: script("1.up.sql", "SELECT 1;"), Header: Header{Depends: []string{"R__a"}}}, versioned("3"), repeatable("a")},
	} {
		request := Request{}
		if strings.Contains(want, "does not apply") {
			request.To = to("1")
		}
		require.Contains(t, refused(t, ErrDepends, m, new(ledger), request).Error(), want)
	}
	done := append(set("1"), repeatable("a", "0001"))
	require.Equal(t, "+R__a", names(plan(t, done, new(ledger).up(done[0]), Request{})), "applied already, whatever its zeros")
	covered := []*Migration{baselineOf("5"), repeatable("a", "3", "5")}
	require.Equal(t, "+B5 +R__a", names(plan(t, covered, new(ledger), Request{})))
	require.Equal(t, "+R__a", names(plan(t, covered, new(ledger).up(covered[0]), Request{})))
	require.Equal(t, "+R__a", names(plan(t, covered, new(ledger).up(set("1", "3", "5")...), Request{})), "squashed away")
}

func TestPlanOutOfOrder(t *testing.T) {
	m := set("1", "2", "3")
	l := new(ledger).up(m[0], m[2])
	r := refused(t, ErrOutOfOrder, m, l, Request{})
	require.Contains(t, r.Error(), "2_m.up.sql")
	require.Contains(t, r.Error(), "--out-of-order")
	p := plan(t, m, l, Request{Allow: Allowances{OutOfOrder: true}})
	require.Equal(t, "+2", names(p))
	require.True(t, p.Steps[0].OutOfOrder)
	require.Equal(t, Version("3"), p.To)
	m[1].Header.Allow = []Allowance{{Hazard: "out-of-order", Reason: "a hot fix"}}
	require.Equal(t, "+2", names(plan(t, m, l, Request{})))
}

func TestPlanChangedAndMissing(t *testing.T) {
	m := set("1", "2", "3")
	l := new(ledger).up(m[0], m[1])
	withUp(m[0], "CREATE TABLE other ();")
	_, err := NewPlan(append(m[:1:1], m[2]), l.fold(), Request{})
	require.ErrorIs(t, err, ErrChanged)
	require.ErrorIs(t, err, ErrMissing)
	for _, part := range []string{"1_m.up.sql", "2_m.up.sql", "kedge repair", "--allow changed", "--allow missing"} {
		require.ErrorContains(t, err, part)
	}
	require.Equal(t, "+3", names(plan(t, append(m[:1:1], m[2]), l, Request{Allow: Allowances{Changed: true, Missing: true}})))
	withUp(m[0], "/* why */ CREATE TABLE t1 ( ) ;\r\n")
	require.Equal(t, "+3", names(plan(t, m, l, Request{})))
	l.up(repeatable("gone"))
	require.Equal(t, "+3", names(plan(t, m, l, Request{})), "a repeatable one without a file stops nothing")
}

func TestPlanBaseline(t *testing.T) {
	m := append(set("1", "2", "3", "4"), baselineOf("2"), baselineOf("3"))
	require.Equal(t, "+B3 +4", names(plan(t, m, new(ledger), Request{})))
	p := plan(t, m, new(ledger), Request{To: to("2")})
	require.Equal(t, "+B2", names(p))
	require.Equal(t, Version("2"), p.To)
	require.Equal(t, "+1", names(plan(t, m, new(ledger), Request{To: to("1")})))
	require.Equal(t, "+2 +3 +4", names(plan(t, m, new(ledger).up(m[0]), Request{})), "a database with versions goes on with them")
	l := new(ledger).up(m[5])
	require.Equal(t, "+4", names(plan(t, m, l, Request{})))
	require.Equal(t, "", names(plan(t, m, l, Request{Direction: Down})))
	require.Contains(t, refused(t, ErrNoDown, m, l, Request{Direction: Down, To: to("1")}).Error(), "below the baseline 3")
	squashed := append(set("4"), baselineOf("3"))
	require.Equal(t, "+4", names(plan(t, squashed, new(ledger).up(set("1", "2", "3")...), Request{})), "the baseline holds the files that are gone")
}

func TestPlanDown(t *testing.T) {
	m := append(set("1", "2", "3"), repeatable("view"), repeatable("needs3", "3"))
	m[3].Down, m[4].Down = script("R__view.down.sql", "DROP VIEW view;"), script("R__needs3.down.sql", "DROP VIEW needs3;")
	l := new(ledger).up(m[0], m[2], m[1], m[3], m[4])
	down := func(r Request) string {
		r.Direction = Down
		return names(plan(t, m, l, r))
	}
	require.Equal(t, "-2", down(Request{}), "the last one applied")
	require.Equal(t, "-R__needs3 -2 -3", down(Request{Steps: 2}), "what depends on a version goes before it")
	require.Equal(t, "-R__needs3 -2 -3", down(Request{To: to("1")}))
	require.Equal(t, "-R__needs3 -3", down(Request{To: to("2")}), "2 stays, although it was applied after 3")
	require.Equal(t, "-R__needs3 -R__view -2 -3 -1", down(Request{All: true}))
	require.Equal(t, "-R__needs3 -R__view -2 -3 -1", down(Request{To: to("")}))
	require.Equal(t, "", down(Request{To: to("3")}))
	p := plan(t, m, l, Request{Direction: Down, To: to("1")})
	require.Equal(t, [2]Version{"3", "1"}, [2]Version{p.From, p.To})
	require.Equal(t, Version(""), plan(t, m, l, Request{Direction: Down, All: true}).To)
	require.Empty(t, plan(t, m, new(ledger), Request{Direction: Down}).Steps)
}

func TestPlanDownWithoutScript(t *testing.T) {
	m := set("1", "2")
	m[1].Down = nil
	l := new(ledger).up(m...)
	require.Contains(t, refused(t, ErrNoDown, m, l, Request{Direction: Down, All: true}).Error(), "2_m.up.sql")
	kept := script("2_m.down.sql", "DROP TABLE kept;")
	r := Request{Direction: Down, KeptDown: func(e Entry) (*Script, error) {
		require.Equal(t, Version("2"), e.Version)
		return kept, nil
	}}
	p := plan(t, m, l, r)
	require.Same(t, kept, p.Steps[0].Script)
	p = plan(t, nil, l, r)
	require.Equal(t, "-2", names(p), "without any file")
	require.Same(t, kept, p.Steps[0].Script)
	require.Equal(t, "m2", p.Steps[0].Migration.Name)

	broken := errors.New("broken")
	r.KeptDown = func(Entry) (*Script, error) { return nil, broken }
	_, err := NewPlan(nil, l.fold(), r)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "of 2 from history")
	r.KeptDown = func(Entry) (*Script, error) { return nil, nil }
	refused(t, ErrNoDown, nil, l, r)
}

func TestPlanDownOfAChangedFileTakesHistorysScript(t *testing.T) {
	m := set("1")
	l := new(ledger).up(m...)
	withUp(m[0], "CREATE TABLE t1 (added int);")
	kept := script("1_m.down.sql", "DROP TABLE as_applied;")
	r := Request{Redo: true, KeptDown: func(Entry) (*Script, error) { return kept, nil }}
	p := plan(t, m, l, r)
	require.Equal(t, "-1 +1", names(p))
	require.Same(t, kept, p.Steps[0].Script)
	require.Same(t, m[0].Up, p.Steps[1].Script)
	r.KeptDown = nil
	require.Same(t, m[0].Down, plan(t, m, l, r).Steps[0].Script, "the only one there is")
}

func TestPlanRedo(t *testing.T) {
	m := append(set("1", "2"), repeatable("view"))
	l := new(ledger).up(m...)
	p := plan(t, m, l, Request{Redo: true})
	require.Equal(t, "-2 +2 +R__view", names(p))
	require.Equal(t, Version("2"), p.To)
	require.Empty(t, plan(t, m, new(ledger), Request{Redo: true}).Steps)
	kept := Request{Redo: true, KeptDown: func(Entry) (*Script, error) { return m[1].Down, nil }}
	refused(t, ErrMissing, m[:1], l, kept)
	refused(t, ErrInterrupted, m, new(ledger).up(m[0]).begun(m[1], Up, 0, 1, 2), Request{Redo: true})
	m[1].Header.Depends = []string{"R__none"}
	refused(t, ErrDepends, m, l, Request{Redo: true})
	m[1].Down = nil
	refused(t, ErrNoDown, m, l, Request{Redo: true})
}

const twoIndexes = "CREATE INDEX CONCURRENTLY a ON t (a);\nCREATE INDEX CONCURRENTLY b ON t (b);\nSELECT 1;"

func TestPlanResume(t *testing.T) {
	m := set("1", "2", "3")
	withUp(m[1], twoIndexes)
	l := new(ledger).up(m[0]).begun(m[1], Up, 1, 0, 3)
	p := plan(t, m, l, Request{})
	require.Equal(t, "+2 +3", names(p))
	require.Equal(t, 2, p.Steps[0].Resume)
	require.False(t, p.Steps[0].Doubt)
	require.Zero(t, p.Steps[1].Resume)

	l = new(ledger).up(m[0]).begun(m[1], Up, 1, 2, 3)
	p = plan(t, m, l, Request{Steps: 1})
	require.Equal(t, 3, p.Steps[0].Resume, "the statement before it is the one in doubt")
	require.True(t, p.Steps[0].Doubt)

	require.Contains(t, refused(t, ErrInterrupted, m, l, Request{Direction: Down}).Error(), "statement 2 took effect is not known")
	require.Contains(t, refused(t, ErrInterrupted, m, l, Request{To: to("1")}).Error(), "kedge resolve 2")
	require.Contains(t, refused(t, ErrInterrupted, append(m[:1:1], m[2]), l, Request{}).Error(), "its script is gone")

	withUp(m[1], twoIndexes+"\nSELECT 2;")
	require.Contains(t, refused(t, ErrInterrupted, m, l, Request{}).Error(), "its SQL has changed since")
	withUp(m[1], "-- said otherwise\n"+twoIndexes)
	require.Equal(t, 3, plan(t, m, l, Request{}).Steps[0].Resume)
	withUp(m[1], "SELECT 'put right';")
	nothing := new(ledger).up(m[0])
	start := about(m[1], Started, Up)
	start.Checksum = Checksum{Text: "other"}
	require.Equal(t, 1, plan(t, m, nothing.add(start), Request{}).Steps[0].Resume, "nothing was done: the file may change")
	other := start
	other.Event, other.Statement, other.Checksum = StatementDone, 1, m[1].Up.Checksum
	require.Equal(t, 2, plan(t, m, nothing.add(other), Request{}).Steps[0].Resume, "and the run goes on with the file as it was put right")
	m[1].Up.Checksum.Text = "different"
	half := new(ledger).add(start)
	done := start
	done.Event, done.Statement = StatementDone, 1
	refused(t, ErrInterrupted, m, half.add(done), Request{})
}

func TestPlanResumeDown(t *testing.T) {
	m := set("1", "2")
	m[1].Down = script("2_m.down.sql", twoIndexes)
	l := new(ledger).up(m...).begun(m[1], Down, 1, 0, 3)
	p := plan(t, m, l, Request{Direction: Down})
	require.Equal(t, "-2", names(p))
	require.Equal(t, 2, p.Steps[0].Resume)
	require.Equal(t, "-2 -1", names(plan(t, m, l, Request{Direction: Down, Steps: 2})))
	require.Equal(t, "-2 -1", names(plan(t, m, l, Request{Direction: Down, All: true})))
	refused(t, ErrInterrupted, m, l, Request{})
	m[1].Down = nil
	refused(t, ErrInterrupted, m, l, Request{Direction: Down})
	failing := Request{Direction: Down, KeptDown: func(Entry) (*Script, error) { return nil, errors.New("lost") }}
	_, err := NewPlan(m, l.fold(), failing)
	require.ErrorContains(t, err, "lost")
}

func TestPlanResumeBaseline(t *testing.T) {
	b := baselineOf("5")
	m := append(set("5", "6"), b)
	l := new(ledger).begun(b, Up, 0, 1, 2)
	p := plan(t, m, l, Request{})
	require.Equal(t, "+B5 +6", names(p))
	require.Equal(t, 2, p.Steps[0].Resume)
}

func TestPlanUnknownVersion(t *testing.T) {
	m := set("1", "3")
	r := refused(t, ErrUnknownVersion, m, new(ledger), Request{To: to("2")})
	require.Contains(t, r.Error(), "the nearest versions are 1 and 3")
	r = refused(t, ErrUnknownVersion, m, new(ledger).up(versioned("7")), Request{Direction: Down, To: to("9")})
	require.Contains(t, r.Error(), "the nearest version is 7")
	r = refused(t, ErrUnknownVersion, nil, new(ledger), Request{To: to("2")})
	require.Contains(t, r.Error(), "no versions at all")
	l := new(ledger).add(Entry{Event: Baselined, Version: "5", Kind: Baseline})
	require.Empty(t, plan(t, m, l, Request{To: to("5")}).Steps)
}

func TestPlanRequestsThatContradict(t *testing.T) {
	for _, r := range []Request{
		{Steps: -1}, {All: true}, {Redo: true, Steps: 1}, {Direction: Down, Steps: 1, All: true}, {To: to("1"), Steps: 1},
	} {
		refused(t, ErrRequest, set("1"), new(ledger), r)
	}
}

func TestPlanDuplicates(t *testing.T) {
	a, b := versioned("1"), versioned("1")
	b.Up = script("0001_other.up.sql", "SELECT 1;")
	r := refused(t, ErrDuplicate, []*Migration{a, b}, new(ledger), Request{})
	require.Contains(t, r.Error(), "0001_other.up.sql")
	require.Contains(t, r.Error(), "1_m.up.sql")
	plan(t, []*Migration{versioned("1"), baselineOf("1")}, new(ledger), Request{})
}

func TestPlanTransactions(t *testing.T) {
	for text, want := range map[string]struct {
		transactional, enclosed bool
		reason                  string
		count                   int
	}{
		"CREATE TABLE a (); CREATE TABLE b ();":                  {true, false, "", 2},
		"SELECT 1;\n-- x\nCREATE INDEX CONCURRENTLY i ON t (a);": {false, false, "CREATE INDEX CONCURRENTLY on line 3", 2},
		"VACUUM t;":                                {false, false, "VACUUM on line 1", 1},
		"BEGIN; CREATE TABLE a (); COMMIT;":        {true, true, "", 1},
		"BEGIN; SELECT 1; COMMIT; SELECT 2;":       {false, false, "BEGIN on line 1", 4},
		"BEGIN; SELECT 1; COMMIT;\nBEGIN; COMMIT;": {false, false, "BEGIN on line 1", 5},
		"SAVEPOINT a;":                             {false, false, "SAVEPOINT on line 1", 1},
		"BEGIN; VACUUM; COMMIT;":                   {false, false, "VACUUM on line 1", 3},
		"-- nothing to do":                         {true, false, "", 0},
	} {
		for _, make := range []func(*Script) *Script{func(s *Script) *Script { return s }, func(s *Script) *Script {
			s.Size = InlineLimit + 1
			return streamed(s)
		}} {
			m := versioned("1")
			m.Up = make(script("1.up.sql", text))
			p := plan(t, []*Migration{m}, new(ledger), Request{})
			s := p.Steps[0]
			require.Equal(t, want.transactional, s.Transactional, text)
			require.Equal(t, want.reason, s.Reason, text)
			require.Equal(t, want.enclosed, s.Enclosed, text)
			require.Equal(t, want.count, s.Count, text)
			if m.Up.Text != "" {
				require.Len(t, s.Statements, want.count, text)
			} else {
				require.Nil(t, s.Statements)
			}
		}
	}
}

func TestPlanKnowsBothChecksums(t *testing.T) {
	m := set("1", "2", "3")
	streamed(m[1].Up)
	m[2].Up.Original = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("SELECT ${x};")), nil }
	p := plan(t, m, new(ledger), Request{})
	for i, text := range []string{"CREATE TABLE t1 ();", "CREATE TABLE t2 ();", "SELECT ${x};"} {
		want, err := SQLChecksum(strings.NewReader(text))
		require.NoError(t, err)
		require.Equal(t, want, p.Steps[i].Script.Checksum.SQL, "for history to keep")
	}
	m[2].Up = script("3.sql", "SELECT 1;")
	m[2].Up.Original = func() (io.ReadCloser, error) { return nil, io.ErrClosedPipe }
	_, err := NewPlan(m, History{}, Request{})
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestPlanTransactionHeader(t *testing.T) {
	m := versioned("1")
	m.Up = script("1.up.sql", "BEGIN; SELECT 1; COMMIT;")
	m.Up.Header.Transaction = Off
	s := plan(t, []*Migration{m}, new(ledger), Request{}).Steps[0]
	require.False(t, s.Transactional)
	require.Contains(t, s.Reason, "transaction=off")
	require.Len(t, s.Statements, 3, "its own transaction is then the only one")
	m.Up.Header.Transaction = On
	require.True(t, plan(t, []*Migration{m}, new(ledger), Request{}).Steps[0].Transactional)
	m.Up = script("1.up.sql", "VACUUM;")
	m.Up.Header.Transaction = On
	require.Contains(t, refused(t, ErrTransaction, []*Migration{m}, new(ledger), Request{}).Error(), "VACUUM on line 1")
}

func TestPlanNamesEveryScriptThatCannotBeRead(t *testing.T) {
	m := set("1", "2", "3", "4")
	withUp(m[0], "SELECT 'open;")
	m[1].Up = script("both.sql", "SELECT 1;\n\\connect other\n")
	m[1].Up.Line = 11
	m[2].Up = streamed(script("3.up.sql", "SELECT 1;"))
	m[3].Up = nil
	_, err := NewPlan(m, History{}, Request{})
	var se *ScriptError
	require.ErrorAs(t, err, &se)
	require.ErrorContains(t, err, "1_m.up.sql:1:8: this quoted string has no end")
	require.ErrorContains(t, err, `both.sql:12:1: psql command \connect`)
	require.ErrorContains(t, err, "4_m.down.sql): it has no up script")
	require.NotContains(t, err.Error(), "3.up.sql")
}

func TestPlanGoFunctions(t *testing.T) {
	m := versioned("1")
	m.Up = &Script{Run: &Function{}, Checksum: Checksum{Text: "declared"}}
	require.True(t, plan(t, []*Migration{m}, new(ledger), Request{}).Steps[0].Transactional)
	sum, err := m.Up.Sum()
	require.NoError(t, err)
	require.Equal(t, "declared", sum.Text)
}

// world is a random set of migrations and a random history of it.
func world(r *rand.Rand) ([]*Migration, *ledger) {
	var m []*Migration
	for n := range 1 + r.IntN(12) {
		if r.IntN(3) > 0 {
			m = append(m, versioned([]string{"1", "2", "2.1", "3", "10", "11.5", "12", "20260101", "20260102", "7", "8", "9"}[n]))
		}
	}
	for _, name := range []string{"a", "b", "c"} {
		if r.IntN(2) == 0 {
			var depends []string
			if len(m) > 0 && m[0].Kind == Versioned && r.IntN(2) == 0 {
				depends = append(depends, m[0].Key())
			}
			m = append(m, repeatable(name, depends...))
		}
	}
	l := new(ledger)
	for range r.IntN(4) {
		request := Request{Allow: Allowances{OutOfOrder: true}, Direction: []Direction{Up, Down}[r.IntN(2)], Steps: 1 + r.IntN(4)}
		part := slices.DeleteFunc(slices.Clone(m), func(o *Migration) bool { return o.Kind == Versioned && r.IntN(4) == 0 })
		if p, err := NewPlan(part, l.fold(), request); err == nil {
			l.run(p)
		}
	}
	return m, l
}

func TestPlannerLaws(t *testing.T) {
	allow := Allowances{OutOfOrder: true}
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		m, l := world(r)
		before := l.fold()
		up := plan(t, m, l, Request{Allow: allow})

		shuffled := slices.Clone(m)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		require.Equal(t, up.Digest(), plan(t, shuffled, l, Request{Allow: allow}).Digest(), "seed %d: independent of input order", seed)
		require.Equal(t, names(up), names(plan(t, m, l, Request{Allow: allow})), "seed %d: pure", seed)

		l.run(up)
		after := l.fold()
		require.Equal(t, up.To, after.Current(), "seed %d: to where the plan said", seed)
		require.Empty(t, plan(t, m, l, Request{}).Steps, "seed %d: nothing is left to do", seed)
		for _, s := range States(m, after, "") {
			require.Equal(t, StateApplied, s.State, "seed %d: %s", seed, s.Version)
		}

		n := 0
		for _, s := range up.Steps {
			if s.Migration.Kind == Versioned {
				n++
			}
		}
		if n > 0 {
			down := plan(t, m, l, Request{Direction: Down, Steps: n})
			l.run(down)
			back := l.fold()
			require.Equal(t, down.To, back.Current(), "seed %d", seed)
			require.Equal(t, applied(before), applied(back), "seed %d: up then down returns", seed)
		}
		l.run(plan(t, m, l, Request{Direction: Down, All: true}))
		require.Equal(t, Version(""), l.fold().Current(), "seed %d: all the way down", seed)
	}
}

func applied(h History) []string {
	keys := []string{}
	for _, r := range h.InOrder() {
		if r.Entry.Kind != Repeatable {
			keys = append(keys, r.Entry.Key())
		}
	}
	return keys
}
