package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func initCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Start a project: kedge.yaml, environments, a first migration",
		Long: `Writes kedge.yaml, environments/dev.yaml, staging.yaml and production.yaml and a
first pair of migrations into DIR (default: here). A file that is already there
is left as it is.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := a.dir
			if len(args) == 1 {
				dir = a.path(args[0])
			}
			return a.initProject(dir, time.Now().UTC())
		},
	}
}

// scaffold is what a new project begins with, by path.
func scaffold(now time.Time) []struct{ path, text string } {
	first := "migrations/" + now.Format("20060102150405") + "_create_example"
	return []struct{ path, text string }{
		{"kedge.yaml", `# A kedge project. Every key: docs/environments.md
migrations: migrations
snapshot: schema
environments: environments
default_environment: dev
`},
		{"environments/dev.yaml", `# A PostgreSQL of kedge's own, started when it is needed.
url: embedded
# kedge up and kedge down write the snapshot in ../schema anew.
refresh_snapshot: true
`},
		{"environments/staging.yaml", `url: ${STAGING_DATABASE_URL}
lock_timeout: 2s
lock_retry: 2m
`},
		{"environments/production.yaml", `url: ${DATABASE_URL}
# down, data loss and out-of-order need an explicit --allow and a --reason
protected: true
lock_timeout: 2s
lock_retry: 5m
`},
		{first + ".up.sql", `create table example (
    example_id bigint generated always as identity primary key,
    name       text        not null,
    created_at timestamptz not null default now()
);
`},
		{first + ".down.sql", `drop table example;
`},
	}
}

func (a *app) initProject(dir string, now time.Time) error {
	files := scaffold(now)
	if entries, err := os.ReadDir(filepath.Join(dir, "migrations")); err == nil && len(entries) > 0 {
		files = files[:len(files)-2]
	}
	written := []string{}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("starting a project: %w", err)
		}
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			a.say("kept     %s", a.shown(path))
			continue
		}
		if err != nil {
			return fmt.Errorf("starting a project: %w", err)
		}
		_, err = out.WriteString(f.text)
		if err := errors.Join(err, out.Close()); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		written = append(written, a.shown(path))
		a.say("written  %s", a.shown(path))
	}
	if a.flags.json {
		return a.document(struct {
			Files []string `json:"files"`
		}{written})
	}
	a.say("\nNext: kedge up")
	return nil
}
