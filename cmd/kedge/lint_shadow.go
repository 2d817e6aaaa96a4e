package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/lint"
	"github.com/kedgedb/kedge/schema/ddl"
)

// traceWork runs what is looked at on a shadow that holds what ran before, and
// has the rules go by what was seen there.
func (a *app) traceWork(ctx context.Context, work *lintWork) error {
	t := work.target
	if t == nil { // files that are named stand for themselves
		project, err := a.loadProject()
		if err != nil {
			return err
		}
		t = &target{app: a, project: project, env: project.Environment}
	}
	var before []*migrate.Migration
	if work.target != nil {
		set, err := t.migrations(ctx)
		if err != nil {
			return err
		}
		later := map[*migrate.Migration]bool{}
		for _, m := range work.pending {
			later[m] = true
		}
		for _, m := range set.Migrations {
			if !later[m] {
				before = append(before, m)
			}
		}
	}
	return a.trace(ctx, t, before, work.files, &work.options)
}

// trace runs files on a shadow where the migrations before them are applied.
func (a *app) trace(ctx context.Context, t *target, before []*migrate.Migration, files []lint.File, o *lint.Options) (err error) {
	like := likeness{major: int(o.Major)}
	if o.Target != nil {
		conn, err := t.connect(ctx)
		if err != nil {
			return err
		}
		like, err = likenessOf(ctx, conn)
		if err := errors.Join(err, conn.Close(context.WithoutCancel(ctx))); err != nil {
			return err
		}
	}
	s, err := a.shadow(ctx, like)
	if err != nil {
		return err
	}
	if o.Major != 0 && s.server.Major() != int(o.Major) {
		a.warn("the shadow is PostgreSQL %d, the target %d: locks may differ", s.server.Major(), o.Major)
	}
	database, err := s.create(ctx)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		if err := s.run(ctx, database, before, migrate.Request{Environment: t.env.Name}, t.shadowOptions()); err != nil {
			return fmt.Errorf("replaying migrations on a shadow: %w", err)
		}
	}
	tracer, err := lint.NewTracer(ctx, func(ctx context.Context, tune func(*pgx.ConnConfig)) (*pgx.Conn, error) {
		config, err := s.server.Config(database)
		if err != nil {
			return nil, err
		}
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
		if s.like.user != "" {
			config.RuntimeParams["session_authorization"] = s.like.user
		}
		tune(config)
		return environments.Connect(ctx, config)
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tracer.Close(ctx)) }()
	trace, err := tracer.Files(ctx, files, lint.Session{Role: t.env.Role, SearchPath: t.env.SearchPath, Settings: t.env.Settings, History: historySchema(t)})
	if err != nil {
		return err
	}
	if trace.Failed != nil {
		a.warn("not all could be tried on the shadow: %v", trace.Failed)
	}
	o.Traced = trace.Effects
	if o.Major == 0 {
		o.Major = ddl.Major(s.server.Major())
	}
	return nil
}

func historySchema(t *target) string {
	if t.project.HistorySchema != "" {
		return t.project.HistorySchema
	}
	return "kedge"
}

// unapplied returns the migrations that a plan applies, and those before it that
// are in the database.
func (t *target) unapplied(ctx context.Context, plan *migrate.Plan) (before []*migrate.Migration, err error) {
	set, err := t.migrations(ctx)
	if err != nil {
		return nil, err
	}
	report, err := apply.Status(ctx, t.connect, set.Migrations, t.env.Name, t.options())
	if err != nil {
		return nil, err
	}
	applied := map[string]bool{}
	for _, s := range report.Migrations {
		if s.State == migrate.StateApplied || s.State == migrate.StateBaseline || s.State == migrate.StateChanged || s.State == migrate.StateOutdated {
			applied[(&migrate.Migration{Version: s.Version, Name: s.Name, Kind: s.Kind}).Key()] = true
		}
	}
	for _, m := range set.Migrations {
		if applied[m.Key()] {
			before = append(before, m)
		}
	}
	return before, nil
}
