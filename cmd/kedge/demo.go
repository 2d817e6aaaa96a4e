package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kedgedb/kedge/schema/orders"
)

func demoCommand(a *app) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story on the Users/Orders schema, in under a minute",
		Long: `Writes the Users/Orders reference project into a folder of its own, starts an
embedded PostgreSQL for it and runs the commands of a working day: up, status,
down, up again, a change made behind kedge's back, drift, snapshot. Nothing of
yours is touched; the server and the folder are gone afterwards, unless --dir
names the folder to keep.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context(), dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write the project into this folder and keep it")
	return cmd
}

// scene is a part of the demo: a sentence and the command lines that show it.
type scene struct {
	says  string
	lines [][]string
}

// demoChange is what somebody does behind kedge's back.
const demoChange = `drop index idx_order_status; grant update on transactions to public;`

// demoVariables are kedge's own variables that the demo follows; others would
// lead it to somebody's database or migrations.
var demoVariables = []string{"KEDGE_CACHE", "KEDGE_POSTGRES", "KEDGE_NO_COLOR", "KEDGE_QUIET"}

var scenes = []scene{
	{"Six weeks of migrations, applied to an empty PostgreSQL:", [][]string{{"up"}}},
	{"What is applied, and what is not:", [][]string{{"status"}}},
	{"Down takes the last one back, up applies it again:", [][]string{{"down"}, {"up"}}},
	{"Somebody changes the database behind kedge's back:", [][]string{{"psql"}}},
	{"drift says what has changed and how bad it is:", [][]string{{"drift"}}},
	{"… and prints the SQL that puts it right:", [][]string{{"drift", "--fix", "revert"}}},
	{"The schema, written down for review:", [][]string{{"snapshot", "--out", "schema.sql"}}},
	{"Who did what:", [][]string{{"history", "--limit", "5"}}},
}

func (a *app) demo(ctx context.Context, dir string) (err error) {
	began := time.Now()
	if dir == "" {
		if dir, err = os.MkdirTemp("", "kedge-demo-"); err != nil {
			return fmt.Errorf("making the demo's folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else {
		dir = a.path(dir)
	}
	if err := writeDemo(dir); err != nil {
		return err
	}
	stage := &app{surroundings: a.surroundings}
	stage.dir = dir
	stage.environ = slices.DeleteFunc(slices.Clone(a.environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return strings.HasPrefix(name, "KEDGE_") && !slices.Contains(demoVariables, name)
	})
	defer func() {
		server, e := stage.devServer()
		if e == nil {
			e = server.Reset(context.WithoutCancel(ctx))
		}
		err = errors.Join(err, e)
	}()
	for _, s := range scenes {
		a.result("\n%s", a.paint(a.out, bold, s.says))
		for _, line := range s.lines {
			if err := a.play(ctx, stage, line); err != nil {
				return err
			}
		}
	}
	a.result("\n%s", a.paint(a.out, bold, fmt.Sprintf("That was kedge, in %s. Next: kedge init", brief(time.Since(began)))))
	return nil
}

// play shows a command line and runs it in the demo's folder.
func (a *app) play(ctx context.Context, stage *app, line []string) error {
	if line[0] == "psql" {
		a.result("%s", a.paint(a.out, cyan, `$ psql -c "`+demoChange+`"`))
		return stage.execute(ctx, demoChange)
	}
	a.result("%s", a.paint(a.out, cyan, "$ kedge "+strings.Join(line, " ")))
	s := stage.surroundings
	s.args = line
	switch code := run(ctx, s); code {
	case exitDone, exitFindings:
		return nil
	default:
		return &reported{fmt.Errorf("kedge %s ended with exit code %d", strings.Join(line, " "), code)}
	}
}

// writeDemo lays the reference project out in a folder.
func writeDemo(dir string) error {
	settings := "url: embedded\nplaceholders:\n"
	for name, value := range orders.Placeholders() {
		settings += fmt.Sprintf("  %s: %q\n", name, value)
	}
	files := map[string]string{
		"kedge.yaml":            "migrations: migrations\nenvironments: environments\n",
		"environments/dev.yaml": settings,
	}
	migrations := orders.Migrations()
	err := fs.WalkDir(migrations, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations, path)
		files["migrations/"+path] = string(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the reference schema: %w", err)
	}
	for name, text := range files {
		if err := writeNewFile(filepath.Join(dir, filepath.FromSlash(name)), text); err != nil {
			return err
		}
	}
	return nil
}
