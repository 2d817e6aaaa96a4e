package lint

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/lint/rules"
)

// fixes are the edits of one file.
type fixes struct {
	file  *File
	edits []rules.Edit // of the script's text
	rules []string
	alone bool // the statements have to commit one by one
}

func (r *run) fixes(s *script) *fixes {
	f := r.result.fixes[s.File]
	if f == nil {
		f = &fixes{file: s.file}
		r.result.fixes[s.File] = f
	}
	return f
}

// add takes the edits of one thing found, unless others touch the same place.
func (f *fixes) add(x raised) {
	var mine []rules.Edit
	for _, e := range x.found.Edits {
		if e == (rules.Edit{}) {
			continue // only the transaction is in the way
		}
		e.Span.Start += int(x.statement.Offset)
		e.Span.End += int(x.statement.Offset)
		if slices.ContainsFunc(f.edits, func(o rules.Edit) bool { return e.Span.Start <= o.Span.End && o.Span.Start <= e.Span.End }) {
			return
		}
		mine = append(mine, e)
	}
	f.edits = append(f.edits, mine...)
	f.rules = append(f.rules, x.rule.Name)
	f.alone = f.alone || x.found.Alone
}

// Fixed returns the script with the safe form in the place of each finding that has a mechanical one, and the rules
// that were satisfied so; none when there is nothing to change.
func (r *Result) Fixed(file string) (text string, satisfied []string) {
	f := r.fixes[file]
	if f == nil {
		return "", nil
	}
	text = rules.Apply(f.file.Text, f.edits)
	if f.alone && f.file.Header.Transaction == migrate.Auto {
		text = withHeader(text)
	}
	return text, f.rules
}

// withHeader has the script run statement by statement.
func withHeader(text string) string {
	const mark = "\ufeff"
	bare, found := strings.CutPrefix(text, mark)
	end := "\n"
	if strings.Contains(bare, "\r\n") {
		end = "\r\n"
	}
	text = "-- kedge: transaction=off" + end + bare
	if found {
		return mark + text
	}
	return text
}
