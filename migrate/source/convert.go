package source

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kedgedb/kedge/migrate"
)

// formatLine is a line by which another tool's format begins a script.
var formatLine = regexp.MustCompile(`^(?:\x{feff})?(?:--\s*\+goose (?:Up|Down)|--\s*migrate:(?:up|down).*|---- create above / drop below ----|-- no-transaction.*)[ \t]*\r?\n`)

// Convert is the files of a set in golang-migrate's naming, with kedge's headers
// in place of what another tool's format says in its own way. The set has been
// loaded without placeholders.
func Convert(set *Set) ([]NewFile, error) {
	width := 1
	for _, m := range set.Migrations {
		first, _, _ := strings.Cut(m.Version.String(), ".")
		width = max(width, len(first))
	}
	var files []NewFile
	for _, m := range set.Migrations {
		stem, err := convertedName(m, width)
		if err != nil {
			return nil, err
		}
		for _, one := range []struct {
			script *migrate.Script
			end    string
			d      migrate.Direction
		}{{m.Up, ".up.sql", migrate.Up}, {m.Down, ".down.sql", migrate.Down}} {
			if one.script == nil {
				continue
			}
			text, err := convertedText(one.script, one.d)
			if err != nil {
				return nil, err
			}
			if m.Kind == migrate.Baseline || m.Kind == migrate.Repeatable && one.d == migrate.Up {
				one.end = ".sql"
			}
			files = append(files, NewFile{Path: stem + one.end, Content: text})
		}
	}
	for _, h := range set.Hooks {
		text, err := convertedText(h.Script, migrate.Up)
		if err != nil {
			return nil, err
		}
		name := h.Event
		if h.Name != "" {
			name += "__" + h.Name
		}
		files = append(files, NewFile{Path: name + ".sql", Content: text})
	}
	return files, nil
}

func convertedName(m *migrate.Migration, width int) (string, error) {
	if m.Kind == migrate.Repeatable { // its name is what history knows it by
		if strings.ContainsAny(m.Name, "/\\\x00") {
			return "", fmt.Errorf("%s: a repeatable migration of this name cannot be a file", m.Key())
		}
		return "R__" + m.Name, nil
	}
	name, err := fileName(m.Name)
	if err != nil {
		name = "migration"
	}
	if m.Kind == migrate.Baseline {
		return strings.TrimSuffix(BaselineFile(m.Version, name), ".sql"), nil
	}
	first, rest, dotted := strings.Cut(m.Version.String(), ".")
	number := strings.Repeat("0", width-len(first)) + first
	if dotted {
		number += "." + rest
	}
	return number + "_" + name, nil
}

func convertedText(s *migrate.Script, d migrate.Direction) (string, error) {
	if s.Run != nil {
		return "", fmt.Errorf("%s is written in Go: it stays where it is", s.File)
	}
	if s.Text == "" {
		return "", fmt.Errorf("%s is too large to be rewritten: move it by hand", s.File)
	}
	text := formatLine.ReplaceAllString(s.Text, "")
	head, err := settings(s, text, d)
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.File, err)
	}
	if strings.TrimSpace(text) == "" {
		text = "-- Nothing has to be done.\n"
	}
	return head + strings.TrimPrefix(text, "\ufeff"), nil
}

// settings is the header for what a script's format asks for and its own header does not.
func settings(s *migrate.Script, text string, d migrate.Direction) (string, error) {
	own, problems := parseHeader(text, d)
	if len(problems) > 0 {
		return "", errors.New(problems[0].message)
	}
	var b strings.Builder
	h := s.Header
	if h.Transaction != own.Transaction {
		fmt.Fprintf(&b, "-- kedge: transaction=%s\n", h.Transaction)
	}
	for _, t := range []struct {
		key       string
		want, has *time.Duration
	}{{"lock_timeout", h.LockTimeout, own.LockTimeout}, {"statement_timeout", h.StatementTimeout, own.StatementTimeout}} {
		if t.want != nil && t.has == nil {
			fmt.Fprintf(&b, "-- kedge: %s=%dms\n", t.key, t.want.Milliseconds())
		}
	}
	if h.Placeholders != nil && own.Placeholders == nil && !*h.Placeholders && strings.Contains(text, "${") {
		b.WriteString("-- kedge: placeholders=off\n")
	}
	if d == migrate.Up {
		for _, list := range []struct {
			key       string
			want, has []string
		}{{"environments", h.Environments, own.Environments}, {"depends", h.Depends, own.Depends}} {
			missing := slices.DeleteFunc(slices.Clone(list.want), func(v string) bool { return slices.Contains(list.has, v) })
			if len(missing) > 0 {
				fmt.Fprintf(&b, "-- kedge: %s=%s\n", list.key, quoteSetting(strings.Join(missing, ",")))
			}
		}
	}
	for _, allow := range h.Allow {
		if !slices.Contains(own.Allow, allow) {
			fmt.Fprintf(&b, "-- kedge: allow=%s reason=%s\n", allow.Hazard, quoteSetting(allow.Reason))
		}
	}
	return b.String(), nil
}

// quoteSetting writes a value as a header has it.
func quoteSetting(value string) string {
	if !strings.ContainsAny(value, " \t\"\\") {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}
