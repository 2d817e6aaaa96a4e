package migrate

import (
	"strings"
	"unicode/utf8"

	"github.com/kedgedb/kedge/schema/ddl"
)

// hidePasswords blots out the strings after the word PASSWORD that a failed
// statement has, wherever they stand in the error. Carets keep their place.
func (e *StatementError) hidePasswords() {
	if !strings.Contains(strings.ToLower(e.Statement), "password") {
		return
	}
	after := false
	for t := range ddl.Tokens(e.Statement) {
		switch {
		case t.Trivia():
		case after && (t.Kind == ddl.String || t.Kind == ddl.DollarString):
			for _, text := range []*string{&e.Message, &e.Detail, &e.Hint, &e.Where, &e.Source, &e.Statement} {
				*text = blot(*text, t.Text)
			}
			after = false
		default:
			after = t.Is("PASSWORD")
		}
	}
}

// blot puts as many stars as a quoted word has characters in its place, and in
// that of what stands between its quotes.
func blot(text, quoted string) string {
	text = strings.ReplaceAll(text, quoted, stars(quoted))
	if word := strings.Trim(strings.TrimLeft(quoted, "eEuU&"), "'$"); utf8.RuneCountInString(word) > 3 {
		text = strings.ReplaceAll(text, word, stars(word))
	}
	return text
}

func stars(s string) string { return strings.Repeat("*", utf8.RuneCountInString(s)) }
