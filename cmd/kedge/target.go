package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

// loadProject reads the project's configuration once a run.
func (a *app) loadProject() (*environments.Project, error) {
	if a.project != nil {
		return a.project, nil
	}
	project, err := environments.Load(environments.Options{
		Dir:       a.dir,
		Project:   a.path(a.flags.project),
		Env:       a.flags.env,
		URL:       a.flags.url,
		Source:    a.flags.source,
		Environ:   a.environ,
		FlagNames: a.flagNames,
	})
	if err != nil {
		return nil, err
	}
	a.project = project
	return project, nil
}

// flagsFromProject sets each flag that neither the command line nor the
// environment set from kedge.yaml. A configuration that cannot be read is
// reported by the commands that need it.
func (a *app) flagsFromProject(cmd *cobra.Command) error {
	a.flagNames = allFlags(cmd.Root())
	project, err := a.loadProject()
	if err != nil {
		return nil
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || err != nil {
			return
		}
		if value, ok := project.Flag(f.Name); ok {
			if e := cmd.Flags().Set(f.Name, value); e != nil {
				err = usagef("%s: %s: %s", a.shown(project.File), f.Name, flagFault(e))
			}
		}
	})
	return err
}

// allFlags are the names of the flags of a command and of those below it.
func allFlags(cmd *cobra.Command) []string {
	seen := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, set := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
			set.VisitAll(func(f *pflag.Flag) { seen[strings.ReplaceAll(f.Name, "-", "_")] = true })
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(cmd)
	return slices.Sorted(maps.Keys(seen))
}

// target is an environment's database and the migrations for it.
type target struct {
	app     *app
	project *environments.Project
	env     *environments.Environment
	set     *source.Set
	cache   *source.Cache // of checksums; nil where the text of every script is wanted
	config  *pgx.ConnConfig
}

// target finds the chosen environment. It does not connect.
func (a *app) target(context.Context) (*target, error) {
	project, err := a.loadProject()
	if err != nil {
		return nil, err
	}
	return &target{app: a, project: project, env: project.Environment}, nil
}

// prepared is the chosen environment with its migrations read.
func (a *app) prepared(ctx context.Context) (*target, *source.Set, error) {
	t, err := a.target(ctx)
	if err != nil {
		return nil, nil, err
	}
	set, err := t.migrations(ctx)
	return t, set, err
}

// name is what people know the target by.
func (t *target) name() string {
	if t.env.Name == "" {
		return "database"
	}
	return t.env.Name
}

// connect is an apply.Connector to the target's database.
func (t *target) connect(ctx context.Context) (*pgx.Conn, error) {
	if err := t.configure(ctx); err != nil {
		return nil, err
	}
	return environments.Connect(ctx, t.config.Copy())
}

// configure works out how to connect, starting an embedded server if need be.
// Whoever connects from several goroutines calls it first.
func (t *target) configure(ctx context.Context) error {
	if t.config != nil {
		return nil
	}
	config, err := t.env.ConnConfig(ctx, t.app.installProgress())
	if err != nil {
		return err
	}
	t.config = config
	return nil
}

// options are the environment's rules for a run.
func (t *target) options() apply.Options {
	e := t.env
	o := apply.Options{
		History:          apply.Table{Schema: t.project.HistorySchema},
		Role:             e.Role,
		SearchPath:       e.SearchPath,
		Settings:         e.Settings,
		LockTimeout:      e.LockTimeout,
		LockRetry:        e.LockRetry,
		StatementTimeout: e.StatementTimeout,
		Throttle:         apply.Throttle{ReplicationLag: e.Throttle.ReplicationLag},
		Tool:             "kedge " + versionText(),
		Commit:           t.commit(),
	}
	o.Companion = t.companion
	if t.set != nil {
		o.Hooks = t.set.Hooks
	}
	if o.LockRetry == 0 {
		o.LockRetry = -1
	}
	return o
}

// commit is the revision of the checkout that the migrations are in, "" when
// they are in none.
func (t *target) commit() string {
	where := source.Locate(t.project.Migrations)
	if where.Path == "" {
		return ""
	}
	return revision(where.Path)
}

// migrations reads the project's migrations once a run, and says what is worth
// saying about them.
func (t *target) migrations(ctx context.Context) (*source.Set, error) {
	if t.set != nil {
		return t.set, nil
	}
	set, err := t.app.readMigrations(ctx, t.project, t.env, t.cache)
	if err != nil {
		return nil, err
	}
	for _, w := range set.Warnings {
		t.app.warn("%v", w)
	}
	if set.Uncached != nil { // a read-only file system, usually
		t.app.detail("checksums are not kept from run to run: %v", set.Uncached)
	}
	t.set = set
	return set, nil
}

