package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
	"github.com/kedgedb/kedge/schema/snapshot"
)

const statesHelp = `FROM and TO name a state of a schema:

  postgres://…     a live database
  env:NAME         the database of an environment
  DIR              a migrations folder, replayed on a shadow; or a snapshot of
                   kedge's (--format dir)
  migrations       the project's own migrations
  FILE.sql         an SQL script, loaded into a shadow
  FILE.json        a snapshot of kedge's (--format json)
  git:REF          the project's migrations as of a commit, replayed
  empty            an empty database
`

// live is a state that is a database and not something on disk.
type live struct {
	model *schema.Model
	like  likeness
}

// isLive tells whether a state is a database to connect to.
func isLive(state string) bool {
	return strings.HasPrefix(state, "env:") || strings.HasPrefix(state, "postgres://") || strings.HasPrefix(state, "postgresql://")
}

// models resolves two states. A shadow for one that is on disk is made like the
// other one where that is live.
func (a *app) models(ctx context.Context, from, to string) (*schema.Model, *schema.Model, likeness, error) {
	var like likeness
	resolved := map[string]*schema.Model{}
	for _, state := range []string{from, to} {
		if !isLive(state) || resolved[state] != nil {
			continue
		}
		l, err := a.liveModel(ctx, state)
		if err != nil {
			return nil, nil, like, err
		}
		resolved[state] = l.model
		if like.major == 0 {
			like = l.like
		}
	}
	for _, state := range []string{from, to} {
		if resolved[state] != nil {
			continue
		}
		m, err := a.keptModel(ctx, state, like)
		if err != nil {
			return nil, nil, like, err
		}
		resolved[state] = m
		if like.major == 0 {
			like = likenessOfModel(m)
		}
	}
	return resolved[from], resolved[to], like, nil
}

// liveModel connects to a database and reads its schema.
func (a *app) liveModel(ctx context.Context, state string) (*live, error) {
	project, err := a.loadProject()
	if err != nil {
		return nil, err
	}
	t := &target{app: a, project: project}
	if name, ok := strings.CutPrefix(state, "env:"); ok {
		if t.env, err = project.Named(name); err != nil {
			return nil, err
		}
	} else if t.config, err = environments.ParseURL(state); err != nil {
		return nil, err
	}
	return t.live(ctx)
}

// live reads the target's schema.
func (t *target) live(ctx context.Context) (*live, error) {
	conn, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	like, err := likenessOf(ctx, conn)
	if err != nil {
		return nil, err
	}
	m, err := readModel(ctx, conn, t.project.HistorySchema, t.connect)
	if err != nil {
		return nil, err
	}
	m.Identity = like.identity
	return &live{m, like}, nil
}

// keptModel is the model of a state that is on disk.
func (a *app) keptModel(ctx context.Context, state string, like likeness) (*schema.Model, error) {
	project, err := a.loadProject()
	if err != nil {
		return nil, err
	}
	if ref, ok := strings.CutPrefix(state, "git:"); ok {
		return a.modelAt(ctx, project, ref, like)
	}
	if state == "empty" {
		return a.emptyModel(ctx, like)
	}
	if state == "migrations" && !exists(a.path(state)) {
		return a.replay(ctx, project, source.Locate(project.Migrations), like)
	}
	path := a.path(state)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, usagef("%s is neither a URL, env:NAME, git:REF, migrations, empty nor a file: %v", environments.Redact(state), errors.Unwrap(err))
	case info.IsDir() && exists(filepath.Join(path, "schema.sql")):
		return a.loadedModel(ctx, filepath.Join(path, "schema.sql"), like)
	case info.IsDir():
		return a.replay(ctx, project, source.Location{Path: path, Shown: a.shown(path)}, like)
	case strings.HasSuffix(path, ".json"):
		return snapshotModel(path)
	default:
		return a.loadedModel(ctx, path, like)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func snapshotModel(path string) (*schema.Model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("reading the snapshot: %v", err)
	}
	m, err := snapshot.ReadJSON(text)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot %s: %w", path, err)
	}
	return m, nil
}

func (a *app) emptyModel(ctx context.Context, like likeness) (*schema.Model, error) {
	s, err := a.shadow(ctx, like)
	if err != nil {
		return nil, err
	}
	database, err := s.create(ctx)
	if err != nil {
		return nil, err
	}
	return s.model(ctx, database, "")
}

// modelAt is the model of the project's migrations as of a commit.
func (a *app) modelAt(ctx context.Context, project *environments.Project, ref string, like likeness) (m *schema.Model, err error) {
	folder, err := a.migrationsFolder(project)
	if err != nil {
		return nil, err
	}
	dir, err := a.filesAt(ctx, folder, ref)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return a.replay(ctx, project, source.Location{Path: dir, Shown: ref + ":" + a.shown(folder)}, like)
}

// replay builds the database that migrations make, on a shadow, and reads it.
func (a *app) replay(ctx context.Context, project *environments.Project, where source.Location, like likeness) (*schema.Model, error) {
	t := &target{app: a, project: project, env: project.Environment}
	set, err := a.loadSource(ctx, project, project.Environment, where, nil)
	if err != nil {
		return nil, err
	}
	s, err := a.shadow(ctx, like)
	if err != nil {
		return nil, err
	}
	database, err := s.create(ctx)
	if err != nil {
		return nil, err
	}
	options := t.shadowOptions()
	options.Hooks = set.Hooks
	if err := s.run(ctx, database, set.Migrations, migrate.Request{Environment: t.env.Name}, options); err != nil {
		return nil, fmt.Errorf("replaying migrations on a shadow: %w", err)
	}
	return s.model(ctx, database, project.HistorySchema)
}

// loadedModel is the model of what an SQL script makes in an empty database.
func (a *app) loadedModel(ctx context.Context, path string, like likeness) (*schema.Model, error) {
	s, err := a.shadow(ctx, like)
	if err != nil {
		return nil, err
	}
	database, err := s.create(ctx)
	if err != nil {
		return nil, err
	}
	script, err := loadable(path, a.shown(path))
	if err != nil {
		return nil, err
	}
	load := &migrate.Migration{Version: "1", Name: filepath.Base(path), Kind: migrate.Versioned, Up: script}
	if err := s.run(ctx, database, []*migrate.Migration{load}, migrate.Request{}, apply.Options{LockRetry: -1, History: apply.Table{Schema: loadSchema}}); err != nil {
		return nil, fmt.Errorf("loading %s into a shadow: %w", a.shown(path), err)
	}
	return s.model(ctx, database, loadSchema)
}

// loadable is an SQL file as a script to run.
func loadable(path, shown string) (*migrate.Script, error) {
	text, err := snapshot.ReadSQL(path)
	if err != nil {
		return nil, usagef("reading %s: %v", shown, err)
	}
	if err := ddl.CheckText(text); err != nil {
		return nil, usagef("%s: %v", shown, err)
	}
	script := &migrate.Script{
		File: shown, Size: int64(len(text)), Checksum: migrate.Checksum{Text: migrate.TextChecksum([]byte(text))},
		Reader: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
	if len(text) <= migrate.InlineLimit {
		script.Text = text
	}
	return script, nil
}

// loadSchema holds the history of loading a script into a shadow: no name that
// a script would use itself.
const loadSchema = "kedge_shadow_load"

// shadowOptions are the environment's rules as far as they shape the schema.
func (t *target) shadowOptions() apply.Options {
	o := t.options()
	return apply.Options{History: o.History, Role: o.Role, SearchPath: o.SearchPath, Settings: o.Settings, LockRetry: -1}
}
