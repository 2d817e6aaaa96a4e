//go:build unix

package chaos

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/environments/pgtest"
)

// A password given in any way, to commands that fail in any way: it is in nothing that they print, write or record.
func TestChaosSecrets(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.ServerOptions{Listen: environments.ListenLoopback})
	u, err := url.Parse(s.LoopbackURL("postgres"))
	require.NoError(t, err)
	const secret, odd = "Tr0ub4dor-and-3", "p@ss/w:rd Zx81"
	admin := s.Connect(t.Context(), "postgres")
	execute(t, admin, "CREATE ROLE plain LOGIN SUPERUSER PASSWORD '"+secret+"'")
	execute(t, admin, "CREATE ROLE odd LOGIN SUPERUSER PASSWORD '"+odd+"'")
	port := u.Port()

	home := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(home, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	pgpass := write("pgpass", fmt.Sprintf("127.0.0.1:%s:*:plain:%s\n", port, secret))
	service := write("service", fmt.Sprintf("[there]\nhost=127.0.0.1\nport=%s\nuser=plain\npassword=%s\n", port, secret))
	write("kedge.yaml", "migrations: migrations\nenvironments: environments\ndefault_environment: plain\n")
	write("environments/plain.yaml", fmt.Sprintf("url: postgres://plain:%s@127.0.0.1:%s/postgres\n", secret, port))
	write("environments/file.yaml", "url_file: url\n")
	write("environments/url", fmt.Sprintf("postgres://plain:%s@127.0.0.1:%s/postgres\n", secret, port))
	write("migrations/1_a.up.sql", "CREATE TABLE a ();\n")
	write("migrations/1_a.down.sql", "DROP TABLE nowhere;\n")
	write("migrations/2_b.up.sql", "SELECT 1;\nCREATE ROLE plain PASSWORD '"+secret+"';\n")
	bad := write("bad.yaml", fmt.Sprintf("url: postgres://plain:%s@127.0.0.1:%s/postgres\nlock_timeoutt: 1s\n", secret, port))

	ways := map[string]struct {
		args, environ []string
	}{
		"URL":            {[]string{"--url", fmt.Sprintf("postgres://plain:%s@127.0.0.1:%s/postgres", secret, port)}, nil},
		"odd URL":        {[]string{"--url", fmt.Sprintf("postgres://odd:%s@127.0.0.1:%s/postgres", url.QueryEscape(odd), port)}, nil},
		"unescaped URL":  {[]string{"--url", fmt.Sprintf("postgres://odd:%s@127.0.0.1:%s/postgres", odd, port)}, nil},
		"key=value":      {[]string{"--url", fmt.Sprintf("host=127.0.0.1 port=%s user=plain dbname=postgres password=%s", port, secret)}, nil},
		"query":          {[]string{"--url", fmt.Sprintf("postgres://127.0.0.1:%s/postgres?user=plain&password=%s", port, secret)}, nil},
		"KEDGE_URL":      {nil, []string{fmt.Sprintf("KEDGE_URL=postgres://plain:%s@127.0.0.1:%s/postgres", secret, port)}},
		"PGPASSWORD":     {[]string{"--url", fmt.Sprintf("postgres://plain@127.0.0.1:%s/postgres", port)}, []string{"PGPASSWORD=" + secret}},
		"password file":  {[]string{"--url", fmt.Sprintf("postgres://plain@127.0.0.1:%s/postgres", port)}, []string{"PGPASSFILE=" + pgpass}},
		"service file":   {[]string{"--url", "postgres:///postgres?service=there"}, []string{"PGSERVICEFILE=" + service}},
		"environment":    {[]string{"--env", "plain"}, nil},
		"url_file":       {[]string{"--env", "file"}, nil},
		"wrong port":     {[]string{"--url", fmt.Sprintf("postgres://plain:%s@127.0.0.1:1/postgres", secret)}, nil},
		"wrong database": {[]string{"--url", fmt.Sprintf("postgres://plain:%s@127.0.0.1:%s/nowhere", secret, port)}, nil},
		"wrong user":     {[]string{"--url", fmt.Sprintf("postgres://who:%s@127.0.0.1:%s/postgres", secret, port)}, nil},
		"wrong scheme":   {[]string{"--url", fmt.Sprintf("mysql://plain:%s@127.0.0.1:%s/postgres", secret, port)}, nil},
		"wrong option":   {[]string{"--url", fmt.Sprintf("postgres://plain:%s@127.0.0.1:%s/postgres?sslmode=perhaps", secret, port)}, nil},
	}
	commands := [][]string{{"up", "--verbose"}, {"up", "--json"}, {"status", "--json"}, {"plan", "--out", filepath.Join(home, "plan.json")}, {"history", "--json"}, {"down"}}
	if !full() {
		commands = commands[:2]
	}
	var all strings.Builder
	for name, way := range ways {
		for _, command := range commands {
			args := append(append([]string{"--project", home}, command...), way.args...)
			_, out, errs := runKedge(t, way.environ, args...)
			for _, word := range []string{secret, odd, url.QueryEscape(odd), "Zx81"} {
				if word == secret && command[0] == "plan" {
					continue // the migration's author wrote it there, and a plan has to show what it would run
				}
				require.NotContains(t, out, word, "%s: %v", name, command)
				require.NotContains(t, errs, word, "%s: %v", name, command)
			}
			all.WriteString(out + errs)
		}
	}
	require.Contains(t, all.String(), "already exists", "something failed")
	write("environments/plain.yaml", contents(bad).String())
	_, out, errs := runKedge(t, nil, "--project", home, "status")
	require.NotContains(t, out+errs, secret)
	require.Contains(t, errs, "lock_timeoutt")

	require.Equal(t, "0", scalar(t, admin, "SELECT count(*) FROM kedge.history h WHERE h::text LIKE '%"+secret+"%' OR h::text LIKE '%Zx81%'"))
	require.NotEqual(t, "0", scalar(t, admin, "SELECT count(*) FROM kedge.history WHERE event = 'failed'"))
}
