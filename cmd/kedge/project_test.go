package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
)

// TestRepositoryIsAProject holds this repository to what it tells others to do:
// its snapshot is fresh (else: make snapshot), and lint finds no error.
func TestRepositoryIsAProject(t *testing.T) {
	pgtest.New(t) // skips where there is no PostgreSQL
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	for _, line := range []string{"snapshot --from migrations --check", "lint"} {
		var out, errs bytes.Buffer
		code := run(context.Background(), surroundings{
			args: strings.Fields(line), dir: root, environ: os.Environ(), in: strings.NewReader(""), out: &out, err: &errs,
		})
		require.Equal(t, exitDone, code, "kedge %s\n%s%s", line, out.String(), errs.String())
	}
}
