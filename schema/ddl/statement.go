package ddl

import (
	"errors"
	"io"
)

// Statement is one SQL statement of a script.
type Statement struct {
	SQL          string // from its first token to its last, without the semicolon
	Offset       int64  // of the first token, in bytes from the start of the script
	Line, Column int    // of the first token, from 1; columns count characters
	EndLine      int    // of the last token
	Class        Class
	Copy         bool         // a COPY … FROM stdin: its rows follow
	Strings      StringSyntax // how its plain strings are to be read
}

// Split returns the statements of src. Empty statements, COPY data and psql's \restrict and \unrestrict are left
// out; any other psql command is a *MetaCommandError. A quote or comment without an end is a *SyntaxError.
func Split(src string) ([]Statement, error) {
	var statements []Statement
	s := newStringScanner(src)
	for {
		p, err := s.Next()
		if errors.Is(err, io.EOF) {
			return statements, nil
		}
		if err == nil {
			err = p.Refusal()
		}
		if err != nil {
			return nil, err
		}
		if p.Kind == StatementPiece {
			statements = append(statements, p.Statement())
		}
	}
}

// Enclosure returns the statements between the BEGIN and the COMMIT of a script that brings exactly one transaction of
// its own around everything it does, and whether it does. Such a script can run inside another transaction without its
// own two statements. It does not qualify when its BEGIN asks for anything but the defaults, when its COMMIT chains,
// or when anything inside starts, ends or cannot be part of a transaction; savepoints are no obstacle.
func Enclosure(statements []Statement) (inner []Statement, ok bool) {
	n := len(statements)
	if n < 2 || !plainBegin(statements[0]) || !plainCommit(statements[n-1]) {
		return nil, false
	}
	inner = statements[1 : n-1]
	for _, s := range inner {
		switch s.Class.Transaction {
		case Outside:
			return nil, false
		case Control:
			switch s.Class.Verb {
			case "SAVEPOINT", "RELEASE", "ROLLBACK TO":
			default:
				return nil, false
			}
		}
	}
	return inner, true
}

func plainBegin(s Statement) bool {
	words := significant(s.SQL, s.Strings, 3)
	switch {
	case s.Class.Verb == "START TRANSACTION":
		return len(words) == 2
	case s.Class.Verb == "BEGIN":
		return len(words) == 1 || len(words) == 2 && (words[1].Is("WORK") || words[1].Is("TRANSACTION"))
	}
	return false
}

func plainCommit(s Statement) bool {
	if s.Class.Verb != "COMMIT" && s.Class.Verb != "END" {
		return false
	}
	words := significant(s.SQL, s.Strings, 6)
	for _, w := range words[1:] {
		if w.Is("CHAIN") {
			return len(words) > 3 && words[len(words)-2].Is("NO")
		}
	}
	return true
}