func (a *app) readMigrations(ctx context.Context, project *environments.Project, env *environments.Environment, cache *source.Cache) (*source.Set, error) {
	where := project.Migrations
	if where == "" {
		return nil, usagef("there is no kedge.yaml here or above: say where the migrations are with --source, or start a project with: kedge init")
	}
	location := source.Locate(where)
	if location.Path != "" {
		location.Shown = a.shown(location.Path)
	}
	return a.loadSource(ctx, project, env, location, cache)
}

// loadSource reads migrations with the project's format and the environment's
// placeholders.
func (a *app) loadSource(ctx context.Context, project *environments.Project, env *environments.Environment, location source.Location, cache *source.Cache) (*source.Set, error) {
	set, err := source.Load(ctx, location, source.Options{
		Format:       project.Format,
		Placeholders: source.Placeholders{Values: env.Placeholders},
		Hooks:        source.KeepHooks,
		Environ:      a.lookup,
		Cache:        cache,
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%v\nSay where the migrations are with --source, or write the first one with: kedge new NAME", err)
	}
	return set, err
}

// migrationsFolder is where the project's own migrations are written.
func (a *app) migrationsFolder(project *environments.Project) (string, error) {
	location := source.Locate(project.Migrations)
	switch {
	case project.Migrations == "":
		return filepath.Join(a.dir, "migrations"), nil
	case location.Path == "":
		return "", usagef("migrations are read from %s: a folder is needed to write one", environments.Redact(project.Migrations))
	}
	return location.Path, nil
}

// guard refuses what a protected environment does not allow without a reason.
func (t *target) guard(direction string, f *runFlags) error {
	if !t.env.Protected || f.dryRun {
		return nil
	}
	asked := len(f.allow) > 0 || f.outOfOrder
	if direction != "up" && !f.allows("down") {
		return refusef("%s is protected: %s needs --allow down and --reason TEXT", t.name(), direction)
	}
	if asked && strings.TrimSpace(f.reason) == "" {
		return refusef("%s is protected: give --reason TEXT, which the history keeps", t.name())
	}
	return nil
}

// devServer is the project's embedded PostgreSQL.
func (a *app) devServer() (*environments.DevServer, error) {
	project, err := a.loadProject()
	if err != nil {
		return nil, err
	}
	return project.DevServer(a.installProgress())
}

// devDatabase starts the development server and returns the URL of the chosen
// environment's database on it.
func (a *app) devDatabase(ctx context.Context) (string, error) {
	server, err := a.devServer()
	if err != nil {
		return "", err
	}
	database := a.project.Environment.Database()
	if _, err := server.Open(ctx, database); err != nil {
		return "", err
	}
	return server.URL(ctx, database)
}

// checksums remembers the checksums of files that have not changed, so that a
// run reads those alone that it runs.
func (a *app) checksums() *source.Cache {
	return source.NewCache(filepath.Join(a.cacheFolder(), "checksums"))
}

// cacheFolder is where kedge keeps what it can make again.
func (a *app) cacheFolder() string {
	if folder, ok := a.lookup("KEDGE_CACHE"); ok && folder != "" {
		return folder
	}
	return environments.DefaultCache()
}

// findOptions say where to look for PostgreSQL; major 0 is the project's.
func (a *app) findOptions(major int) environments.FindOptions {
	cache, _ := a.lookup("KEDGE_CACHE")
	o := environments.FindOptions{Major: major, Cache: cache}
	if project, err := a.loadProject(); err == nil {
		o.Dir = project.Postgres.Bin
		if major == 0 {
			o.Major = project.Postgres.Major
		}
	}
	return o
}

// installProgress shows how a PostgreSQL is being fetched: once a phase, and on
// a terminal with a percentage.
func (a *app) installProgress() environments.Progress {
	if a.flags.quiet {
		return nil
	}
	last := ""
	return func(doing string, done, total int64) {
		if a.onTerminal(a.err) && total > 0 {
			fmt.Fprintf(a.err, "\r\x1b[K%s %d%%", doing, done*100/total)
			if done >= total {
				fmt.Fprintln(a.err)
			}
			return
		}
		if doing != last {
			last = doing
			a.say("%s", doing)
		}
	}
}

// execute runs SQL on the chosen environment's database.
func (a *app) execute(ctx context.Context, sql string) error {
	t, err := a.target(ctx)
	if err != nil {
		return err
	}
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("running %s: %w", firstLine(sql, 60), err)
	}
	return nil
}
