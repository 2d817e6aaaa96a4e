package judge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/schema/judge"
)

// bench is a server on which schemas are judged.
type bench struct {
	*pgtest.PrivateServer
	psql, pgDump string
	next         atomic.Int64
	tool         tool
}

// newBench starts a server that has judge.Roles. Since they have fixed names,
// it is not the one that other tests share.
func newBench(t testing.TB) *bench {
	s := pgtest.Server(t, pgtest.ServerOptions{Settings: map[string]string{
		"wal_level": "logical", "max_wal_size": "4GB", "shared_buffers": "64MB", "autovacuum": "off", "jit": "off",
		"log_min_messages": "panic", "timezone": "UTC",
	}})
	b := &bench{PrivateServer: s, psql: pgtest.RequireProgram(t, s.Binaries(), "psql"), pgDump: pgtest.RequireProgram(t, s.Binaries(), "pg_dump")}
	for _, role := range judge.Roles {
		s.Exec("postgres", "CREATE ROLE "+pgx.Identifier{role}.Sanitize())
	}
	b.tool = chosenTool(t)
	return b
}

// database is a database on the bench.
type database struct {
	*bench
	name string
	conn *pgx.Conn
}

// create makes an empty database; drop it when done.
func (b *bench) create(ctx context.Context) (*database, error) {
	d := &database{bench: b, name: fmt.Sprintf("j%d", b.next.Add(1))}
	admin, err := pgx.Connect(ctx, b.URL("postgres"))
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer admin.Close(context.WithoutCancel(ctx))
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+d.name+" TEMPLATE template0"); err != nil {
		return nil, fmt.Errorf("creating a database: %w", err)
	}
	if d.conn, err = pgx.Connect(ctx, d.url()); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return d, nil
}

// load makes a database and runs scripts in it.
func (b *bench) load(ctx context.Context, scripts ...string) (*database, error) {
	d, err := b.create(ctx)
	if err != nil {
		return nil, err
	}
	for _, script := range scripts {
		if err := d.exec(ctx, script); err != nil {
			d.drop(ctx)
			return nil, fmt.Errorf("loading: %w", err)
		}
	}
	return d, nil
}

func (d *database) url() string { return d.URL(d.name) }

// exec runs statements one implicit transaction for each, as psql does. The
// session has the settings with which it began when it returns.
func (d *database) exec(ctx context.Context, script string) error {
	if strings.TrimSpace(script) == "" {
		return nil
	}
	defer d.conn.Exec(context.WithoutCancel(ctx), "RESET ALL; RESET ROLE")
	_, err := d.conn.Exec(ctx, script)
	return err
}

// drop drops the database; a subscription would keep it.
func (d *database) drop(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	_, _ = d.conn.Exec(ctx, `DO $$ DECLARE s name; BEGIN
		FOR s IN SELECT subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
		LOOP EXECUTE format('DROP SUBSCRIPTION %I', s); END LOOP; END $$`) // a database that stays is no failure
	_ = d.conn.Close(ctx)
	if admin, err := pgx.Connect(ctx, d.URL("postgres")); err == nil {
		_, _ = admin.Exec(ctx, "DROP DATABASE IF EXISTS "+d.name+" WITH (FORCE)")
		_ = admin.Close(ctx)
	}
}

// apply runs a script with psql as a user would.
func (d *database) apply(ctx context.Context, script string) error {
	cmd := exec.CommandContext(ctx, d.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", d.url(), "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	_, err := run(cmd)
	return err
}

func (d *database) dump(ctx context.Context) (string, error) {
	return run(exec.CommandContext(ctx, d.pgDump, "--schema-only", "-d", d.url()))
}

func run(cmd *exec.Cmd) (string, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "PGTZ=UTC", "PGOPTIONS=-c client_min_messages=error", "PGCLIENTENCODING=UTF8")
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", fmt.Errorf("%s: %s", cmd.Path[strings.LastIndex(cmd.Path, "/")+1:], strings.TrimSpace(errs.String()))
		}
		return "", err
	}
	return out.String(), nil
}

func TestBenchTellsErrors(t *testing.T) {
	b := newBench(t)
	_, err := b.load(t.Context(), "SELECT 1/0")
	require.ErrorContains(t, err, "loading")
	d, err := b.load(t.Context(), "CREATE TABLE t (a int)")
	require.NoError(t, err)
	defer d.drop(t.Context())
	require.ErrorContains(t, d.apply(t.Context(), "SELECT nothing"), "psql: ")
	dump, err := d.dump(t.Context())
	require.NoError(t, err)
	require.Contains(t, judge.Normalise(dump), "CREATE TABLE public.t")
}
