package apply

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/migrate"
)

// Report is what a run did.
type Report struct {
	Environment string                  `json:"environment"`
	RunID       string                  `json:"run_id"`
	From        migrate.Version         `json:"from"` // before the run
	To          migrate.Version         `json:"to"`   // where the database is now
	Steps       []StepReport            `json:"steps"`
	Error       *migrate.StatementError `json:"error,omitempty"`
	Warnings    []string                `json:"warnings,omitempty"`
	Duration    time.Duration           `json:"-"`
	Plan        *migrate.Plan           `json:"-"` // what was to be done
	History     migrate.History         `json:"-"` // the state in which a run that carried steps out left the database
}

// StepReport is what became of a step of the plan.
type StepReport struct {
	Version    migrate.Version   `json:"version"`
	Name       string            `json:"name"`
	Kind       migrate.Kind      `json:"kind"`
	Direction  migrate.Direction `json:"direction"`
	State      StepState         `json:"state"`
	DurationMS float64           `json:"duration_ms"`
	Retries    int               `json:"retries"`
}

// StepState is what became of a step.
type StepState string

// The states of a step.
const (
	StepPending     StepState = "pending" // not begun
	StepApplied     StepState = "applied"
	StepReverted    StepState = "reverted"
	StepFailed      StepState = "failed"      // and left nothing behind
	StepInterrupted StepState = "interrupted" // a non-transactional one that stopped half-way
	StepUnknown     StepState = "unknown"     // see ErrOutcomeUnknown
)

func reached(d migrate.Direction) StepState {
	if d == migrate.Down {
		return StepReverted
	}
	return StepApplied
}

func newReport(runID string, p *migrate.Plan) *Report {
	report := &Report{RunID: runID, Environment: p.Environment, From: p.From, To: p.From, Steps: make([]StepReport, len(p.Steps)), Plan: p}
	for i, s := range p.Steps {
		report.Steps[i] = StepReport{Version: s.Migration.Version, Name: s.Migration.Name, Kind: s.Migration.Kind, Direction: s.Direction, State: StepPending}
	}
	return report
}

// errorReport is an error as --json shows it.
func errorReport(err error) *migrate.StatementError {
	var located *migrate.StatementError
	if errors.As(err, &located) {
		return located
	}
	e := &migrate.StatementError{Message: err.Error(), Err: err}
	var script *migrate.ScriptError
	if errors.As(err, &script) {
		e.File, e.Line, e.Column = script.File, script.Line, script.Column
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		e.SQLSTATE, e.Hint = pg.Code, pg.Hint
	}
	return e
}
