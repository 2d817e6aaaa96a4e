package source

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/migrate"
)

var updateFormats = flag.Bool("update-formats", false, "write the expected readings anew")

// TestFormatCorpora reads the folders in testdata/formats and compares what kedge
// makes of them with what is written in each as "want".
func TestFormatCorpora(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "formats", "*", "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			require.NoError(t, err)
			fsys, want := fstest.MapFS{}, ""
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				data := strings.ReplaceAll(string(f.Data), "<BOM>", "\ufeff")
				fsys[f.Name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(data, "<CR>\n", "\r\n"))}
			}
			got := describeReading(t, fsys)
			if *updateFormats {
				for i := range archive.Files {
					if archive.Files[i].Name == "want" {
						archive.Files[i].Data = []byte(got)
					}
				}
				require.NoError(t, os.WriteFile(file, txtar.Format(archive), 0o644))
				return
			}
			require.Equal(t, want, got)
		})
	}
}

// describeReading is what kedge makes of a folder, for people to check.
func describeReading(t *testing.T, fsys fs.FS) string {
	environ := map[string]string{"OWNER": "alice", "EMPTY": ""}
	var b strings.Builder
	set, err := Load(context.Background(), Location{FS: fsys, Path: "."}, Options{
		Depth: Thorough, Hooks: KeepHooks,
		Environ: func(name string) (string, bool) { v, ok := environ[name]; return v, ok },
	})
	var list Problems
	if errors.As(err, &list) {
		for _, p := range list {
			fmt.Fprintf(&b, "problem %v\n", p)
		}
		return b.String()
	}
	require.NoError(t, err)
	fmt.Fprintf(&b, "format %s\n", set.Format)
	for _, w := range set.Warnings {
		fmt.Fprintf(&b, "warning %v\n", w)
	}
	for _, name := range set.Ignored {
		fmt.Fprintf(&b, "ignored %s\n", name)
	}
	for _, h := range set.Hooks {
		fmt.Fprintf(&b, "hook %s %q %s\n", h.Event, h.Name, h.Script.File)
	}
	for _, m := range set.Migrations {
		for _, s := range []*migrate.Script{m.Up, m.Down} {
			if s == nil {
				continue
			}
			direction := migrate.Up
			if s == m.Down {
				direction = migrate.Down
			}
			fmt.Fprintf(&b, "\n%s %q %s %s %s:%d", m.Key(), m.Name, m.Kind, direction, s.File, max(s.Line, 1))
			if s.Header.Transaction != migrate.Auto {
				fmt.Fprintf(&b, " transaction=%s", s.Header.Transaction)
			}
			if len(s.Header.Depends) > 0 {
				fmt.Fprintf(&b, " depends=%v", s.Header.Depends)
			}
			if len(s.Header.Environments) > 0 {
				fmt.Fprintf(&b, " environments=%v", s.Header.Environments)
			}
			if len(s.Values) > 0 {
				fmt.Fprintf(&b, " values=%v", s.Values)
			}
			b.WriteString("\n")
			for _, line := range strings.Split(strings.TrimRight(s.Text, "\n"), "\n") {
				fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(strings.ReplaceAll(line, "\r", "<CR>"), "\ufeff", "<BOM>"))
			}
		}
	}
	return b.String()
}
