package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/source"
)

// The exit codes, stable: scripts are written against them.
const (
	exitDone     = 0
	exitFailed   = 1
	exitFindings = 2
	exitUsage    = 3
	exitLocked   = 4
	exitRefused  = 5
)

const exitCodesHelp = `kedge ends with one of these exit codes:

  0  done, nothing to report
  1  the work failed: a statement, the connection
  2  findings: drift, pending migrations (status --exit-code), lint, a stale snapshot
  3  usage or configuration: a wrong flag, an unknown key, a file that cannot be read
  4  the lock is held by another run, or lock retries ran out
  5  refused by a guard: protected environment, changed checksum, out of order,
     interrupted migration

They are stable: scripts may rely on them.
`

// usageError is a mistake in how kedge was called or configured.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// refusal is a guard's no.
type refusal struct{ message string }

func (e *refusal) Error() string { return e.message }

func refusef(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// findings says that there is something for a person to look at; it has been
// printed already.
type findings struct{}

func (findings) Error() string { return "findings" }

// reported wraps an error that has been shown already, as part of a result.
type reported struct{ error }

func (r *reported) Unwrap() error { return r.error }

// found turns "there were some" into the error that ends kedge with code 2.
func found(any bool) error {
	if any {
		return &reported{findings{}}
	}
	return nil
}

// exitCode is the one place that maps errors to exit codes.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, new(findings)):
		return exitFindings
	case errors.As(err, new(*usageError)), isConfiguration(err):
		return exitUsage
	case isLocked(err):
		return exitLocked
	case errors.As(err, new(*refusal)), isRefused(err):
		return exitRefused
	default:
		return exitFailed
	}
}

// isConfiguration tells whether what kedge was given to read is at fault.
func isConfiguration(err error) bool {
	return errors.As(err, new(*environments.ConfigError)) || errors.Is(err, source.ErrInvalid) ||
		errors.Is(err, migrate.ErrRequest) || errors.Is(err, migrate.ErrUnknownVersion)
}

// isLocked tells whether somebody else was in the way for too long.
func isLocked(err error) bool {
	return errors.Is(err, apply.ErrLocked) || errors.Is(err, apply.ErrLockRetries)
}

// isRefused tells whether a rule of the planner or the runner said no.
func isRefused(err error) bool {
	return errors.As(err, new(*migrate.Refusal)) || errors.Is(err, apply.ErrHistoryLayout)
}

// explain is an error for the person who reads it: the source line and a caret
// where a statement is at fault. Paths below dir, where they stand, are short.
func explain(err error, dir string) string {
	var statement *migrate.StatementError
	text := environments.Redact(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	if errors.As(err, &statement) {
		text = strings.TrimRight(environments.Redact(statement.Render()), "\n")
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted: what was running is rolled back, what was applied before stays\n" + text
	}
	return text
}
