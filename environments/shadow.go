package environments

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/jackc/pgx/v5"
)

// ShadowOptions says which server a shadow runs on. The zero value is the preferred PostgreSQL of this machine.
type ShadowOptions struct {
	Binaries Binaries          // a server that was found already; empty: Obtain by Dir and Major
	Dir      string            // folder of the binaries
	Major    int               // major version; 0 is any
	Cache    string            // kedge's cache folder; empty is DefaultCache
	Settings map[string]string // configuration parameters, such as {"wal_level": "logical"}
	Progress Progress          // told when a server has to be fetched
}

// Shadow is a throw-away server whose databases stand in for real ones. It ends with this process, however that ends.
// Its methods may be called from several goroutines.
type Shadow struct {
	server *Server

	mu      sync.Mutex
	control *pgx.Conn // creates and drops databases
}

// controlDatabase is the one that a slim data folder has.
const controlDatabase = "template1"

// shadowSettings make a small server that replays long histories: many locks in one transaction, no statistics.
func shadowSettings() map[string]string {
	return map[string]string{
		"shared_buffers":            "16MB",
		"max_locks_per_transaction": "1024",
		"max_connections":           "50",
		"max_wal_size":              "256MB",
		"min_wal_size":              "2MB",
		"track_counts":              "off",
		"log_min_messages":          "fatal",
		"log_min_error_statement":   "panic",
	}
}

// OpenShadow starts a shadow. The first of a PostgreSQL version takes about half a second longer than those after it.
func OpenShadow(ctx context.Context, opt ShadowOptions) (*Shadow, error) {
	b := opt.Binaries
	if b.Dir == "" {
		var err error
		if b, err = Obtain(ctx, FindOptions{Dir: opt.Dir, Major: opt.Major, Cache: opt.Cache}, opt.Progress); err != nil {
			return nil, err
		}
	}
	settings := shadowSettings()
	maps.Copy(settings, opt.Settings)
	server, err := startServer(ctx, ServerOptions{Binaries: b, Cache: opt.Cache, Settings: settings}, shapeSlim, withProcess)
	if err != nil {
		return nil, fmt.Errorf("opening a shadow: %w", err)
	}
	control, err := connectControl(ctx, server)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening a shadow: %w", err), server.Close())
	}
	return &Shadow{server: server, control: control}, nil
}

func connectControl(ctx context.Context, server *Server) (*pgx.Conn, error) {
	cfg, err := server.Config(controlDatabase)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return conn, nil
}

// Major returns the server's major version.
func (s *Shadow) Major() int { return s.server.Binaries().Major }

// Binaries returns the installation that the shadow runs from.
func (s *Shadow) Binaries() Binaries { return s.server.Binaries() }

// URL returns the superuser's URL of a database.
func (s *Shadow) URL(database string) string { return s.server.URL(database) }

// Config returns the superuser's connection configuration for a database.
func (s *Shadow) Config(database string) (*pgx.ConnConfig, error) { return s.server.Config(database) }

// Create makes an empty database and returns the superuser's connection configuration for it.
func (s *Shadow) Create(ctx context.Context, database string) (*pgx.ConnConfig, error) {
	return s.Clone(ctx, controlDatabase, database)
}

// Clone makes a database that is a copy of another. Nobody may be connected to that one.
func (s *Shadow) Clone(ctx context.Context, from, database string) (*pgx.ConnConfig, error) {
	sql := "CREATE DATABASE " + ident(database) + " TEMPLATE " + ident(from)
	if s.Major() >= 15 {
		// Quicker than WAL_LOG where a checkpoint costs nothing, as without fsync.
		sql += " STRATEGY file_copy"
	}
	if err := s.exec(ctx, sql); err != nil {
		return nil, fmt.Errorf("creating shadow database %s: %w", database, err)
	}
	return s.Config(database)
}

// Drop drops a database, ends the sessions that use it, and does nothing when it is not there.
func (s *Shadow) Drop(ctx context.Context, database string) error {
	if err := s.exec(ctx, "DROP DATABASE IF EXISTS "+ident(database)+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("dropping shadow database %s: %w", database, err)
	}
	return nil
}

func (s *Shadow) exec(ctx context.Context, sql string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control.IsClosed() { // a call before this one was cancelled
		control, err := connectControl(ctx, s.server)
		if err != nil {
			return err
		}
		s.control = control
	}
	_, err := s.control.Exec(ctx, sql)
	return err
}

// Close ends the shadow and removes all that it wrote.
func (s *Shadow) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.control.Close(context.Background()) // the server goes away at once in any case
	return s.server.Close()
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }
