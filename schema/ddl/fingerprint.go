package ddl

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
)

// Fingerprint returns the SHA-256, in hex, of the tokens of src. Comments, white space, line ends and the case of
// unquoted words do not change it; constants, quoted identifiers and everything else do.
func Fingerprint(src string) string {
	sum := sha256.New()
	for t := range Tokens(src) {
		switch {
		case t.Trivia():
			continue
		case t.Kind == Word:
			write(sum, t.Kind, strings.ToLower(t.Text))
		case t.Kind == String:
			write(sum, t.Kind, joinContinuations(t.Text))
		default:
			write(sum, t.Kind, t.Text)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func write(sum hash.Hash, kind Kind, text string) {
	if strings.Contains(text, "\r\n") {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	length := len(text)
	sum.Write([]byte{byte(kind), byte(length), byte(length >> 8), byte(length >> 16), byte(length >> 24)})
	sum.Write([]byte(text))
}

// joinContinuations takes out what stands between the parts of a string constant that goes on over several lines.
func joinContinuations(text string) string {
	open := strings.IndexByte(text, '\'')
	escapes := open == 1 && text[0]|0x20 == 'e'
	var joined strings.Builder
	start, pos := 0, open+1
	for {
		end, ok := quoteEnd(text, pos, escapes)
		if !ok || end == len(text) {
			joined.WriteString(text[start:])
			return joined.String()
		}
		next, continues := continuation(text, end)
		if !continues {
			joined.WriteString(text[start:])
			return joined.String()
		}
		joined.WriteString(text[start : end-1])
		start, pos = next, next
	}
}
