package migrate

import (
	"errors"
	"fmt"
	"strings"
)

// Why a plan is refused. A Refusal wraps one of them.
var (
	ErrOutOfOrder     = errors.New("a version below the current one is not applied")
	ErrChanged        = errors.New("an applied migration's SQL has changed")
	ErrMissing        = errors.New("an applied migration has no file")
	ErrInterrupted    = errors.New("a non-transactional migration was interrupted")
	ErrNoDown         = errors.New("there is no down script")
	ErrUnknownVersion = errors.New("unknown version")
	ErrDuplicate      = errors.New("two migrations have the same version")
	ErrDepends        = errors.New("a dependency cannot be honoured")
	ErrTransaction    = errors.New("a statement cannot run in a transaction")
	ErrRequest        = errors.New("this cannot be done")
	ErrPlanStale      = errors.New("the plan no longer holds")
	ErrPlanEdited     = errors.New("the plan's digest does not match its content")
)

// Refusal says why a plan cannot be made: which rule, for which migrations, and
// what a person can do.
type Refusal struct {
	Rule   error // one of the sentinels
	Detail string
	Items  []RefusedItem
	Advice string // the next step: a command, or the flag that allows it
}

// RefusedItem is a migration that a plan is refused for.
type RefusedItem struct {
	Key    string // version, or R__name
	File   string // "" when there is none
	Detail string // what differs
}

// Error names the rule, every migration with its file, and the next step, a line each.
func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString(r.Rule.Error())
	if r.Detail != "" {
		b.WriteString(": " + r.Detail)
	}
	for _, i := range r.Items {
		b.WriteString("\n  " + i.Key)
		if i.File != "" {
			b.WriteString(" (" + i.File + ")")
		}
		if i.Detail != "" {
			b.WriteString(": " + i.Detail)
		}
	}
	if r.Advice != "" {
		b.WriteString("\n" + r.Advice)
	}
	return b.String()
}

// Unwrap is the rule.
func (r *Refusal) Unwrap() error { return r.Rule }

// enumerate joins words as a person would: a, b and c.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// describe says how far an interrupted run got.
func (i Interrupted) describe() string {
	what := "up"
	if i.Direction == Down {
		what = "down"
	}
	of := ""
	if i.Statements > 0 {
		of = fmt.Sprintf(" of %d", i.Statements)
	}
	s := fmt.Sprintf("its %s script stopped after statement %d%s", what, i.Done, of)
	if i.Doubt > 0 {
		s += fmt.Sprintf("; whether statement %d took effect is not known", i.Doubt)
	} else if i.Failure != nil {
		s += fmt.Sprintf("; statement %d failed", i.Done+1)
	}
	return s
}
