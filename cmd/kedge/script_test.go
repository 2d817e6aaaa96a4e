package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kedgedb/kedge/environments/pgtest"
)

// TestScripts runs the command-line scripts in testdata/script, found by
// walking. Beside testscript's own commands they have:
//
//	kedge ARGS…         runs kedge in this process, in the script's folder and
//	                    environment; the exit code must be 0 (with !: not 0)
//	code N kedge ARGS…  the exit code must be N
//	database NAME       makes an empty database and puts its URL into $NAME
//	sql URL STATEMENTS  runs SQL; rows are printed, columns separated by |
//	golden FILE         compares standard output with FILE; -update rewrites it
func TestScripts(t *testing.T) {
	root := filepath.Join("..", "..", "testdata", "script")
	var dirs []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			if found, _ := filepath.Glob(filepath.Join(path, "*.txtar")); len(found) > 0 {
				dirs = append(dirs, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) == 0 {
		t.Fatalf("no scripts below %s", root)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:                 dir,
				RequireUniqueNames:  true,
				RequireExplicitExec: true,
				UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
				Setup: func(env *testscript.Env) error {
					env.Setenv("TZ", "UTC")
					env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
					env.Setenv("PGAPPNAME", "")
					env.Values["t"] = t
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"kedge":    scriptKedge,
					"code":     scriptCode,
					"database": scriptDatabase,
					"sql":      scriptSQL,
				},
			})
		})
	}
}

// call runs kedge in this process as the script would from its folder.
func call(ts *testscript.TestScript, args []string) int {
	dir := ts.MkAbs(".")
	var out, errs bytes.Buffer
	code := run(context.Background(), surroundings{
		args:    args,
		dir:     dir,
		environ: scriptEnviron(ts),
		in:      strings.NewReader(""),
		out:     &out,
		err:     &errs,
	})
	fmt.Fprint(ts.Stdout(), out.String())
	fmt.Fprint(ts.Stderr(), errs.String())
	return code
}

// scriptVariables are what a script's kedge sees of the environment.
var scriptVariables = []string{"HOME", "PATH", "TMPDIR", "TZ", "XDG_CACHE_HOME", "NO_COLOR", "PGHOST", "PGPORT", "PGUSER",
	"PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGSERVICEFILE", "PGPASSFILE", "DATABASE_URL", "STAGING_DATABASE_URL",
	"KEDGE_ENV", "KEDGE_URL", "KEDGE_SOURCE", "KEDGE_JSON", "KEDGE_STEPS", "KEDGE_LOCK_RETRY", "KEDGE_CACHE", "KEDGE_POSTGRES"}

func scriptEnviron(ts *testscript.TestScript) []string {
	var list []string
	for _, name := range scriptVariables {
		if v := ts.Getenv(name); v != "" {
			list = append(list, name+"="+v)
		}
	}
	return list
}

func scriptKedge(ts *testscript.TestScript, neg bool, args []string) {
	code := call(ts, args)
	if (code != 0) != neg {
		ts.Fatalf("kedge ended with exit code %d", code)
	}
}

func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || args[1] != "kedge" {
		ts.Fatalf("usage: code N kedge ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := call(ts, args[2:]); got != want {
		ts.Fatalf("kedge ended with exit code %d, not %d", got, want)
	}
}

func scriptDatabase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: database NAME")
	}
	t := ts.Value("t").(*testing.T)
	ts.Setenv(args[0], pgtest.New(t).URL())
}

func scriptSQL(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sql URL STATEMENTS")
	}
	err := runSQL(ts, args[0], args[1])
	if neg != (err != nil) {
		ts.Fatalf("sql: %v", err)
	}
}

func runSQL(ts *testscript.TestScript, url, text string) error {
	ctx := context.Background()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	results := conn.PgConn().Exec(ctx, text)
	for results.NextResult() {
		r := results.ResultReader()
		for r.NextRow() {
			var cells []string
			for _, v := range r.Values() {
				cells = append(cells, string(v))
			}
			fmt.Fprintln(ts.Stdout(), strings.Join(cells, "|"))
		}
	}
	return results.Close()
}
