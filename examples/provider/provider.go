// Package provider is kedge behind the calls of goose's Provider, for a program
// that changes over: the same handful of methods, on the same files.
package provider

import (
	"context"
	"io/fs"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

// Provider runs the migrations of one source on one database.
type Provider struct {
	to   apply.Connector
	set  *source.Set
	opts apply.Options
}

// New reads the migrations; code are those that are written in Go.
func New(ctx context.Context, to apply.Connector, fsys fs.FS, code ...*migrate.Migration) (*Provider, error) {
	set, err := source.Load(ctx, source.Location{FS: fsys, Path: ".", Code: code}, source.Options{Hooks: source.KeepHooks})
	if err != nil {
		return nil, err
	}
	return &Provider{to: to, set: set, opts: apply.Options{Hooks: set.Hooks}}, nil
}

func (p *Provider) run(ctx context.Context, r migrate.Request) (*apply.Report, error) {
	return apply.Run(ctx, p.to, p.set.Migrations, r, p.opts)
}

// Up applies everything that is pending.
func (p *Provider) Up(ctx context.Context) (*apply.Report, error) {
	return p.run(ctx, migrate.Request{})
}

// UpByOne applies the next one.
func (p *Provider) UpByOne(ctx context.Context) (*apply.Report, error) {
	return p.run(ctx, migrate.Request{Steps: 1})
}

// Down reverts the last one.
func (p *Provider) Down(ctx context.Context) (*apply.Report, error) {
	return p.run(ctx, migrate.Request{Direction: migrate.Down})
}

// Status says where each migration stands.
func (p *Provider) Status(ctx context.Context) (*apply.StatusReport, error) {
	return apply.Status(ctx, p.to, p.set.Migrations, "", p.opts)
}
