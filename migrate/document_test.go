package migrate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func keep(t *testing.T, p *Plan) *Document {
	t.Helper()
	text, err := json.Marshal(p)
	require.NoError(t, err)
	d, err := ReadDocument(text)
	require.NoError(t, err)
	require.Equal(t, p.Digest(), d.Digest)
	return d
}

func TestDocumentRoundTrip(t *testing.T) {
	m := append(set("1", "2"), repeatable("view"))
	withUp(m[1], twoIndexes)
	l := new(ledger)
	p := plan(t, m, l, Request{Environment: "production", To: to("2")})
	d := keep(t, p)
	require.NoError(t, d.Check(plan(t, m, l, Request{Environment: "production", To: to("2")})))
	require.Equal(t, *p.Document(), *d)
	require.Equal(t, "CREATE INDEX CONCURRENTLY b ON t (b)", d.Steps[1].Statements[1].SQL)
	require.Equal(t, 2, d.Steps[1].Statements[1].Line)
	require.Equal(t, "2_m.up.sql", d.Steps[1].Statements[1].File)
	require.Contains(t, d.Steps[1].Reason, "CONCURRENTLY")
	keep(t, plan(t, nil, l, Request{}))
}

func TestDocumentTakesWhatOthersAdd(t *testing.T) {
	d := plan(t, set("1"), new(ledger), Request{}).Document()
	d.Steps[0].Statements[0].Locks = []map[string]string{{"mode": "ShareLock"}}
	d.Steps[0].Statements[0].Findings = []string{"a finding"}
	text, err := json.Marshal(d)
	require.NoError(t, err)
	again, err := ReadDocument(text)
	require.NoError(t, err)
	require.NoError(t, again.Check(plan(t, set("1"), new(ledger), Request{})))
}

func TestDocumentEdited(t *testing.T) {
	text, err := json.Marshal(plan(t, set("1"), new(ledger), Request{}))
	require.NoError(t, err)
	for _, edit := range [][2]string{{"CREATE TABLE t1", "DROP TABLE t1"}, {`"transactional":true`, `"transactional":false`}, {`"basis":"`, `"basis":"0`}} {
		edited := strings.Replace(string(text), edit[0], edit[1], 1)
		require.NotEqual(t, string(text), edited)
		_, err = ReadDocument([]byte(edited))
		require.ErrorIs(t, err, ErrPlanEdited)
	}
	_, err = ReadDocument([]byte("{"))
	require.ErrorContains(t, err, "reading the plan")
}

func TestDocumentStale(t *testing.T) {
	m := set("1", "2")
	l := new(ledger)
	d := keep(t, plan(t, m, l, Request{}))
	stale := func(now *Plan, parts ...string) {
		t.Helper()
		err := d.Check(now)
		require.ErrorIs(t, err, ErrPlanStale)
		for _, part := range parts {
			require.ErrorContains(t, err, part)
		}
	}
	stale(plan(t, m, new(ledger).up(m[0]), Request{}), "the database has changed since: it was at version none, now it is at 1", "it is no longer to be run")
	stale(plan(t, append(set("3"), m...), l, Request{}), "the files have changed since", "3 (3_m.up.sql): it is not in the plan")
	stale(plan(t, m, l, Request{Environment: "dev"}), "it was made for environment , not for dev")
	stale(plan(t, m, l, Request{Allow: Allowances{Missing: true}}), "another request")
	changed := func(change func(*Migration)) *Plan {
		n := set("1", "2")
		change(n[1])
		return plan(t, n, l, Request{})
	}
	stale(changed(func(n *Migration) { withUp(n, "SELECT 1;") }), "2 (2_m.up.sql): its content has changed")
	stale(changed(func(n *Migration) { n.Up.File = "moved.sql" }), "now it is moved.sql")
	stale(changed(func(n *Migration) { n.Up.Values = map[string]string{"a": "1"} }), "its placeholders' values have changed")
	stale(changed(func(n *Migration) { n.Up.Header.Transaction = Off }), "read differently")
	stale(changed(func(n *Migration) { n.Up.Text = "SELECT 2;" }), "its statement 1 has changed")

	withUp(m[1], twoIndexes)
	m[1].Up.Values = map[string]string{"a": "1", "b": "2"}
	l.up(m[0]).begun(m[1], Up, 1, 0, 3)
	d = keep(t, plan(t, m, l, Request{}))
	further := about(m[1], StatementDone, Up)
	further.Statement = 2
	stale(plan(t, m, new(ledger).up(m[0]).begun(m[1], Up, 2, 0, 3), Request{}), "the database has changed since", "it has got further since")
	m[1].Up.Values = map[string]string{"a": "1", "b": "3"}
	stale(plan(t, m, l, Request{}), "values have changed: b")
}
