package ddl

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"
)

// Fingerprint returns the SHA-256, in hex, of what src says. Comments, white space, line ends, empty statements and
// the case of unquoted words do not change it; constants, quoted identifiers, COPY data and everything else do. Text
// that cannot be cut into tokens counts byte for byte.
func Fingerprint(src string) string {
	d := &digest{sum: sha256.New()}
	s := newStringScanner(src)
	for {
		p, err := s.Next()
		switch {
		case errors.Is(err, io.EOF):
			return d.hex()
		case err != nil:
			d.write(fpRaw, s.window)
			return d.hex()
		case p.Kind == StatementPiece:
			d.statement(p.Text[p.first:p.last], p.strings)
		case p.Kind == CopyData:
			d.write(fpRows, p.Rows())
		case p.Kind == Meta:
			d.write(fpRaw, strings.TrimSpace(p.Text[p.first:p.last]))
		}
	}
}

// digest hashes parts of a script with their kind and length, so that no two lists of parts hash alike.
type digest struct {
	sum     hash.Hash
	pending []byte
}

// maxPending is how much is gathered before it is hashed, in bytes.
const maxPending = 16 << 10

const (
	fpRaw byte = iota + 100
	fpRows
	fpEnd
)

func (d *digest) statement(sql string, syntax StringSyntax) {
	l := NewLexer(sql)
	l.SetStrings(syntax)
	for t := l.Next(); t.Kind != EOF; t = l.Next() {
		switch {
		case t.Trivia():
		case t.Kind == Word:
			d.write(byte(t.Kind), fold(t.Text))
		case t.Kind == String:
			d.write(byte(t.Kind), joinContinuations(t.Text, syntax))
		default:
			d.write(byte(t.Kind), t.Text)
		}
	}
	d.write(fpEnd, "")
}

func (d *digest) write(kind byte, text string) {
	if kind != byte(Word) && strings.Contains(text, "\r\n") {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	d.pending = append(d.pending, kind)
	d.pending = binary.LittleEndian.AppendUint64(d.pending, uint64(len(text)))
	d.pending = append(d.pending, text...)
	if len(d.pending) >= maxPending {
		d.flush()
	}
}

func (d *digest) flush() {
	d.sum.Write(d.pending)
	d.pending = d.pending[:0]
}

func (d *digest) hex() string {
	d.flush()
	return hex.EncodeToString(d.sum.Sum(nil))
}

// joinContinuations takes out what stands between the parts of a string constant that goes on over several lines.
func joinContinuations(text string, syntax StringSyntax) string {
	open := strings.IndexByte(text, '\'')
	escapes := open == 1 && text[0]|0x20 == 'e' || open == 0 && syntax == BackslashStrings ||
		open == 1 && text[0]|0x20 == 'n' && syntax == BackslashStrings
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
