package lint

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Session is what every script starts with.
type Session struct {
	Role, SearchPath string
	Settings         map[string]string
	History          string // schema of the history, which gets no rows
}

// Trace is what files were seen to do.
type Trace struct {
	seen map[place][]ddl.Effect
	// Failed is why the rest was not tried; nil when everything was.
	Failed error
}

type place struct {
	file   string
	offset int64
}

// Effects returns what a statement was seen to do, by its file and its offset there, and whether it was seen.
func (t *Trace) Effects(file string, offset int64) ([]ddl.Effect, bool) {
	e, ok := t.seen[place{file, offset}]
	return e, ok
}

// Files runs up scripts in their order, statement by statement. Tables that are empty get a few rows first. Scripts of
// Earlier and down scripts are passed over.
func (t *Tracer) Files(ctx context.Context, files []File, session Session) (*Trace, error) {
	trace := &Trace{seen: map[place][]ddl.Effect{}}
	if _, err := Fill(ctx, t.conn, session.History); err != nil {
		return nil, err
	}
	for i := range files {
		f := &files[i]
		if f.Earlier || f.Direction == migrate.Down {
			continue
		}
		if err := t.reset(ctx, session); err != nil {
			return nil, fmt.Errorf("tracing: %w", err)
		}
		target, err := ReadTarget(ctx, t.other)
		if err != nil {
			return nil, err
		}
		list, err := ddl.Split(f.Text)
		if err != nil {
			trace.Failed = fmt.Errorf("%s: %w", f.Name, err)
			return trace, nil
		}
		for _, s := range list {
			node, err := s.Parse()
			if err != nil {
				node = &ddl.Unknown{Verb: s.Class.Verb}
			}
			seen, err := t.Statement(ctx, s, node, target.Scene)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				trace.Failed = fmt.Errorf("%s:%d: %w", f.Name, s.Line+max(f.Line, 1)-1, err)
				return trace, nil
			}
			if seen.Traced {
				trace.seen[place{f.Name, s.Offset}] = seen.Effects
			}
			target.Scene.Apply(node)
		}
	}
	return trace, nil
}

// reset gives the session back what a script starts with.
func (t *Tracer) reset(ctx context.Context, s Session) error {
	sql := "RESET ALL; RESET ROLE; SET timezone = 'UTC'"
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		sql += "; SET " + name + " = " + ddl.QuoteLiteral(s.Settings[name])
	}
	if s.SearchPath != "" {
		sql += "; SET search_path = " + s.SearchPath
	}
	if s.Role != "" {
		sql += "; SET ROLE " + ddl.QuoteIdent(s.Role)
	}
	return t.exec(ctx, sql)
}
