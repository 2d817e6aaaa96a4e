package apply

import (
	"context"

	"github.com/kedgedb/kedge/migrate"
)

// Session is a connection that holds the run lock from Open to Close, for
// programs that decide step by step what to run.
type Session struct {
	r *runner
}

// Open connects, takes the lock and makes sure of the history table. Without
// the lock within Options.RunWait the error is a *LockedError.
func Open(ctx context.Context, to Connector, o Options) (*Session, error) {
	r := newRunner(to, nil, o)
	err := r.connect(ctx)
	if err == nil && (r.facts.standby || r.facts.readOnly) {
		err = readOnly(r.facts)
	}
	if err == nil {
		err = r.take(ctx)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return &Session{r: r}, nil
}

// Run is Run under the session's lock.
func (s *Session) Run(ctx context.Context, migrations []*migrate.Migration, request migrate.Request) (*Report, error) {
	r := s.r
	r.migrations = migrations
	p, err := r.request(request)(ctx)
	if err != nil {
		return nil, err
	}
	if r.adoptPlan(p); len(p.Steps) == 0 {
		return r.report, nil
	}
	err = r.carryOut(ctx)
	r.report.History = migrate.Fold(r.entries)
	r.report.To = r.report.History.Current()
	if err != nil {
		r.report.Error = errorReport(err)
	}
	return r.report, err
}

// History is the state of the database as the session knows it.
func (s *Session) History() migrate.History { return migrate.Fold(s.r.sorted()) }

// Record adds entries to the history, each in a transaction of its own. Who and when is filled in.
func (s *Session) Record(ctx context.Context, entries ...migrate.Entry) error {
	for _, e := range entries {
		if err := s.r.add(ctx, s.r.signed(e), scripts{}); err != nil {
			return err
		}
	}
	return nil
}

// Close gives the lock back and ends the connection.
func (s *Session) Close() { s.r.close() }
