//go:build unix

package chaos

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/environments/pgtest"
)

// The grants that docs/reliability.md lists, and nothing more: %r is the role, %d the database.
const (
	grantsUp       = "GRANT CREATE ON DATABASE %d TO %r; GRANT USAGE, CREATE ON SCHEMA public TO %r"
	grantsUpMade   = "GRANT USAGE ON SCHEMA kedge TO %r; GRANT SELECT, INSERT ON kedge.history TO %r; GRANT USAGE, CREATE ON SCHEMA public TO %r"
	grantsSnapshot = ""
	grantsDrift    = "GRANT USAGE ON SCHEMA kedge TO %r; GRANT SELECT ON ALL TABLES IN SCHEMA kedge TO %r"
)

// Each command with just the rights that are documented for it, and what a role is told that has none.
func TestChaosLeastPrivilege(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.ServerOptions{Listen: environments.ListenLoopback})
	dir := oneMigration(t)
	grant := func(database, role, grants string) {
		text := strings.NewReplacer("%r", role, "%d", database).Replace(grants)
		execute(t, s.Connect(t.Context(), database), text)
	}
	begin := func(database, role string) string {
		s.Create(database)
		c := s.Connect(t.Context(), database)
		execute(t, c, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'; REVOKE ALL ON DATABASE "+database+" FROM public; GRANT CONNECT ON DATABASE "+database+" TO "+role+"; REVOKE ALL ON SCHEMA public FROM public")
		u, err := url.Parse(s.LoopbackURL(database))
		require.NoError(t, err)
		u.User = url.UserPassword(role, "x")
		return u.String()
	}
	t.Run("up", func(t *testing.T) {
		as := begin("first", "applies")
		code, _, errs := runKedge(t, nil, "up", "--url", as, "--source", dir)
		require.Equal(t, 1, code)
		require.Contains(t, errs, "CREATE on the database")
		grant("first", "applies", grantsUp)
		code, _, errs = runKedge(t, nil, "up", "--url", as, "--source", dir)
		require.Zero(t, code, errs)
		require.NotContains(t, errs, "warning")
		code, _, errs = runKedge(t, nil, "status", "--url", as, "--source", dir)
		require.Zero(t, code, errs)
	})
	t.Run("up where the history is another's", func(t *testing.T) {
		as := begin("second", "follows")
		super := s.URL("second")
		code, _, errs := runKedge(t, nil, "up", "--url", super, "--source", dir, "--to", "1")
		require.Zero(t, code, errs)
		more := oneMigration(t)
		writeFile(t, more, "2_b.up.sql", "CREATE TABLE b ();\n")
		code, _, errs = runKedge(t, nil, "up", "--url", as, "--source", more)
		require.Equal(t, 1, code)
		require.Contains(t, errs, "USAGE on schema kedge")
		grant("second", "follows", grantsUpMade)
		code, _, errs = runKedge(t, nil, "up", "--url", as, "--source", more)
		require.Zero(t, code, errs)
		require.Equal(t, "b", scalar(t, s.Connect(t.Context(), "second"), "to_regclass('b')"))
	})
	t.Run("snapshot and drift", func(t *testing.T) {
		as := begin("third", "looks")
		code, _, errs := runKedge(t, nil, "up", "--url", s.URL("third"), "--source", dir)
		require.Zero(t, code, errs)
		if grantsSnapshot != "" {
			grant("third", "looks", grantsSnapshot)
		}
		code, out, errs := runKedge(t, nil, "snapshot", "--from", as, "--format", "sql")
		require.Zero(t, code, errs)
		require.Contains(t, out, "CREATE TABLE")
		code, _, errs = runKedge(t, nil, "drift", "--url", as, "--source", dir)
		require.NotZero(t, code)
		require.Contains(t, errs, "permission denied")
		grant("third", "looks", grantsDrift)
		code, _, errs = runKedge(t, nil, "drift", "--url", as, "--source", dir)
		require.Zero(t, code, errs)
		code, _, errs = runKedge(t, nil, "drift", "--url", as, "--source", dir, "--against", "recorded")
		require.Zero(t, code, errs)
	})
}
