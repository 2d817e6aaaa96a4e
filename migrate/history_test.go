package migrate

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFoldOfNothing(t *testing.T) {
	for _, h := range []History{{}, Fold(nil)} {
		require.True(t, h.Empty())
		require.Equal(t, Version(""), h.Current())
		require.Empty(t, h.InOrder())
		require.Empty(t, h.Interrupted())
		require.Empty(t, h.Failures())
		_, ok := h.Baseline()
		require.False(t, ok)
		_, ok = h.Applied("1")
		require.False(t, ok)
		require.False(t, h.Covers("1"))
	}
	require.Equal(t, History{}.Digest(), Fold(nil).Digest())
}

func TestFoldOrderOfApplication(t *testing.T) {
	m := set("1", "2", "3")
	h := new(ledger).up(m[0], m[2], m[1]).fold()
	require.False(t, h.Empty())
	require.Equal(t, Version("3"), h.Current())
	var keys []string
	for _, r := range h.InOrder() {
		keys = append(keys, r.Entry.Key())
	}
	require.Equal(t, []string{"1", "3", "2"}, keys)
	late, ok := h.Applied("2")
	require.True(t, ok)
	require.True(t, late.OutOfOrder)
	highest, _ := h.Applied("3")
	require.False(t, highest.OutOfOrder)
}

func TestFoldReadsByIDWhateverTheOrder(t *testing.T) {
	m := set("1", "2", "3", "4")
	l := new(ledger).up(m[0], m[1], m[2]).down(m[2], m[1]).up(m[1]).begun(m[2], Up, 1, 2, 3)
	want := l.fold().Digest()
	for range 20 {
		rand.Shuffle(len(l.entries), func(i, j int) { l.entries[i], l.entries[j] = l.entries[j], l.entries[i] })
		require.Equal(t, want, l.fold().Digest())
	}
}

func TestFoldRevertTakesTheHighestAway(t *testing.T) {
	m := set("1", "2", "3")
	l := new(ledger).up(m...).down(m[2])
	require.Equal(t, Version("2"), l.fold().Current())
	l.up(m[2])
	r, _ := l.fold().Applied("3")
	require.False(t, r.OutOfOrder, "after its revert, 3 is in order again")
}

func TestFoldRevertMakesRepeatablesStale(t *testing.T) {
	m, view := set("1"), repeatable("view")
	l := new(ledger).up(m[0], view).down(m[0])
	r, ok := l.fold().Applied("R__view")
	require.True(t, ok)
	require.True(t, r.Stale)
	r, _ = l.up(view).fold().Applied("R__view")
	require.False(t, r.Stale)
	_, ok = l.down(view).fold().Applied("R__view")
	require.False(t, ok)
	require.True(t, l.fold().Empty())
}

func TestFoldBaseline(t *testing.T) {
	l := new(ledger).add(Entry{Event: Baselined, Version: "5", Kind: Baseline, Note: "taken over"})
	h := l.fold()
	require.False(t, h.Empty())
	require.Equal(t, Version("5"), h.Current())
	require.True(t, h.Covers("5"))
	require.False(t, h.Covers("5.1"))
	r, ok := h.Baseline()
	require.True(t, ok)
	require.Equal(t, "taken over", r.Entry.Note)

	l.add(Entry{Event: Baselined, Version: "3", Kind: Baseline})
	require.Equal(t, Version("5"), l.fold().Current(), "a lower baseline changes nothing")
	l.up(baselineOf("7"))
	require.Equal(t, Version("7"), l.fold().Current(), "a baseline that ran counts as one")
	l.add(Entry{Event: Repaired, Version: "7", Kind: Baseline, Checksum: Checksum{Text: "new"}})
	r, _ = l.fold().Baseline()
	require.Equal(t, "new", r.Checksum.Text)
	l.add(Entry{Event: Repaired, Version: "6", Kind: Baseline, Checksum: Checksum{Text: "other"}})
	r, _ = l.fold().Baseline()
	require.Equal(t, "new", r.Checksum.Text)
	require.True(t, new(ledger).up(baselineOf("7")).down(baselineOf("7")).fold().Empty())
	l.add(Entry{Event: Forgotten, Version: "7", Kind: Baseline})
	require.True(t, l.fold().Empty())
}

