package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// server is where to reach PostgreSQL.
type server struct {
	base    *url.URL
	network string // tcp or unix
	address string
	port    string
}

// start finds the server to measure on, and returns how to stop it.
func (b *bench) start(ctx context.Context) (func(), error) {
	stop := func() {}
	b.environ = append(os.Environ(), "NO_COLOR=1", "PGOPTIONS=-c client_min_messages=warning")
	if b.url == "" {
		b.environ = append(b.environ, "KEDGE_CACHE="+filepath.Join(b.dir, "cache"))
		if err := os.Mkdir(filepath.Join(b.dir, "cache"), 0o755); err != nil {
			return nil, err
		}
		if _, err := b.output(ctx, b.kedge, "dev", "start"); err != nil {
			return nil, err
		}
		stop = func() {
			if _, err := b.output(context.WithoutCancel(ctx), b.kedge, "dev", "stop"); err != nil {
				fmt.Fprintln(os.Stderr, "bench:", err)
			}
		}
		text, err := b.output(ctx, b.kedge, "dev", "url")
		if err != nil {
			stop()
			return nil, err
		}
		b.url = strings.TrimSpace(text)
	}
	s, err := parseServer(b.url)
	if err != nil {
		stop()
		return nil, err
	}
	b.server = s
	return stop, nil
}

func parseServer(text string) (server, error) {
	base, err := url.Parse(text)
	if err != nil {
		return server{}, fmt.Errorf("reading the server's URL: %w", err)
	}
	host, port := base.Hostname(), base.Port()
	if v := base.Query().Get("host"); v != "" {
		host = v
	}
	if v := base.Query().Get("port"); v != "" {
		port = v
	}
	if port == "" {
		port = "5432"
	}
	s := server{base: base, network: "tcp", address: host + ":" + port, port: port}
	if strings.HasPrefix(host, "/") {
		s.network, s.address = "unix", filepath.Join(host, ".s.PGSQL."+port)
	}
	return s, nil
}

// database is the URL of a database, directly or (with a folder) through the
// proxy that listens there.
func (s server) database(name, folder string) string {
	u := *s.base
	u.Path = "/" + name
	if folder != "" {
		q := u.Query()
		q.Set("host", folder)
		q.Set("port", s.port)
		u.RawQuery = q.Encode()
		u.Host = ""
	}
	return u.String()
}

// fresh makes an empty database and settles the server.
func (b *bench) fresh(ctx context.Context, name string) (string, error) {
	_, err := b.output(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", b.server.database("postgres", ""),
		"-c", "DROP DATABASE IF EXISTS "+name, "-c", "CREATE DATABASE "+name+" TEMPLATE template0", "-c", "CHECKPOINT")
	return b.server.database(name, ""), err
}

// query is a single value or a few lines of text.
func (b *bench) query(ctx context.Context, database, sql string) (string, error) {
	return b.output(ctx, "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql)
}

// output runs a program whose time does not count.
func (b *bench) output(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = b.dir, b.environ
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return string(out), nil
}

// has tells whether kedge knows a command.
func (b *bench) has(ctx context.Context, command string) bool {
	out, err := b.output(ctx, b.kedge, command, "--help")
	return err == nil && strings.Contains(out, "kedge "+command)
}
