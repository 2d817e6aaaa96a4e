package catalog_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/kedgedb/kedge/environments/pgtest"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
	"github.com/kedgedb/kedge/schema/judge"
)

// TestPairs takes each old schema of testdata/pairs to the new one and back.
// The whole corpus runs when KEDGE_PAIRS is "all" or a part of a path;
// otherwise every twelfth pair does.
func TestPairs(t *testing.T) {
	which := os.Getenv("KEDGE_PAIRS")
	var files []string
	root := "../../testdata/pairs"
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".txtar") {
			files = append(files, path)
		}
		return err
	}))
	for i, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, root+"/"), ".txtar")
		if which == "" && i%12 != 0 || which != "" && which != "all" && !strings.Contains(name, which) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPair(t, file)
		})
	}
}

func checkPair(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	parts := map[string]string{}
	for _, part := range txtar.Parse(data).Files {
		parts[part.Name] = string(part.Data)
	}
	f := fixture{roles: []string{"app_reader", "app_writer", "app_owner", "Odd Role"}}
	before, after := f.database(t, parts["old.sql"]), f.database(t, parts["new.sql"])
	oldModel, newModel := before.read(t), after.read(t)
	oldDump, newDump := dump(before), dump(after)
	for _, unknown := range append(oldModel.Unmodelled, newModel.Unmodelled...) {
		t.Errorf("unmodelled: %+v", unknown)
	}
	if rows := parts["rows.sql"]; rows != "" {
		_, err := before.conn.Exec(t.Context(), rows)
		require.NoError(t, err)
	}
	t.Run("there", func(t *testing.T) { before.take(t, oldModel, newModel, newDump, schema.Online) })
	if strings.Contains(parts["options"], "back: none") {
		return
	}
	t.Run("back", func(t *testing.T) { after.take(t, newModel, oldModel, oldDump, schema.Offline) })
	t.Run("render", func(t *testing.T) {
		statements, err := schema.Render(catalog.Pristine(newModel), newModel, schema.Options{})
		require.NoError(t, err)
		fresh := pgtest.New(t)
		loaded := database{fresh, fresh.Connect(t.Context())}
		loaded.run(t, statements)
		requireDump(t, judge.Normalise(newDump), judge.Normalise(dump(loaded)), statements)
	})
}

// take applies the diff of two models and lets pg_dump judge.
func (d database) take(t *testing.T, from, to *schema.Model, want string, style schema.Style) {
	result, err := schema.Diff(from, to, schema.Options{Style: style})
	require.NoError(t, err)
	rows := d.rows(t)
	d.run(t, result.Statements)
	requireDump(t, judge.Normalise(want), judge.Normalise(dump(d)), result.Statements)
	requireSame(t, to, d.read(t))
	after := d.rows(t)
	for table, n := range rows {
		if have, still := after[table]; still {
			require.Equal(t, n, have, "rows of %s\n%s", table, text(result.Statements))
		}
	}
}
