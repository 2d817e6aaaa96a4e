package source

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kedgedb/kedge/schema/ddl"
)

// Placeholders are the values that ${name} stands for. Without values, a script
// is left alone unless its header says placeholders=on.
//
// A value is data and cannot break out of where it stands:
//   - Between tokens, a number and a plain name (schema.table, too) stand as
//     they are, everything else as a string constant. ${name::literal} and
//     ${name::identifier} ask for the one or the other.
//   - Beside letters or digits (orders_${region}) it may hold letters, digits
//     and underscores only, so that what was one name stays one name.
//   - In a quoted identifier its double quotes are doubled.
//   - In a string constant and in dollar quotes it is left alone, unless it is
//     asked for with placeholders=everywhere. Then quotes and, where they count,
//     backslashes are doubled in a string; in dollar quotes only a number or a plain name may stand.
//   - In comments and in rows of COPY it is always left alone.
type Placeholders struct {
	Values map[string]string
	Inside Inside
}

// Inside says how far into constants placeholders are replaced.
type Inside string

// The two ways.
const (
	InCode     Inside = ""           // not in string constants and dollar quotes
	Everywhere Inside = "everywhere" // there, too
)

// placeholderPattern is a placeholder at the start of a text. A name may hold
// single colons (flyway:defaultSchema), and two before the way it is to stand.
var placeholderPattern = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_.-]+)*)(?:::(literal|identifier))?\}`)

var (
	plainName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	plainNumber = regexp.MustCompile(`^-?[0-9]+(?:\.[0-9]+)?$`)
	namePart    = regexp.MustCompile(`^[A-Za-z0-9_]*$`)
)

// placeError is a placeholder that cannot be replaced.
type placeError struct {
	line, column int // in the script, from 1
	message      string
}

func (e *placeError) Error() string { return e.message }

// replacer puts values into one script.
type replacer struct {
	values map[string]string
	inside Inside
	used   map[string]string
	kept   []placeError // placeholders with a value in constants, left alone
	errs   []placeError
}

// piece is a piece of the script with its placeholders replaced.
func (r *replacer) piece(p ddl.Piece) string {
	if p.Kind == ddl.CopyData || p.Kind == ddl.Meta || !strings.Contains(p.Text, "${") {
		return p.Text
	}
	var b strings.Builder
	lexer := ddl.NewLexer(p.Text)
	lexer.SetStrings(p.Statement().Strings)
	done := 0 // up to here p.Text is in b
	var before ddl.Token
	for t := lexer.Next(); t.Kind != ddl.EOF; t = lexer.Next() {
		if t.Trivia() {
			continue
		}
		previous := before
		before = t
		i := strings.Index(t.Text, "$")
		if i < 0 {
			continue
		}
		for at := t.Offset + i; at < t.Offset+len(t.Text); at++ {
			if at < done || p.Text[at] != '$' {
				continue
			}
			m := placeholderPattern.FindStringSubmatch(p.Text[at:])
			if m == nil {
				continue
			}
			spot := spot{piece: p, token: t, previous: previous, at: at, end: at + len(m[0]), name: m[1], as: m[2]}
			if !spot.stands() {
				continue
			}
			text, ok := r.replace(spot)
			if !ok {
				continue
			}
			b.WriteString(p.Text[done:at])
			b.WriteString(text)
			done = spot.end
		}
	}
	b.WriteString(p.Text[done:])
	return b.String()
}

// spot is a placeholder where it stands.
type spot struct {
	piece    ddl.Piece
	token    ddl.Token // that its $ belongs to
	previous ddl.Token // the one before that is no white space and no comment
	at, end  int       // in piece.Text
	name     string
	as       string // "", literal or identifier
}

// stands tells whether the placeholder is one: not a part of a constant's
// delimiters, and not in the comments between the parts of a string constant.
func (s spot) stands() bool {
	text := s.token.Text
	from, to := s.at-s.token.Offset, s.end-s.token.Offset
	switch s.token.Kind {
	case ddl.DollarString:
		tag := strings.IndexByte(text[1:], '$') + 2
		return from >= tag && to <= len(text)-tag
	case ddl.String:
		return to < len(text) && s.inQuotes(text[:from])
	case ddl.QuotedIdent:
		return to < len(text)
	}
	return true
}

// inQuotes tells whether a string constant is open at the end of its beginning.
func (s spot) inQuotes(text string) bool {
	open := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			open = !open
		case c == '\\' && open && s.backslashes():
			i++
		case c == '-' && !open && strings.HasPrefix(text[i:], "--"):
			end := strings.IndexAny(text[i:], "\r\n")
			if end < 0 {
				return false
			}
			i += end
		}
	}
	return open
}

// backslashes tells whether a backslash escapes what follows in this string constant.
func (s spot) backslashes() bool {
	prefix, _, _ := strings.Cut(s.token.Text, "'")
	return strings.EqualFold(prefix, "e") || s.piece.Statement().Strings == ddl.BackslashStrings && (prefix == "" || strings.EqualFold(prefix, "n"))
}

// replace is what a placeholder becomes, and false when it stays.
func (r *replacer) replace(s spot) (string, bool) {
	value, defined := r.values[s.name]
	constant := s.token.Kind == ddl.String || s.token.Kind == ddl.DollarString
	if constant && r.inside != Everywhere {
		if defined {
			r.kept = append(r.kept, s.error("${%s} inside a constant is left as it is: placeholders=everywhere in the header replaces it", s.name))
		}
		return "", false
	}
	if !defined {
		names := make([]string, 0, len(r.values))
		for name := range r.values {
			names = append(names, name)
		}
		slices.Sort(names)
		hint := "; the environment defines none"
		if len(names) > 0 {
			hint = "; did you mean " + nearest(s.name, names) + "?"
		}
		r.errs = append(r.errs, s.error("placeholder ${%s} is not defined%s", s.name, hint))
		return "", false
	}
	text, err := s.text(value)
	if err != nil {
		r.errs = append(r.errs, s.error("placeholder ${%s}: %v", s.name, err))
		return "", false
	}
	if r.used == nil {
		r.used = map[string]string{}
	}
	r.used[s.name] = value
	return text, true
}

func (s spot) error(format string, args ...any) placeError {
	before := s.piece.Text[:s.at]
	line, column := s.piece.Line, s.piece.Column+utf8.RuneCountInString(before)
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		line, column = line+strings.Count(before, "\n"), 1+utf8.RuneCountInString(before[i+1:])
	}
	return placeError{line, column, fmt.Sprintf(format, args...)}
}

var errControl = errors.New("its value holds a line break, another control character, or bytes that are not UTF-8")

// text is the value as it may stand at the spot.
func (s spot) text(value string) (string, error) {
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return "", errControl
	}
	switch s.token.Kind {
	case ddl.String:
		return s.inString(value)
	case ddl.DollarString:
		if plainNumber.MatchString(value) || plainName.MatchString(value) {
			return value, nil
		}
		return "", errors.New("in dollar quotes its value may only be a number or a plain name")
	case ddl.QuotedIdent:
		if s.unicodeQuotes() && strings.ContainsAny(value, `\"`) {
			return "", errors.New(`in U&"…" its value may hold no quotes and no backslashes`)
		}
		return strings.ReplaceAll(value, `"`, `""`), nil
	}
	return s.inCode(value)
}

