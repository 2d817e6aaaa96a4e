package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
	"github.com/kedgedb/kedge/schema/snapshot"
)

func redact(text string) string { return environments.Redact(text) }

// way is the SQL that takes one model to another.
type way struct {
	statements  []schema.Statement
	changes     []schema.ObjectChange
	suggestions []string // what may be a rename
}

// way works the SQL out and proves it, unless the flags say otherwise.
func (a *app) way(ctx context.Context, from, to *schema.Model, like likeness, f *diffFlags) (*way, error) {
	w := &way{}
	start := from
	renames, err := f.renamed(from, to)
	if err != nil {
		return nil, err
	}
	if len(renames) > 0 {
		if w.statements, start, err = a.rename(ctx, from, renames, like); err != nil {
			return nil, err
		}
	}
	result, err := schema.Diff(start, to, f.options())
	if err != nil {
		return nil, err
	}
	w.statements = append(w.statements, result.Statements...)
	w.changes = result.Changes
	for _, r := range schema.PossibleRenames(start, to, result.Changes) {
		w.suggestions = append(w.suggestions, r.String())
	}
	if len(w.statements) == 0 || f.noProve {
		return w, nil
	}
	return w, a.prove(ctx, from, to, like, w, f.options())
}

// renamed are the renames that the person named and those that the two models
// know by their oids.
func (f *diffFlags) renamed(from, to *schema.Model) ([]schema.Rename, error) {
	renames := schema.KnownRenames(from, to)
	for _, text := range f.renames {
		r, err := schema.ParseRename(text)
		if err != nil {
			return nil, usagef("--%v", err)
		}
		if !slices.Contains(renames, r) {
			renames = append(renames, r)
		}
	}
	return renames, nil
}

// rename carries renames out on a shadow, since a name stands in the text of
// expressions, views and functions, too.
func (a *app) rename(ctx context.Context, from *schema.Model, renames []schema.Rename, like likeness) ([]schema.Statement, *schema.Model, error) {
	var statements []schema.Statement
	m := from
	for _, r := range renames {
		s, err := r.Statement(m)
		if err != nil {
			return nil, nil, usagef("--rename %s: %v", r, err)
		}
		statements = append(statements, s)
		if m, err = a.after(ctx, from, statements, like); err != nil {
			return nil, nil, fmt.Errorf("renaming %s: %w", r, err)
		}
	}
	return statements, m, nil
}

// reversed are the renames on the way back.
func reversed(renames []string) []string {
	var back []string
	for _, text := range renames {
		if r, err := schema.ParseRename(text); err == nil {
			old := r.From.Name
			r.From.Name, r.To = r.To, old
			back = append([]string{r.String()}, back...)
		}
	}
	return back
}

// after is a model once statements have run on it: it is rebuilt on a shadow,
// they run there, and what comes out is read.
func (a *app) after(ctx context.Context, m *schema.Model, statements []schema.Statement, like likeness) (*schema.Model, error) {
	like.user, like.owner = m.User, m.Owner
	if like.major == 0 {
		like.major = m.Server
	}
	s, err := a.shadow(ctx, like)
	if err != nil {
		return nil, err
	}
	if err := s.ensureRoles(ctx, m.Roles()); err != nil {
		return nil, err
	}
	database, err := s.create(ctx)
	if err != nil {
		return nil, err
	}
	built, err := schema.Render(catalog.Pristine(m), m, schema.Options{})
	if err != nil {
		return nil, err
	}
	if err := s.execute(ctx, database, built); err != nil {
		return nil, fmt.Errorf("rebuilding the schema on a shadow: %w", err)
	}
	if err := s.execute(ctx, database, statements); err != nil {
		return nil, err
	}
	return s.model(ctx, database, "")
}

// prove runs a way on a shadow and compares what comes out with where it was
// to lead.
func (a *app) prove(ctx context.Context, from, to *schema.Model, like likeness, w *way, o schema.Options) error {
	like.roles = append(like.roles, to.Roles()...)
	reached, err := a.after(ctx, from, w.statements, like)
	if err != nil {
		var refused *shadowError
		switch {
		case !errors.As(err, &refused):
			return fmt.Errorf("proving the SQL on a shadow: %w", err)
		case refused.lacking():
			return fmt.Errorf("proving the SQL on a shadow: %w\nThe shadow lacks what the schema needs: install it for PostgreSQL %d here, or let --no-prove print the SQL unproven", err, max(like.major, from.Server))
		}
		return a.unproven(from, to, w, err.Error())
	}
	left := schema.Differences(reached, to, o)
	if len(left) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s left:", count(len(left), "difference"))
	for _, c := range left {
		fmt.Fprintf(&b, "\n  %s %s", c.Operation, c.Object)
		for _, p := range c.Changes {
			fmt.Fprintf(&b, "\n    %s: %s, not %s", p.Property, firstLine(schema.Text(p.From), 200), firstLine(schema.Text(p.To), 200))
		}
	}
	return a.unproven(from, to, w, b.String())
}

// unproven reports a way that does not lead where it should, and keeps all that
// is needed to find out why.
func (a *app) unproven(from, to *schema.Model, w *way, reason string) error {
	dir, err := os.MkdirTemp("", "kedge-unproven-")
	if err != nil {
		return fmt.Errorf("keeping the evidence: %w", err)
	}
	for name, m := range map[string]*schema.Model{"from.json": from, "to.json": to} {
		text, err := snapshot.JSON(m)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("keeping the evidence: %w", err)
		}
	}
	text, err := json.MarshalIndent(w.document(), "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "diff.json"), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keeping the evidence: %w", err)
	}
	return fmt.Errorf("proving the SQL on a shadow: it does not lead to TO: %s\nThis is a fault of kedge's; both models and the SQL are kept in %s. --no-prove prints the SQL all the same", reason, dir)
}
