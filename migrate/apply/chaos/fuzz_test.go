//go:build unix

package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/snapshot"
)

// A configuration that is no configuration gives an error that names its file, and nothing else happens.
func FuzzConfiguration(f *testing.F) {
	for _, seed := range []string{
		"migrations: m\nenvironments: e\n", "url: ${X}\nlock_timeout: 2s\n", "a: &a [*a]\n", "? {}\n: x\n", "lock_timeout: -1\n", "placeholders: {a: {b: c}}\n",
		"drift: {ignore: [{kind: table, name: 'x.*', reason: r, until: 2027-13-01}]}\n", "\x00", "---\n---\n", "url: postgres://u:p@h/%zz\n", "history: {schema: 'k\x1b[2J'}\n",
		"migrations: ${A${B}}\n", "protected: maybe\n", "x: !!binary '@'\n", strings.Repeat("[", 5000), "a: &a {b: 1}\nc: {<<: *a}\n", "throttle: {replication_lag: 1e99s}\n",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, project, environment string) {
		dir := t.TempDir()
		for name, text := range map[string]string{"kedge.yaml": project, "environments/dev.yaml": environment} {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := environments.Load(environments.Options{Dir: dir, Project: dir, Environ: []string{"X=postgres://u:hidden-word@h/d"}})
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "hidden-word") {
			t.Fatalf("a secret is in the error: %v", err)
		}
		var at *environments.ConfigError
		if !errors.As(err, &at) {
			t.Fatalf("the error has no place: %v", err)
		}
	})
}

// A snapshot from elsewhere is a model, or an error.
func FuzzSnapshotJSON(f *testing.F) {
	for _, seed := range []string{
		`{"kedge_snapshot":1,"server":15,"objects":[]}`, `{"kedge_snapshot":99}`, `{"kedge_snapshot":1,"objects":[{}]}`, `{"kedge_snapshot":1,"objects":[null]}`,
		`{"kedge_snapshot":1,"objects":[{"kind":"table","name":"t"},{"kind":"table","name":"t"}]}`, `{"kedge_snapshot":1,"objects":[],"dependencies":{"a":["b"]}}`,
		`{"kedge_snapshot":1,"server":-1,"objects":[{"kind":"column","schema":"a","name":"b","identity":{}}]}`, `[]`, `null`, "", "{", `{"kedge_snapshot":1,"objects":[{"kind":"index"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := snapshot.ReadJSON(text)
		if (m == nil) == (err == nil) {
			t.Fatalf("model %v, error %v", m, err)
		}
		if err == nil {
			_, _ = snapshot.JSON(m)
			_, _ = snapshot.SQL(m, snapshot.Options{})
			_, _ = snapshot.Files(m, snapshot.Options{})
		}
	})
}

// A plan file that was not written by kedge, or was edited, is refused.
func FuzzPlanFile(f *testing.F) {
	plan, err := migrate.NewPlan([]*migrate.Migration{inline("1", "CREATE TABLE a ();"), inline("2", "CREATE INDEX CONCURRENTLY i ON a (b);")}, migrate.History{}, up)
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(plan)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{good, bytes.Replace(good, []byte("CREATE TABLE a"), []byte("DROP TABLE a"), 1), []byte("{}"), []byte("null"), []byte(`{"steps":[{"statements":null}]}`), []byte(`{"request":{"to":""}}`), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := migrate.ReadDocument(text)
		if err != nil {
			return
		}
		if d.Digest == "" {
			t.Fatal("a plan without a digest is taken")
		}
		// What the digest binds is what it would do: taking it means that it is the plan that is made now.
		if err := d.Check(plan); err == nil {
			again, err := json.Marshal(plan)
			if err != nil || !bytes.Contains(again, []byte(d.Digest)) {
				t.Fatalf("another plan passes for this one: %s", text)
			}
		}
	})
}

// History rows that a person wrote: whatever they say, the state is worked out or an error is given.
func FuzzHistoryRows(f *testing.F) {
	for _, seed := range []string{
		`[{"id":1,"event":"applied","version":"1"},{"id":2,"event":"applied","version":"1"},{"id":3,"event":"reverted","version":"7"}]`,
		`[{"event":"statement_done","version":"2","statement":-5},{"event":"started","version":"2","statements":-1},{"event":"statement_begun","version":"2","statement":2147483647}]`,
		`[{"event":"resolved","version":"2","note":"resume","statement":-9},{"event":"started","version":"2"},{"event":"resolved","version":"2","note":"resume","statement":-9}]`,
		`[{"event":"started","version":"2"},{"event":"statement_begun","version":"2","statement":99}]`,
		`[{"event":"???","version":"not a version","kind":"odd","name":"\u001b[2J"}]`, `[{"event":"baseline","version":""},{"event":"baseline","version":"99999999999999999999999999"}]`,
		`[{"event":"applied","kind":"repeatable"},{"event":"applied","kind":"baseline","version":"..."}]`, `[{"event":"forgotten","kind":"baseline"},{"event":"repaired","version":"1"}]`,
		`[{"event":"started","version":"2","direction":"down"},{"event":"failed","version":"2","statement":-1}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		var entries []migrate.Entry
		if json.Unmarshal(text, &entries) != nil {
			return
		}
		set := []*migrate.Migration{inline("1", "CREATE TABLE a ();"), inline("2", "CREATE INDEX CONCURRENTLY i ON a (b);\nVACUUM a;"), inline("3", "SELECT 1;")}
		h := migrate.Fold(entries)
		_ = h.Digest()
		_ = migrate.States(set, h, "dev")
		for _, r := range []migrate.Request{up, {Direction: migrate.Down}, {Direction: migrate.Down, All: true}, {Redo: true}, {Allow: migrate.Allowances{OutOfOrder: true, Changed: true, Missing: true}}} {
			if plan, err := migrate.NewPlan(set, h, r); err == nil {
				_ = plan.Digest()
			} else {
				_ = err.Error()
			}
		}
	})
}

// Bytes that are no message of the protocol end the proxy's connection, and nothing grows without a bound.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("Q\x00\x00\x00\x05x"), 5)
	f.Add([]byte("\x00\x00\x00\x08\x00\x03\x00\x00"), 4)
	f.Add([]byte("D\xff\xff\xff\xff"), 5)
	f.Add([]byte("D\x00\x00\x00\x03"), 5)
	f.Fuzz(func(t *testing.T, text []byte, head int) {
		if head != 4 && head != 5 {
			return
		}
		m, err := readMessage(io.LimitReader(bytes.NewReader(text), 1<<16), head)
		if err == nil && !bytes.HasPrefix(text, m) {
			t.Fatalf("%q is read as %q", text, m)
		}
	})
}
