package source

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// headerKey is a key of a header and how its value is read.
type headerKey struct {
	name   string
	upOnly bool // it belongs in the up script: it is about the migration as a whole
	read   func(h *migrate.Header, value string) error
}

// headerKeys are the keys that a header knows. reason belongs to an allow on the same line.
var headerKeys = []headerKey{
	{"transaction", false, readTransaction},
	{"lock_timeout", false, func(h *migrate.Header, v string) error { return readTimeout(&h.LockTimeout, v) }},
	{"statement_timeout", false, func(h *migrate.Header, v string) error { return readTimeout(&h.StatementTimeout, v) }},
	{"environments", true, func(h *migrate.Header, v string) error { return readList(&h.Environments, v) }},
	{"depends", true, func(h *migrate.Header, v string) error { return readList(&h.Depends, v) }},
	{"allow", false, nil},
	{"reason", false, nil},
	{"placeholders", false, readPlaceholders},
}

func headerNames() []string {
	names := make([]string, len(headerKeys))
	for i, k := range headerKeys {
		names[i] = k.name
	}
	return names
}

// headerError is a place in a header, counted from the script's first line.
type headerError struct {
	line, column int
	message      string
}

func (e *headerError) Error() string { return e.message }

// parseHeader reads the header of a script: the lines "-- kedge: key=value …"
// among the comments that stand before its first statement.
func parseHeader(text string, d migrate.Direction) (migrate.Header, []headerError) {
	var h migrate.Header
	var problems []headerError
	seen := map[string]bool{}
	line, lineStart := 1, 0
	lexer := ddl.NewLexer(text)
	for t := lexer.Next(); t.Trivia(); t = lexer.Next() {
		if body, at, ok := headerLine(t); ok {
			reader := headerReader{h: &h, direction: d, seen: seen, line: line, column: t.Offset - lineStart + at + 1}
			problems = append(problems, reader.read(body)...)
		}
		if n := strings.Count(t.Text, "\n"); n > 0 {
			line += n
			lineStart = t.Offset + strings.LastIndexByte(t.Text, '\n') + 1
		}
	}
	return h, problems
}

// ReadHeader reads the header of a script of the direction. The first thing wrong with it is the error; the header is
// what the rest says.
func ReadHeader(text string, d migrate.Direction) (migrate.Header, error) {
	h, problems := parseHeader(text, d)
	if len(problems) > 0 {
		return h, fmt.Errorf("reading the header, line %d: %s", problems[0].line, problems[0].message)
	}
	return h, nil
}

const headerMark = "kedge:"

// headerLine is what follows "-- kedge:" in a comment, and where in it that begins.
func headerLine(t ddl.Token) (body string, at int, ok bool) {
	comment, ok := strings.CutPrefix(t.Text, "--")
	if t.Kind != ddl.Comment || !ok {
		return "", 0, false
	}
	trimmed := strings.TrimLeft(comment, " \t")
	body, ok = strings.CutPrefix(trimmed, headerMark)
	if strings.HasPrefix(body, "ignore") { // kedge:ignore is for lint
		return "", 0, false
	}
	return body, len(t.Text) - len(body), ok
}

// headerReader reads one line of a header.
type headerReader struct {
	h            *migrate.Header
	direction    migrate.Direction
	seen         map[string]bool
	line, column int // of the first character after "kedge:"
}

