// Command kedge applies versioned SQL migrations to PostgreSQL databases, shows
// what they have become and writes their schemas down for review. This package
// is the only one that prints, exits or reads flags; it knows nothing of SQL.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// A run is short and keeps most of what it reads, so memory is collected
// seldom until there is a good deal of it. GOGC and GOMEMLIMIT prevail.
const (
	collectPercent = 400
	collectBytes   = 400 << 20
)

func main() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(collectPercent)
		debug.SetMemoryLimit(collectBytes)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	os.Exit(run(ctx, surroundings{
		args:    os.Args[1:],
		dir:     dir,
		environ: os.Environ(),
		in:      os.Stdin,
		out:     os.Stdout,
		err:     os.Stderr,
	}))
}
