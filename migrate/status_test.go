package migrate

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStates(t *testing.T) {
	m := append(set("1", "2", "3", "4", "5", "6"), repeatable("new"), repeatable("outdated"), repeatable("stale"), repeatable("fine"))
	l := new(ledger).up(m[0], m[1], m[3], versioned("9"), m[8]).down(versioned("4")).up(m[3], m[7], m[9]).up(versioned("0.1"))
	withUp(m[0], "SELECT 'changed';")
	withUp(m[1], "-- said\nCREATE TABLE t2 ();")
	withUp(m[7], "SELECT 'new';")
	m[4].Header.Environments = []string{"dev", "test", "ci"}
	failed := about(m[2], Failed, Up)
	failed.Error = "boom"
	l.add(failed)
	l.begun(m[5], Up, 1, 2, 3)
	list := States(m, l.fold(), "production")
	require.Equal(t, "0.1:missing 1:changed 2:applied 3:out_of_order 4:applied 5:ignored 6:interrupted 9:missing R__fine:applied R__new:pending R__outdated:outdated R__stale:outdated", states(list))
	by := map[Version]Status{}
	for _, s := range list {
		by[s.Version] = s
	}
	require.Contains(t, by["2"].Note, "only comments or white space")
	require.Contains(t, by["9"].Note, "ahead of this checkout")
	require.Contains(t, by["5"].Note, "dev, test and ci")
	require.Equal(t, "boom", by["3"].Error)
	require.Contains(t, by["6"].Note, "after statement 1 of 3; whether statement 2 took effect is not known")
	require.Contains(t, by["4"].Note, "out of order")
	require.Equal(t, "app", by["1"].AppliedBy)
	require.NotNil(t, by["1"].AppliedAt)
	require.Equal(t, "9_m.up.sql", by["9"].File)
	for v, want := range map[Version]bool{"1": true, "2": false, "3": true, "5": false, "6": true, "9": true} {
		require.Equal(t, want, by[v].Attention(), "%s", v)
	}
	require.True(t, by["3"].Pending())
	require.False(t, by["1"].Pending())
}

func TestStatesOfBaselines(t *testing.T) {
	m := append(set("1", "2", "3", "4"), baselineOf("2"), baselineOf("3"))
	require.Equal(t, "1:ignored B2:ignored 2:ignored B3:pending 3:ignored 4:pending", states(States(m, History{}, "")))
	require.Equal(t, "1:baseline B2:ignored 2:baseline B3:baseline 3:baseline 4:pending", states(States(m, new(ledger).up(m[5]).fold(), "")))
	require.Equal(t, "1:applied B2:ignored 2:pending B3:ignored 3:pending 4:pending", states(States(m, new(ledger).up(m[0]).fold(), "")))
	m[5].Header.Environments = []string{"dev"}
	require.Equal(t, "1:ignored B2:pending 2:ignored B3:ignored 3:pending 4:pending", states(States(m, History{}, "ci")))

	declared := new(ledger).add(Entry{Event: Baselined, Version: "2.5", Kind: Baseline, Note: "adopted"}).fold()
	list := States(set("1", "3"), declared, "")
	require.Equal(t, "1:baseline B2.5:baseline 3:pending", states(list))
	require.Equal(t, "adopted", list[1].Note)
	require.Equal(t, "1:baseline 2.5:baseline", states(States(set("1", "2.5"), declared, "")), "its own version is shown once")

	squashed := States(append(set("4"), baselineOf("3")), new(ledger).up(set("1", "3")...).fold(), "")
	require.Equal(t, "1:applied B3:ignored 3:applied 4:pending", states(squashed))
	require.Contains(t, squashed[0].Note, "part of baseline 3")
	require.Equal(t, "B3:interrupted", states(States([]*Migration{baselineOf("3")}, new(ledger).begun(baselineOf("3"), Up, 0, 1, 2).fold(), "")))
}

func TestStatesInterruptedWithoutFile(t *testing.T) {
	l := new(ledger).begun(versioned("1"), Up, 1, 0, 2)
	list := States(nil, l.fold(), "")
	require.Equal(t, "1:interrupted", states(list))
	require.Contains(t, list[0].Note, "its file is missing")
	list = States(nil, new(ledger).up(versioned("1")).begun(versioned("1"), Down, 1, 0, 2).fold(), "")
	require.Equal(t, "1:interrupted", states(list))
	require.Contains(t, list[0].Note, "its down script stopped")
	failed := Entry{Event: Failed, Version: "1", Statement: 2}
	require.Contains(t, States(nil, l.add(failed).fold(), "")[0].Note, "statement 2 failed")
	require.Equal(t, "R__x:missing 9:missing", states(States(nil, new(ledger).up(repeatable("x")).fold(), ""))+" "+states(States(nil, new(ledger).add(Entry{Event: Applied, Version: "9"}).fold(), "")))
	old := new(ledger).add(Entry{Event: Started, Version: "3", Statements: 2})
	require.Equal(t, Versioned, States(nil, old.fold(), "")[0].Kind)
}

func TestStatusJSON(t *testing.T) {
	text, err := json.Marshal(States(set("1"), new(ledger).up(set("1")...).fold(), "")[0])
	require.NoError(t, err)
	require.JSONEq(t, `{"version":"1","name":"m1","kind":"versioned","state":"applied","applied_at":"2026-01-02T03:05:05Z","applied_by":"app","duration_ms":0,"checksum":"`+versioned("1").Up.Checksum.Text+`","file":"1_m.up.sql"}`, string(text))
}
