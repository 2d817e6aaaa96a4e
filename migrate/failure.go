package migrate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/text/width"

	"github.com/kedgedb/kedge/schema/ddl"
)

// StatementError is a statement that failed, with its place in the file.
type StatementError struct {
	Version   Version `json:"version"`
	Name      string  `json:"name,omitempty"`
	File      string  `json:"file"`
	Line      int     `json:"line"`             // of File, from 1: where PostgreSQL points, else where the statement starts; 0 when there is no statement
	Column    int     `json:"column"`           // in characters, from 1
	Number    int     `json:"number,omitempty"` // the statement's in the script, from 1; 0 when not known
	Statement string  `json:"statement"`
	SQLSTATE  string  `json:"sqlstate"` // "" when the error is not PostgreSQL's
	Message   string  `json:"message"`
	Detail    string  `json:"detail,omitempty"`
	Hint      string  `json:"hint"`
	Where     string  `json:"where,omitempty"` // the call stack inside functions, as PostgreSQL tells it
	Source    string  `json:"-"`               // the whole line of the script that Line is
	Err       error   `json:"-"`
}

// ErrorAt puts an error that PostgreSQL gave for one statement of a step to its
// place in the file. The statement is as ddl reads it from the script, and was
// sent alone: PostgreSQL's position counts from its first character.
func ErrorAt(step *Step, st ddl.Statement, err error) *StatementError {
	e := newStatementError(step, err)
	script := step.Script
	e.Statement, e.Line, e.Column = st.SQL, script.FileLine(st.Line), st.Column
	for i := range step.Statements {
		if step.Statements[i].Offset == st.Offset {
			e.Number = i + 1
		}
	}
	offset := 0
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Position > 0 && pg.InternalQuery == "" {
		offset = byteOffset(st.SQL, int(pg.Position))
		e.Line, e.Column = advance(e.Line, e.Column, st.SQL[:offset])
	}
	e.Source = sourceLine(script, st, offset)
	e.hidePasswords()
	return e
}

// ErrorIn puts an error that PostgreSQL gave for a whole script, sent as one
// message whose text is script.Text from the byte start on, to its place.
func ErrorIn(step *Step, start int, err error) *StatementError {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Position <= 0 || pg.InternalQuery != "" || start > len(step.Script.Text) {
		return newStatementError(step, err)
	}
	at := int64(start + byteOffset(step.Script.Text[start:], int(pg.Position)))
	for _, st := range step.Statements {
		if at < st.Offset || at > st.Offset+int64(len(st.SQL)) {
			continue
		}
		local := *pg
		local.Position = int32(utf8.RuneCountInString(st.SQL[:at-st.Offset])) + 1
		e := ErrorAt(step, st, &local)
		e.Err = err
		return e
	}
	return newStatementError(step, err)
}

func newStatementError(step *Step, err error) *StatementError {
	e := &StatementError{Version: step.Migration.Version, Name: step.Migration.Name, Err: err, Message: err.Error()}
	if step.Script != nil {
		e.File = step.Script.File
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		e.SQLSTATE, e.Message, e.Detail, e.Hint, e.Where = pg.Code, pg.Message, pg.Detail, pg.Hint, pg.Where
	}
	return e
}

// byteOffset is where the character with this 1-based number starts.
func byteOffset(text string, character int) int {
	offset := 0
	for n := 1; n < character && offset < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	return offset
}

// advance is the place after text, which starts at line and column.
func advance(line, column int, text string) (int, int) {
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		return line + strings.Count(text, "\n"), 1 + utf8.RuneCountInString(text[i+1:])
	}
	return line, column + utf8.RuneCountInString(text)
}

// sourceLine is the line around the byte offset of the statement: from the
// script where it is in memory, otherwise as much of it as the statement has.
func sourceLine(script *Script, st ddl.Statement, offset int) string {
	text, at := script.Text, st.Offset+int64(offset)
	if at > int64(len(text)) || !strings.HasPrefix(text[min(st.Offset, int64(len(text))):], st.SQL) {
		text, at = strings.Repeat(" ", st.Column-1)+st.SQL, int64(st.Column-1+offset)
	}
	start := strings.LastIndexByte(text[:at], '\n') + 1
	end := strings.IndexByte(text[at:], '\n')
	if end < 0 {
		return strings.TrimSuffix(text[start:], "\r")
	}
	return strings.TrimSuffix(text[start:int(at)+end], "\r")
}

// Error is one line: the place, what PostgreSQL said, and the SQLSTATE.
func (e *StatementError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.SQLSTATE != "" {
		b.WriteString(" (SQLSTATE " + e.SQLSTATE + ")")
	}
	return b.String()
}

// Unwrap is the error that the database connection gave.
func (e *StatementError) Unwrap() error { return e.Err }

// excerpt is how many characters of a long line are shown around the caret.
const excerpt = 100

// Render shows the place: the error, the source line with its number and a
// caret below the character in question, then what PostgreSQL added. Characters
// that would act on a terminal are made visible.
func (e *StatementError) Render() string {
	var b strings.Builder
	b.WriteString(visible(e.Error()) + "\n")
	if e.Line > 0 && strings.TrimSpace(e.Source) != "" {
		before, line := cutAround([]rune(e.Source), e.Column-1)
		before = []rune(visible(string(before)))
		number := fmt.Sprintf("%5d | ", e.Line)
		b.WriteString(number + visible(string(line)) + "\n")
		b.WriteString(strings.Repeat(" ", len(number)-2) + "| " + indent(before) + "^\n")
	}
	for _, part := range []struct{ label, text string }{{"detail", e.Detail}, {"hint", e.Hint}, {"where", e.Where}} {
		if part.text != "" {
			b.WriteString(part.label + ": " + strings.ReplaceAll(visible(part.text), "\n", "\n  ") + "\n")
		}
	}
	return b.String()
}

// cutAround takes a window of a long line with the caret in it.
func cutAround(line []rune, caret int) (before, shown []rune) {
	caret = max(0, min(caret, len(line)))
	from, to := 0, len(line)
	if len(line) > excerpt {
		from = max(0, min(caret-excerpt/2, len(line)-excerpt))
		to = from + excerpt
	}
	shown = line[from:to]
	before = line[from:caret]
	if from > 0 {
		shown, before = append([]rune("…"), shown...), append([]rune("…"), before...)
	}
	if to < len(line) {
		shown = append(shown[:len(shown):len(shown)], '…')
	}
	return before, shown
}

// indent is white space as wide as text on a terminal: tabs stay tabs, letters
// of the East Asian scripts take two places, combining ones none.
func indent(text []rune) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t':
			b.WriteRune(r)
		case unicode.In(r, unicode.Mn, unicode.Me) || r == '\ufeff':
		case wide(r):
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func wide(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

// visible replaces what would act on a terminal instead of being shown there
// (control and format characters such as right-to-left marks) by an escape;
// tabs and line feeds stay.
func visible(text string) string {
	hidden := func(r rune) bool {
		return r != '\t' && r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\ufeff')
	}
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
