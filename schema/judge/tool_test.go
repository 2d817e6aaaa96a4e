package judge_test

import (
	"context"
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

var binary = flag.String("kedge", "", "judge this kedge binary and not the packages")

// tool is what is judged.
type tool interface {
	// diff returns the script that takes one database's schema to the other's,
	// "" when there is nothing to do.
	diff(ctx context.Context, from, to *database) (string, error)
	// snapshot returns the script that makes the database's schema.
	snapshot(ctx context.Context, of *database) (string, error)
}

func chosenTool(t testing.TB) tool {
	if *binary == "" {
		return packages{}
	}
	path, err := exec.LookPath(*binary)
	if err != nil {
		t.Fatal(err)
	}
	return command{path}
}

// packages are schema and schema/catalog as they stand.
type packages struct{ style schema.Style }

func (p packages) diff(ctx context.Context, from, to *database) (string, error) {
	a, err := model(ctx, from)
	if err != nil {
		return "", err
	}
	b, err := model(ctx, to)
	if err != nil {
		return "", err
	}
	result, err := schema.Diff(a, b, schema.Options{Style: p.style})
	if err != nil {
		return "", fmt.Errorf("diff: %w", err)
	}
	if len(result.Statements) == 0 && len(result.Changes) > 0 {
		return "", fmt.Errorf("diff: changes without a statement: %v", result.Changes)
	}
	return script(result.Statements), nil
}

func model(ctx context.Context, of *database) (*schema.Model, error) {
	m, err := catalog.Read(ctx, of.conn, catalog.Options{})
	if err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	for _, u := range m.Unmodelled {
		return nil, fmt.Errorf("reading the catalog: %s (%s) is not modelled", u.Description, u.Catalog)
	}
	return m, nil
}

// script writes statements for psql with the transactions that they ask for.
func script(statements []schema.Statement) string {
	if len(statements) == 0 {
		return ""
	}
	var b strings.Builder
	open := false
	b.WriteString("SET check_function_bodies = off;\n")
	for _, s := range statements {
		if open && s.Transaction != schema.Inside {
			b.WriteString("COMMIT;\n")
			open = false
		}
		if !open && s.Transaction != schema.Outside {
			b.WriteString("BEGIN;\n")
			open = true
		}
		b.WriteString(s.SQL + ";\n")
	}
	if open {
		b.WriteString("COMMIT;\n")
	}
	return b.String()
}

func (packages) snapshot(ctx context.Context, of *database) (string, error) {
	m, err := model(ctx, of)
	if err != nil {
		return "", err
	}
	statements, err := schema.Render(catalog.Pristine(m), m, schema.Options{})
	if err != nil {
		return "", fmt.Errorf("snapshot: %w", err)
	}
	return script(statements), nil
}

// command is a kedge binary.
type command struct{ path string }

func (c command) diff(ctx context.Context, from, to *database) (string, error) {
	out, err := run(exec.CommandContext(ctx, c.path, "diff", "--no-prove", from.url(), to.url()))
	if err != nil {
		return "", err
	}
	if onlyComments(out) {
		return "", nil
	}
	return out, nil
}

func (c command) snapshot(ctx context.Context, of *database) (string, error) {
	return run(exec.CommandContext(ctx, c.path, "snapshot", "--format", "sql", "--from", of.url()))
}

func onlyComments(script string) bool {
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			return false
		}
	}
	return true
}
