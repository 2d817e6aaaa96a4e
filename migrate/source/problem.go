package source

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrInvalid is wrapped by the error for a source with problems.
var ErrInvalid = errors.New("the migrations cannot be used")

// Rule names what a file breaks. docs/migrations.md explains each.
type Rule string

// The rules of a source.
const (
	RuleName        Rule = "name"        // the name fits no naming format
	RuleDuplicate   Rule = "duplicate"   // two files are the same version and direction
	RuleDown        Rule = "down"        // a down script without its up script
	RuleEmpty       Rule = "empty"       // a script without anything in it
	RuleText        Rule = "text"        // bytes that are not UTF-8, or NUL
	RuleSQL         Rule = "sql"         // a quote, comment or dollar quote without end; a psql command
	RuleHeader      Rule = "header"      // a header that does not parse
	RulePlaceholder Rule = "placeholder" // an undefined placeholder, or a value that may not stand there
	RuleRead        Rule = "read"        // a file that cannot be read
	RuleHook        Rule = "hook"        // a callback, where nobody runs callbacks
	RuleContent     Rule = "content"     // a file whose inside does not follow its format
)

// Problem is one thing that is wrong with a source.
type Problem struct {
	File         string
	Line, Column int // from 1; 0 when the file as a whole is meant
	Rule         Rule
	Message      string
	Err          error // the cause, where there is one
}

func (p Problem) Error() string {
	place := p.File
	if p.Line > 0 {
		place += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			place += fmt.Sprintf(":%d", p.Column)
		}
	}
	return fmt.Sprintf("%s: %s [%s]", place, p.Message, p.Rule)
}

// Unwrap is the cause.
func (p Problem) Unwrap() error { return p.Err }

// Problems are everything that is wrong with a source, by file and line.
type Problems []Problem

// Error names every problem, a line each.
func (p Problems) Error() string {
	var b strings.Builder
	b.WriteString(ErrInvalid.Error())
	if len(p) > 1 {
		fmt.Fprintf(&b, ": %d problems", len(p))
	}
	for _, one := range p {
		b.WriteString("\n  " + one.Error())
	}
	return b.String()
}

// Unwrap is ErrInvalid and the problems.
func (p Problems) Unwrap() []error {
	list := make([]error, 0, len(p)+1)
	list = append(list, ErrInvalid)
	for _, one := range p {
		list = append(list, one)
	}
	return list
}

// sorted puts problems in the order in which they are shown, each once.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, strings.Compare(string(a.Rule), string(b.Rule)), strings.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(p, func(a, b Problem) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}
