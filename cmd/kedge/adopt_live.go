package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/snapshot"
)

// adoptLive writes the live schema as a baseline migration, proves it and records it.
func (a *app) adoptLive(ctx context.Context, t *target, f *adoptFlags) error {
	folder, err := a.migrationsFolder(t.project)
	if err != nil {
		return err
	}
	options := t.options()
	options.Companion = nil
	entries, err := apply.History(ctx, t.connect, options)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return refusef("%s has a history already: kedge history", t.name())
	}
	if exists(folder) {
		set, err := t.migrations(ctx)
		if err != nil {
			return err
		}
		if len(set.Migrations) > 0 {
			return refusef("%s holds migrations already: say which of them the database has with kedge baseline V", a.shown(folder))
		}
	}
	l, err := t.live(ctx)
	if err != nil {
		return err
	}
	text, err := snapshot.SQL(l.model, snapshot.Options{})
	if err != nil {
		return err
	}
	version, err := migrate.ParseVersion(time.Now().UTC().Format("20060102150405"))
	if err != nil {
		return err
	}
	name := source.BaselineFile(version, f.name)
	text = fmt.Sprintf("-- The schema of %s as it was found.\n\n%s", t.name(), text)
	script := scriptOf(name, text)
	baseline := &migrate.Migration{Version: version, Name: f.name, Kind: migrate.Baseline, Up: script}
	if err := a.proveBaseline(ctx, t, l, baseline); err != nil {
		return err
	}
	if f.dryRun {
		a.result("%s", text)
		return nil
	}
	path := filepath.Join(folder, name)
	if err := writeNewFile(path, text); err != nil {
		return err
	}
	script.File = a.shown(path)
	note := "the schema was found in the database"
	if f.reason != "" {
		note = f.reason
	}
	if err := apply.AdoptAll(ctx, t.connect, []apply.Adoption{{Migration: baseline, Baseline: true, Note: note}}, nil, options); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if a.flags.json {
		return a.document(struct {
			Environment string          `json:"environment"`
			Version     migrate.Version `json:"version"`
			File        string          `json:"file"`
		}{t.name(), version, script.File})
	}
	a.say("%s: %s holds its schema, and is recorded as its baseline", t.name(), script.File)
	return nil
}

// proveBaseline builds a fresh database from a baseline and compares it with the live one.
func (a *app) proveBaseline(ctx context.Context, t *target, l *live, baseline *migrate.Migration) error {
	s, err := a.shadow(ctx, l.like)
	if err != nil {
		return err
	}
	database, err := s.create(ctx)
	if err != nil {
		return err
	}
	if err := s.run(ctx, database, []*migrate.Migration{baseline}, migrate.Request{Environment: t.env.Name}, t.shadowOptions()); err != nil {
		return fmt.Errorf("building a fresh database from the baseline: %w", err)
	}
	m, err := s.model(ctx, database, t.project.HistorySchema)
	if err != nil {
		return err
	}
	if list := schema.Differences(l.model, m, schema.Options{}); len(list) > 0 {
		return refusef("a fresh database built from the baseline is not the same; nothing was changed:%s", listChanges(list))
	}
	return nil
}
