package ddl

import (
	"fmt"
	"strings"
	"unicode"
)

// Visible shows control characters, escapes and bidirectional marks as \u
// escapes, so that a name or a text from a database can neither act on whoever
// looks at it nor hide. Tabs and line feeds stay.
func Visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }
