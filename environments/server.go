package environments

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ServerOptions says which server StartServer starts. The zero value is the preferred PostgreSQL of this machine with
// its default settings, reached by a Unix socket.
type ServerOptions struct {
	Binaries Binaries          // empty: FindBinaries of any version
	Cache    string            // kedge's cache folder; empty is DefaultCache
	Settings map[string]string // configuration parameters, such as {"wal_level": "logical"}
	Listen   Listen            // where it takes connections
	HBA      []string          // lines of pg_hba.conf before kedge's own

	who *account // nil: serverAccount
}

// Server is a PostgreSQL server on a data folder of its own that is thrown away: when it is closed, or when this
// process ends, however it ends.
type Server struct {
	post  *postmaster
	owner *fileLock // nobody else holds it while this process lives
	home  string
}

// throwAway are the settings of servers whose data nobody will miss.
func throwAway() map[string]string {
	return map[string]string{
		"fsync":              "off",
		"full_page_writes":   "off",
		"synchronous_commit": "off",
		"autovacuum":         "off",
		"jit":                "off",
		"log_checkpoints":    "off",
	}
}

// StartServer starts a server on a new, empty data folder. Close stops it and removes what it wrote.
func StartServer(ctx context.Context, opt ServerOptions) (*Server, error) {
	return startServer(ctx, opt, shapeFull, withProcess)
}

func startServer(ctx context.Context, opt ServerOptions, form shape, life lifetime) (*Server, error) {
	b := opt.Binaries
	if b.Dir == "" {
		var err error
		if b, err = FindBinaries(ctx, FindOptions{Cache: opt.Cache}); err != nil {
			return nil, err
		}
	}
	who, err := opt.account(ctx, b)
	if err != nil {
		return nil, err
	}
	template, err := templateFolder(ctx, b, who, form, opt.Cache)
	if err != nil {
		return nil, err
	}
	home, owner, err := newHome()
	if err != nil {
		return nil, err
	}
	s := &Server{home: home, owner: owner}
	s.post = &postmaster{binaries: b, who: who, home: home, socket: home, data: filepath.Join(home, "data"), hba: opt.HBA, settings: throwAway()}
	maps.Copy(s.post.settings, opt.Settings)
	if err := s.begin(ctx, template, opt.Listen, life); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (opt ServerOptions) account(ctx context.Context, b Binaries) (account, error) {
	if opt.who != nil {
		return *opt.who, nil
	}
	return serverAccount(ctx, b)
}

func (s *Server) begin(ctx context.Context, template string, how Listen, life lifetime) error {
	if err := s.post.who.own(s.home); err != nil {
		return fmt.Errorf("making a folder for a server: %w", err)
	}
	if err := copyFolder(ctx, template, s.post.data, s.post.who); err != nil {
		return err
	}
	if err := s.post.listen(how); err != nil {
		return err
	}
	if err := s.post.setPassword(ctx); err != nil {
		return err
	}
	if err := s.post.configure(); err != nil {
		return err
	}
	return s.post.start(ctx, life)
}

// Binaries returns the installation that the server runs from.
func (s *Server) Binaries() Binaries { return s.post.binaries }

// URL returns the superuser's URL of a database, by the Unix socket where there is one.
func (s *Server) URL(database string) string { return s.post.url(database) }

// LoopbackURL returns the superuser's URL of a database by TCP, password included, or "" if the server does not listen
// there.
func (s *Server) LoopbackURL(database string) string {
	if !s.post.tcp {
		return ""
	}
	return s.post.tcpURL(database)
}

// Config returns the superuser's connection configuration for a database.
func (s *Server) Config(database string) (*pgx.ConnConfig, error) {
	return parseConfig(s.URL(database))
}

func parseConfig(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("reading a server's address: %w", err)
	}
	return cfg, nil
}

// Log returns what the server has logged.
func (s *Server) Log() (string, error) {
	content, err := os.ReadFile(s.post.logFile())
	if err != nil {
		return "", fmt.Errorf("reading a server's log: %w", err)
	}
	return string(content), nil
}

// WriteFile writes a file into the data folder, readable for the server alone, and returns its path.
func (s *Server) WriteFile(name, content string) (string, error) {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", fmt.Errorf("writing a server's file: %q is not a plain file name", name)
	}
	if err := s.post.writeFile(name, content); err != nil {
		return "", err
	}
	return filepath.Join(s.post.data, name), nil
}

// Stop stops the server and leaves its data. Start starts it again.
func (s *Server) Stop(mode StopMode) error { return s.post.stop(mode) }

// Start starts the server after Stop or Kill, with more settings if any are given; those that are there stay.
func (s *Server) Start(ctx context.Context, settings map[string]string) error {
	maps.Copy(s.post.settings, settings)
	if err := s.post.configure(); err != nil {
		return err
	}
	return s.post.start(ctx, withProcess)
}

// Kill ends the server's main process as kill -9 does, and waits until its other processes have noticed.
func (s *Server) Kill() error { return s.post.kill() }

// Close stops the server at once and removes all that it wrote.
func (s *Server) Close() error {
	err := s.post.stop(StopImmediate)
	err = errors.Join(err, removeHome(s.home))
	s.owner.unlock()
	return err
}

func removeHome(home string) error {
	if err := os.RemoveAll(home); err != nil {
		return fmt.Errorf("removing a server's folder: %w", err)
	}
	return nil
}
