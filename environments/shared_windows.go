package environments

import (
	"context"
	"time"
)

// SharedOptions says which server ShareServer starts.
type SharedOptions struct {
	Name   string        // of no importance on Windows
	Server ServerOptions // which server
	Linger time.Duration // of no importance on Windows
	Keep   time.Duration // of no importance on Windows
}

// Shared is a server of this process alone: sharing needs named pipes of the file system, which Windows has not.
type Shared struct{ server *Server }

// ShareServer starts a server for this process.
func ShareServer(ctx context.Context, opt SharedOptions) (*Shared, error) {
	server, err := StartServer(ctx, opt.Server)
	if err != nil {
		return nil, err
	}
	return &Shared{server: server}, nil
}

// Binaries returns the installation that the server runs from.
func (s *Shared) Binaries() Binaries { return s.server.Binaries() }

// URL returns the superuser's URL of a database.
func (s *Shared) URL(database string) string { return s.server.URL(database) }

// Keep does nothing: the server ends with this process.
func (s *Shared) Keep() error { return nil }

// Leave stops the server.
func (s *Shared) Leave() error { return s.server.Close() }
