//go:build unix

package chaos

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
)

// oneMigration is a folder with a single table in it.
func oneMigration(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "1_a.up.sql"), []byte("CREATE TABLE a (id int);\n"), 0o644))
	return dir
}

// Every way in which a server is reached: kedge itself, as a process.
func TestChaosTransport(t *testing.T) {
	t.Parallel()
	addresses, hba := "127.0.0.1", []string(nil)
	six := false
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		six = l.Close() == nil
		addresses += ",::1"
		hba = append(hba, "host all all ::1/128 scram-sha-256")
	}
	s := pgtest.Server(t, pgtest.ServerOptions{TLS: true, Settings: map[string]string{"listen_addresses": addresses}, HBA: hba})
	u, err := url.Parse(s.LoopbackURL("postgres"))
	require.NoError(t, err)
	password, _ := u.User.Password()
	user, port := u.User.Username(), u.Port()
	dir := oneMigration(t)
	files := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(files, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	pgpass := write("pgpass", fmt.Sprintf("*:%s:*:%s:%s\n", port, user, password))
	service := write("service", fmt.Sprintf("[there]\nhost=127.0.0.1\nport=%s\nuser=%s\npassword=%s\ndbname=postgres\n", port, user, password))
	socket, err := s.Config("postgres")
	require.NoError(t, err)
	other := pgtest.Server(t, pgtest.ServerOptions{TLS: true})

	cases := []struct {
		name    string
		url     string // {} is the database
		environ []string
		fails   string
	}{
		{"TLS, verify-full", fmt.Sprintf("postgres://%s:%s@localhost:%s/{}?sslmode=verify-full&sslrootcert=%s", user, password, port, s.CAFile()), nil, ""},
		{"TLS, unknown authority", fmt.Sprintf("postgres://%s:%s@localhost:%s/{}?sslmode=verify-full&sslrootcert=%s", user, password, port, other.CAFile()), nil, "certificate"},
		{"TLS, another host's certificate", fmt.Sprintf("postgres://%s:%s@127.0.0.2:%s/{}?sslmode=verify-full&sslrootcert=%s", user, password, port, s.CAFile()), nil, "connect"},
		{"SCRAM", fmt.Sprintf("postgres://%s:%s@127.0.0.1:%s/{}", user, password, port), nil, ""},
		{"SCRAM, wrong password", fmt.Sprintf("postgres://%s:wr0ng-secret@127.0.0.1:%s/{}", user, port), nil, "password"},
		{"password file", fmt.Sprintf("postgres://%s@127.0.0.1:%s/{}", user, port), []string{"PGPASSFILE=" + pgpass}, ""},
		{"PGPASSWORD", fmt.Sprintf("postgres://%s@127.0.0.1:%s/{}", user, port), []string{"PGPASSWORD=" + password}, ""},
		{"service file", "postgres:///{}?service=there", []string{"PGSERVICEFILE=" + service}, ""},
		{"Unix socket", "postgres:///{}?host=" + url.QueryEscape(socket.Host) + "&port=" + port + "&user=" + user, nil, ""},
		{"variables alone", "postgres:///{}", []string{"PGHOST=" + socket.Host, "PGPORT=" + port, "PGUSER=" + user}, ""},
		{"IPv6", fmt.Sprintf("postgres://%s:%s@[::1]:%s/{}", user, password, port), nil, ""},
		{"several hosts", fmt.Sprintf("postgres://%s:%s@127.0.0.1:1,127.0.0.1:%s/{}?target_session_attrs=read-write", user, password, port), nil, ""},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "IPv6" && !six {
				t.Skip("this machine has no IPv6 loopback")
			}
			database := fmt.Sprintf("transport%d", i)
			s.Create(database)
			code, out, errs := runKedge(t, c.environ, "up", "--url", strings.ReplaceAll(c.url, "{}", database), "--source", dir)
			require.NotContains(t, out+errs, password)
			require.NotContains(t, out+errs, "wr0ng-secret")
			if c.fails != "" {
				require.Equal(t, 1, code, errs)
				require.Contains(t, errs, c.fails)
				return
			}
			require.Zero(t, code, errs)
			require.Equal(t, "a", scalar(t, s.Connect(t.Context(), database), "to_regclass('a')"))
		})
	}
}
