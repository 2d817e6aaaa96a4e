// Command bench measures a built kedge against psql and pg_dump on a real
// PostgreSQL server, as ratios within one run: absolute times say more about the
// machine than about kedge. It prints a table with the targets and whether each
// was met, and fails only when something could not be run or did different work.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
)

func main() {
	var b bench
	only := flag.String("only", "", "run only the measurements whose name matches this regular `expression`")
	flag.StringVar(&b.kedge, "kedge", "bin/kedge", "the kedge to measure")
	flag.StringVar(&b.url, "url", "", "a server to measure on, as a role that may create databases (default: one that kedge dev starts)")
	flag.IntVar(&b.runs, "runs", 5, "how often each side is run; the median counts")
	flag.IntVar(&b.copyMB, "copy", 500, "size of the data migration, in megabytes")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// bench is one run of the whole program.
type bench struct {
	kedge  string
	url    string
	runs   int
	copyMB int

	dir     string // scratch: generated migrations, sockets, the server's data
	environ []string
	server  server
	results []result
}

// measurements are run in this order; each adds rows to the table.
var measurements = []struct {
	name    string
	command string // the kedge command that it needs
	run     func(*bench, context.Context) error
}{
	{"apply", "up", (*bench).apply},
	{"latency", "up", (*bench).latency},
	{"nothing", "up", (*bench).nothing},
	{"copy", "up", (*bench).copy},
	{"lint", "lint", (*bench).lint},
	{"catalog", "snapshot", (*bench).catalog},
}

func (b *bench) run(ctx context.Context, only string) (err error) {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("reading -only: %w", err)
	}
	for _, program := range []string{"psql", "pg_dump"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is what kedge is measured against, and it is not on the PATH", program)
		}
	}
	if b.kedge, err = filepath.Abs(b.kedge); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "kedge-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := os.Chmod(b.dir, 0o755); err != nil { // a server started by root runs as somebody else
		return err
	}
	stop, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer stop()

	for _, m := range measurements {
		if !chosen.MatchString(m.name) {
			continue
		}
		if !b.has(ctx, m.command) {
			b.results = append(b.results, result{name: m.name, note: "this kedge has no " + m.command})
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s …\n", m.name)
		if err := m.run(b, ctx); err != nil {
			b.print(os.Stdout)
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	b.print(os.Stdout)
	return nil
}
