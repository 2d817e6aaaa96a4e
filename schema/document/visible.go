package document

import (
	"fmt"
	"strings"
	"unicode"
)

// visible shows control characters and bidirectional marks as escapes, so that
// a name cannot act on whoever looks at it.
func visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool {
	return r != '\n' && r != '\t' && r != '\r' && !unicode.IsPrint(r)
}
