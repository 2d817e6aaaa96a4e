package environments_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/environments/pgtest"
)

func connectFailure(t *testing.T, address string) *environments.ConnectError {
	t.Helper()
	cfg, err := environments.ParseURL(address)
	require.NoError(t, err)
	cfg.ConnectTimeout = 20 * time.Second
	conn, err := environments.Connect(t.Context(), cfg)
	require.Error(t, err)
	require.Nil(t, conn)
	var failure *environments.ConnectError
	require.ErrorAs(t, err, &failure)
	require.NotContains(t, err.Error(), "hunter2")
	require.Contains(t, err.Error(), failure.Message)
	require.Error(t, errors.Unwrap(err))
	return failure
}

func TestConnectErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.ServerOptions{TLS: true, HBA: []string{"host all barred all reject"}})
	s.Create("closed")
	s.Exec("postgres", "CREATE ROLE carl LOGIN PASSWORD 'right'; CREATE ROLE barred LOGIN; REVOKE CONNECT ON DATABASE closed FROM PUBLIC; CREATE ROLE few LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 0")
	at := func(user, password, database, query string) string {
		u, err := url.Parse(s.LoopbackURL(database))
		require.NoError(t, err)
		u.User = url.UserPassword(user, password)
		if password == "" {
			u.User = url.User(user)
		}
		u.RawQuery = query
		return u.String()
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := free.Addr().String()
	require.NoError(t, free.Close())

	// A server that speaks something else, and one that has no TLS.
	plain := pgtest.Server(t, pgtest.ServerOptions{Listen: environments.ListenLoopback})

	for name, c := range map[string]struct {
		url     string
		failure environments.ConnectFailure
		state   string
		hint    string
	}{
		"wrong password":     {at("carl", "hunter2", "postgres", ""), environments.FailedPassword, "28P01", "check the user and the password"},
		"no password":        {at("carl", "", "postgres", "passfile=/nowhere"), environments.FailedPassword, "28P01", "no password was given"},
		"rejected":           {at("barred", "hunter2", "postgres", ""), environments.FailedNotAllowed, "28000", "pg_hba.conf"},
		"no such database":   {at("carl", "right", "nowhere", ""), environments.FailedDatabase, "3D000", "createdb"},
		"no privilege":       {at("carl", "right", "closed", ""), environments.FailedNotAllowed, "42501", "GRANT CONNECT"},
		"too many":           {at("few", "hunter2", "postgres", ""), environments.FailedTooMany, "53300", "max_connections"},
		"unknown authority":  {at("carl", "right", "postgres", "sslmode=verify-full"), environments.FailedTLS, "", "sslrootcert"},
		"server without TLS": {plain.LoopbackURL("postgres") + "?sslmode=require", environments.FailedTLS, "", "does not offer TLS"},
		"no such host":       {"postgres://carl:hunter2@no-such-host.invalid/d", environments.FailedHost, "", "host's name"},
		"refused":            {"postgres://carl:hunter2@" + nobody + "/d", environments.FailedRefused, "", "is the server running"},
		"no socket":          {"postgres://carl:hunter2@/d?host=/nowhere/at/all", environments.FailedRefused, "", "socket"},
		"read only wanted":   {s.LoopbackURL("postgres") + "?target_session_attrs=read-only", environments.FailedReadOnly, "", "target_session_attrs"},
	} {
		t.Run(name, func(t *testing.T) {
			failure := connectFailure(t, c.url)
			require.Equal(t, c.failure, failure.Failure, failure.Error())
			require.Equal(t, c.state, failure.SQLState)
			require.Contains(t, failure.Hint, c.hint)
		})
	}
	cfg, err := environments.ParseURL(strings.Replace(at("carl", "right", "postgres", "sslmode=verify-full&sslrootcert="+s.CAFile()), "127.0.0.1", "db.example", 1))
	require.NoError(t, err)
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	_, err = environments.Connect(t.Context(), cfg)
	var failure *environments.ConnectError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, environments.FailedTLS, failure.Failure)
	require.Contains(t, failure.Hint, "by a name in it")

	cfg, err = environments.ParseURL(at("carl", "right", "postgres", "sslmode=require"))
	require.NoError(t, err)
	conn, err := environments.Connect(t.Context(), cfg)
	require.NoError(t, err)
	var name string
	require.NoError(t, conn.QueryRow(t.Context(), "SHOW application_name").Scan(&name))
	require.Equal(t, "kedge", name)
	require.NoError(t, conn.Close(t.Context()))
}

func TestConnectTimesOutAndIsCancelled(t *testing.T) {
	t.Parallel()
	// It takes connections and never says anything.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	cfg, err := environments.ParseURL("postgres://carl:hunter2@" + silent.Addr().String() + "/d?sslmode=disable&connect_timeout=1")
	require.NoError(t, err)
	var failure *environments.ConnectError
	_, err = environments.Connect(t.Context(), cfg)
	require.ErrorAs(t, err, &failure)
	require.Equal(t, environments.FailedTimeout, failure.Failure, err.Error())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = environments.Connect(ctx, cfg)
	require.ErrorAs(t, err, &failure)
	require.Equal(t, environments.FailedCancelled, failure.Failure)
	require.ErrorIs(t, err, context.Canceled)
}

func TestStartingServerIsToldApart(t *testing.T) {
	t.Parallel()
	cfg, err := environments.ParseURL("postgres://carl:hunter2@h:1/")
	require.NoError(t, err)
	var failure *environments.ConnectError
	require.ErrorAs(t, environments.ExplainConnect(t.Context(), cfg, &pgconn.PgError{Code: "57P03", Message: "the database system is starting up (hunter2)"}), &failure)
	require.Equal(t, environments.FailedStarting, failure.Failure)
	require.Equal(t, "the database system is starting up (***)", failure.Message)
	require.Equal(t, "carl", failure.Database)
	require.ErrorAs(t, environments.ExplainConnect(t.Context(), cfg, errors.New("odd")), &failure)
	require.Equal(t, environments.FailedOther, failure.Failure)
	require.Equal(t, `connecting to database "carl" on h:1 as "carl": odd`, failure.Error())
}

func TestManyHostsAndIPv6(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.ServerOptions{Listen: environments.ListenLoopback})
	cfg, err := environments.ParseURL(s.LoopbackURL("postgres"))
	require.NoError(t, err)
	many, err := environments.ParseURL("postgres://postgres:" + cfg.Password + "@127.0.0.1:1,127.0.0.1:" + strconv.Itoa(int(cfg.Port)) + "/postgres?target_session_attrs=read-write")
	require.NoError(t, err)
	conn, err := environments.Connect(t.Context(), many)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

func TestEnvironmentOfAnEmbeddedDatabaseConnects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "environments"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "environments", "dev.yaml"), []byte("url: embedded\n"), 0o600))
	p, err := environments.Load(environments.Options{Dir: dir, Environ: os.Environ()})
	require.NoError(t, err)
	dev, err := p.DevServer(nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, dev.Reset(context.Background()))
		status, err := dev.Status(context.Background())
		require.NoError(t, err)
		require.NoError(t, os.RemoveAll(filepath.Dir(status.Data)))
	})
	for range 2 {
		cfg, err := p.Environment.ConnConfig(t.Context(), nil)
		require.NoError(t, err)
		var database string
		conn, err := environments.Connect(t.Context(), cfg)
		require.NoError(t, err)
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&database))
		require.NoError(t, conn.Close(t.Context()))
		require.Equal(t, "dev", database)
	}
}