func (s spot) unicodeQuotes() bool {
	return len(s.token.Text) > 1 && s.token.Text[0]|0x20 == 'u' && s.token.Text[1] == '&'
}

func (s spot) inString(value string) (string, error) {
	prefix, _, _ := strings.Cut(s.token.Text, "'")
	switch {
	case s.unicodeQuotes(), strings.EqualFold(prefix, "b"), strings.EqualFold(prefix, "x"):
		if !namePart.MatchString(value) {
			return "", errors.New("in a string of this kind its value may only hold letters, digits and underscores")
		}
		return value, nil
	case s.backslashes():
		value = strings.ReplaceAll(value, `\`, `\\`)
		if s.escaped() {
			return "", errors.New("a backslash stands before it")
		}
	}
	return strings.ReplaceAll(value, "'", "''"), nil
}

// escaped tells whether an odd number of backslashes stands before the spot.
func (s spot) escaped() bool {
	before := s.piece.Text[:s.at]
	return (len(before)-len(strings.TrimRight(before, `\`)))%2 == 1
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// inCode is the value between tokens, or as part of a name.
func (s spot) inCode(value string) (string, error) {
	text := s.piece.Text
	before, after := byte(' '), byte(' ')
	if s.at > 0 {
		before = text[s.at-1]
	}
	if s.end < len(text) {
		after = text[s.end]
	}
	if strings.IndexByte(`'"\&{`, before) >= 0 || strings.IndexByte(`'"\`, after) >= 0 {
		return "", errors.New("it stands right beside a quote: put a space between them")
	}
	if after == '&' { // U& would begin a constant
		return "", errors.New("it stands right before an ampersand: put a space between them")
	}
	if isWord(before) || isWord(after) || before == '}' {
		return s.inName(value, isWord(before) || before == '}')
	}
	dotted := before == '.' || after == '.'
	number := plainNumber.MatchString(value)
	switch {
	case s.as == "identifier":
		return ddl.QuoteIdent(value), nil
	case dotted && (s.as == "literal" || !plainName.MatchString(value)):
		return "", errors.New("beside a dot its value may only be a plain name; ${name::identifier} quotes one")
	case s.as == "" && plainName.MatchString(value), s.as == "" && number && value[0] != '-':
		return value, nil
	case s.as == "" && number:
		return " " + value, nil // apart from an operator before it: two minus signs are a comment
	}
	if s.besideString() {
		return "", errors.New("a string constant may not stand next to another, with which it would become one")
	}
	return ddl.QuoteLiteral(value), nil
}

// besideString tells whether the neighbour on either side is a string constant
// or, before it, another placeholder, which may have become one.
func (s spot) besideString() bool {
	if s.previous.Kind == ddl.String || s.previous.IsPunct('}') {
		return true
	}
	lexer := ddl.NewLexer(s.piece.Text[s.end:])
	next := lexer.Next()
	for next.Trivia() {
		next = lexer.Next()
	}
	return next.Kind == ddl.String
}

// inName is the value as a part of a name, or beside another placeholder's.
func (s spot) inName(value string, begun bool) (string, error) {
	switch {
	case s.as != "" || value == "" || !namePart.MatchString(value):
		return "", errors.New("beside letters, digits or another placeholder its value may only hold letters, digits and underscores")
	case s.inNumber():
		return "", errors.New("it stands right beside a number: put a space between them")
	case !begun && value[0] >= '0' && value[0] <= '9':
		return "", errors.New("at the start of a name its value may not begin with a digit")
	}
	return value, nil
}

// inNumber tells whether the letters and digits before the spot begin as a number or as $1 does.
func (s spot) inNumber() bool {
	start := s.at
	for start > 0 && isWord(s.piece.Text[start-1]) {
		start--
	}
	first := s.piece.Text[start]
	return start < s.at && (first == '$' || first >= '0' && first <= '9')
}

// replaceAll puts the values into a script.
func (r *replacer) replaceAll(script io.Reader, to io.Writer) error {
	scanner := ddl.NewScanner(script)
	for {
		p, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := io.WriteString(to, r.piece(p)); err != nil {
			return err
		}
	}
}

// replacing streams a script with its values put in.
type replacing struct {
	io.Closer
	scanner *ddl.Scanner
	r       *replacer
	rest    string
}

func (s *replacing) Read(to []byte) (int, error) {
	for s.rest == "" {
		p, err := s.scanner.Next()
		if err != nil {
			return 0, err
		}
		s.rest = s.r.piece(p)
	}
	n := copy(to, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