func (r *headerReader) read(body string) (problems []headerError) {
	fail := func(at int, format string, args ...any) {
		problems = append(problems, headerError{r.line, r.column + at, fmt.Sprintf(format, args...)})
	}
	var allow []string
	allowAt, reason, reasonAt := 0, "", -1
	rest := body
	for {
		rest = strings.TrimLeft(rest, " \t\r")
		at := len(body) - len(rest)
		if rest == "" {
			break
		}
		key, value, after, err := cutSetting(rest)
		if err != nil {
			fail(at, "%v", err)
			return problems
		}
		rest = after
		i := slices.IndexFunc(headerKeys, func(k headerKey) bool { return k.name == key })
		switch {
		case i < 0:
			fail(at, "unknown key %q: did you mean %s?", key, nearest(key, headerNames()))
			continue
		case headerKeys[i].upOnly && r.direction == migrate.Down:
			fail(at, "%s belongs in the up script", key)
			continue
		case key == "reason":
			reason, reasonAt = value, at
			continue
		case key == "allow":
			allowAt = at
			if err := readList(&allow, value); err != nil {
				fail(at, "allow: %v", err)
			}
			continue
		case r.seen[key]:
			fail(at, "%s is given twice", key)
			continue
		}
		r.seen[key] = true
		if err := headerKeys[i].read(r.h, value); err != nil {
			fail(at, "%s: %v", key, err)
		}
	}
	switch {
	case len(allow) > 0 && strings.TrimSpace(reason) == "":
		fail(allowAt, `allow needs a reason on the same line: allow=%s reason="…"`, strings.Join(allow, ","))
	case len(allow) == 0 && reasonAt >= 0:
		fail(reasonAt, "reason stands without an allow on the same line")
	}
	for _, hazard := range allow {
		r.h.Allow = append(r.h.Allow, migrate.Allowance{Hazard: hazard, Reason: reason})
	}
	return problems
}

// cutSetting takes key=value or key="value" off the front of a header line. In
// quotes, \" and \\ stand for " and \.
func cutSetting(text string) (key, value, rest string, err error) {
	end := strings.IndexAny(text, "= \t")
	if end <= 0 || text[end] != '=' {
		word, _, _ := strings.Cut(text, " ")
		return "", "", "", fmt.Errorf("%q: expected key=value", word)
	}
	key, text = text[:end], text[end+1:]
	if !strings.HasPrefix(text, `"`) {
		if end = strings.IndexAny(text, " \t\r"); end < 0 {
			end = len(text)
		}
		if end == 0 {
			return "", "", "", fmt.Errorf("%s has no value", key)
		}
		return key, text[:end], text[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			rest = text[i+1:]
			if rest != "" && !strings.ContainsAny(rest[:1], " \t\r") {
				return "", "", "", fmt.Errorf("%s: expected a space after the closing quote", key)
			}
			return key, b.String(), rest, nil
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", fmt.Errorf("%s: the quote is not closed on this line", key)
}

func readTransaction(h *migrate.Header, value string) error {
	switch value {
	case "on":
		h.Transaction = migrate.On
	case "off":
		h.Transaction = migrate.Off
	case "auto":
		h.Transaction = migrate.Auto
	default:
		return fmt.Errorf("%q is none of on, off and auto", value)
	}
	return nil
}

func readPlaceholders(h *migrate.Header, value string) error {
	on := value != "off"
	switch value {
	case "on", "off":
	case "everywhere":
		h.Everywhere = true
	default:
		return fmt.Errorf("%q is none of on, off and everywhere", value)
	}
	h.Placeholders = &on
	return nil
}

func readList(list *[]string, value string) error {
	for _, item := range strings.Split(value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return errors.New("an empty item in the list")
		}
		if !slices.Contains(*list, item) {
			*list = append(*list, item)
		}
	}
	return nil
}

func readTimeout(to **time.Duration, value string) error {
	d, err := parseDuration(value)
	if err != nil {
		return err
	}
	*to = &d
	return nil
}

// durationUnits are PostgreSQL's units of time (documentation section "Parameter Names and Values").
var durationUnits = []struct {
	name string
	unit time.Duration
}{{"us", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"min", time.Minute}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}}

// parseDuration reads 500ms, 5s, 1.5h, 2min, 1d and 0.
func parseDuration(value string) (time.Duration, error) {
	if value == "0" {
		return 0, nil
	}
	digits := len(value) - len(strings.TrimLeft(value, "0123456789."))
	number, err := strconv.ParseFloat(value[:digits], 64)
	if err == nil {
		for _, u := range durationUnits {
			if d := number * float64(u.unit); u.name == strings.TrimSpace(value[digits:]) && d <= float64(maxTimeout) {
				return time.Duration(d), nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no duration such as 500ms, 5s, 2min, 1h, or 0 for none (at most 24 days)", value)
}

// maxTimeout is the longest time that PostgreSQL's timeouts take: 2147483647 ms.
const maxTimeout = 2147483647 * time.Millisecond
