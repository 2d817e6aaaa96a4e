package ddl

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError is text that cannot be cut into tokens: a quote or comment without an end, bytes that are not UTF-8.
type SyntaxError struct {
	Line, Column int   // of the character in question, from 1; columns count characters
	Offset       int64 // in bytes from the start of the script
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

func (p position) syntaxError(message string) *SyntaxError {
	return &SyntaxError{Line: p.line, Column: p.column, Offset: p.offset, Message: message}
}

// MetaCommandError is a psql backslash command, which PostgreSQL itself does not know.
type MetaCommandError struct {
	Line, Column int   // of the backslash, from 1; columns count characters
	Offset       int64 // in bytes from the start of the script
	Command      string
	Reason       string // what to do instead
}

func (e *MetaCommandError) Error() string {
	return fmt.Sprintf(`line %d, column %d: psql command \%s: %s`, e.Line, e.Column, e.Command, e.Reason)
}

// CheckText returns a *SyntaxError for the first byte of src that PostgreSQL takes in no script: a NUL, or bytes that
// are not UTF-8.
func CheckText(src string) error {
	if utf8.ValidString(src) && strings.IndexByte(src, 0) < 0 {
		return nil
	}
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRuneInString(src[i:])
		if r == utf8.RuneError && size <= 1 {
			return startPosition().after(src[:i]).syntaxError(fmt.Sprintf("byte 0x%02x is not valid UTF-8", src[i]))
		}
		if r == 0 {
			return startPosition().after(src[:i]).syntaxError("a NUL byte cannot stand in SQL")
		}
		i += size
	}
	return nil
}