func TestFoldInterrupted(t *testing.T) {
	m := versioned("1")
	l := new(ledger).begun(m, Up, 1, 2, 3)
	h := l.fold()
	require.False(t, h.Empty())
	i := h.Interrupted()
	require.Len(t, i, 1)
	require.Equal(t, Interrupted{Entry: l.entries[0], Direction: Up, Statements: 3, Done: 1, Doubt: 2}, i[0])
	require.Equal(t, 3, i[0].Next())

	failed := about(m, Failed, Up)
	failed.Statement, failed.Error = 2, "division by zero"
	l.add(failed)
	h = l.fold()
	require.Equal(t, 0, h.Interrupted()[0].Doubt, "an error that was recorded leaves no doubt")
	require.Equal(t, 2, h.Interrupted()[0].Next())
	require.Equal(t, "division by zero", h.Failures()[0].Error)
	require.Equal(t, "division by zero", h.Interrupted()[0].Failure.Error)

	l.up(m)
	h = l.fold()
	require.Empty(t, h.Interrupted())
	require.Empty(t, h.Failures())
}

func TestFoldResolve(t *testing.T) {
	m := versioned("1")
	resolved := func(note string, statement int) Entry {
		return Entry{Event: Resolved, Version: "1", Note: note, Statement: statement}
	}
	h := new(ledger).begun(m, Up, 1, 2, 3).add(resolved("done: it is in the catalog", 0)).fold()
	r, ok := h.Applied("1")
	require.True(t, ok)
	require.Equal(t, m.Up.Checksum.Text, r.Checksum.Text, "the checksum is that of the script that was started")
	require.Equal(t, "m1", r.Entry.Name)
	require.Equal(t, "1_m.up.sql", r.Entry.File)
	require.Empty(t, h.Interrupted())

	own := resolved("done", 0)
	own.Checksum = Checksum{Text: "mine"}
	r, _ = new(ledger).begun(m, Up, 1, 2, 3).add(own).fold().Applied("1")
	require.Equal(t, "mine", r.Checksum.Text)

	h = new(ledger).begun(m, Up, 1, 2, 3).add(resolved("undone", 0)).fold()
	require.True(t, h.Empty())

	h = new(ledger).begun(m, Up, 1, 2, 3).add(resolved("resume", 0)).fold()
	require.Equal(t, 2, h.Interrupted()[0].Next())
	require.Zero(t, h.Interrupted()[0].Doubt)
	h = new(ledger).begun(m, Up, 1, 2, 3).add(resolved("resume", 3)).fold()
	require.Equal(t, 3, h.Interrupted()[0].Next())

	down := new(ledger).up(m).begun(m, Down, 1, 2, 3)
	h = down.fold()
	_, ok = h.Applied("1")
	require.True(t, ok, "an interrupted down is still applied")
	require.Equal(t, Down, h.Interrupted()[0].Direction)
	require.True(t, down.add(resolved("done", 0)).fold().Empty())

	h = new(ledger).up(m).add(resolved("done", 0)).fold()
	require.Len(t, h.InOrder(), 1, "there was nothing to resolve")
}

func TestFoldRepairAndForget(t *testing.T) {
	m := set("1", "2")
	l := new(ledger).up(m...).add(Entry{Event: Repaired, Version: "1", Checksum: Checksum{Text: "new", SQL: "sql"}})
	r, _ := l.fold().Applied("1")
	require.Equal(t, Checksum{Text: "new", SQL: "sql"}, r.Checksum)
	require.Equal(t, m[0].Up.Checksum.Text, r.Entry.Checksum.Text)
	l.add(Entry{Event: Forgotten, Version: "2"}).add(Entry{Event: Repaired, Version: "2"}).add(Entry{Event: Forgotten, Version: "9"})
	require.Equal(t, Version("1"), l.fold().Current())
}

func TestFoldAdopted(t *testing.T) {
	h := new(ledger).add(Entry{Event: Adopted, Version: "3"}).add(Entry{Event: Adopted, Version: "1"}).fold()
	require.Equal(t, Version("3"), h.Current())
	r, _ := h.Applied("1")
	require.False(t, r.OutOfOrder, "another tool's order is not ours to judge")
}

func TestDigestIsOfTheStateAlone(t *testing.T) {
	m := set("1", "2")
	plain := new(ledger).up(m...).fold().Digest()
	failed := new(ledger).up(m[0]).add(about(m[1], Failed, Up)).up(m[1]).fold()
	require.Equal(t, plain, failed.Digest())
	require.NotEqual(t, plain, new(ledger).up(m[1], m[0]).fold().Digest())
	require.NotEqual(t, plain, new(ledger).up(m...).begun(versioned("3"), Up, 0, 0, 1).fold().Digest())
	require.NotEqual(t, plain, new(ledger).up(m...).up(baselineOf("1")).fold().Digest())
}
