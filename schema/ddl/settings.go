package ddl

import "strings"

// stringSettings follows what the statements of a script do to standard_conforming_strings.
type stringSettings struct {
	session, local StringSyntax
	isLocal        bool
}

func (s *stringSettings) current() StringSyntax {
	if s.isLocal {
		return s.local
	}
	return s.session
}

// changesSettings reports whether a statement that starts with the word can change standard_conforming_strings.
func changesSettings(word string) bool {
	for _, known := range [...]string{"SET", "RESET", "DISCARD", "SELECT", "COMMIT", "END", "ROLLBACK", "ABORT"} {
		if foldEqual(word, known) {
			return true
		}
	}
	return false
}

func (s *stringSettings) follow(sql string) {
	words := significant(sql, s.current(), 10)
	at := func(i int) Token {
		if i < len(words) {
			return words[i]
		}
		return Token{}
	}
	switch {
	case at(0).Is("SET"):
		i, local := 1, false
		if at(1).Is("SESSION") || at(1).Is("LOCAL") {
			i, local = 2, at(1).Is("LOCAL")
		}
		if at(i).Is("STANDARD_CONFORMING_STRINGS") {
			s.set(at(i+2).Text, local)
		}
	case at(0).Is("RESET") && (at(1).Is("ALL") || at(1).Is("STANDARD_CONFORMING_STRINGS")),
		at(0).Is("DISCARD") && at(1).Is("ALL"):
		*s = stringSettings{}
	case at(0).Is("SELECT"):
		i := 1
		if at(1).Is("PG_CATALOG") {
			i = 3
		}
		if at(i).Is("SET_CONFIG") && strings.EqualFold(unquote(at(i+2).Text), "standard_conforming_strings") {
			s.set(at(i+4).Text, at(i+6).Is("TRUE"))
		}
	case (at(0).Is("ROLLBACK") || at(0).Is("ABORT")) && len(words) > 1 && (at(1).Is("TO") || at(2).Is("TO")):
	case at(0).Is("COMMIT"), at(0).Is("END"), at(0).Is("ROLLBACK"), at(0).Is("ABORT"):
		s.isLocal = false
	}
}

func (s *stringSettings) set(value string, local bool) {
	syntax := StandardStrings
	switch strings.ToLower(unquote(value)) {
	case "off", "false", "no", "0", "of", "f", "fa", "fal", "fals", "n":
		syntax = BackslashStrings
	}
	if local {
		s.local, s.isLocal = syntax, true
		return
	}
	s.session, s.isLocal = syntax, false
}

func unquote(text string) string {
	if len(text) >= 2 && text[0] == '\'' && text[len(text)-1] == '\'' {
		return text[1 : len(text)-1]
	}
	return text
}

// significant returns the first tokens of sql, at most limit of them, without white space and comments.
func significant(sql string, syntax StringSyntax, limit int) []Token {
	var tokens []Token
	l := NewLexer(sql)
	l.SetStrings(syntax)
	for t := l.Next(); t.Kind != EOF && len(tokens) < limit; t = l.Next() {
		if !t.Trivia() {
			tokens = append(tokens, t)
		}
	}
	return tokens
}
