package ddl

import (
	"strings"
	"unicode/utf8"
)

// position is a place in a script. Lines are counted as libpq counts them for its error messages: \n, \r and \r\n end
// a line. Columns count characters. Both start at 1.
type position struct {
	offset       int64
	line, column int
	afterCR      bool
}

func startPosition() position { return position{line: 1, column: 1} }

// after returns the place at the end of text that starts at p.
func (p position) after(text string) position {
	if text == "" {
		return p
	}
	if p.offset == 0 && strings.HasPrefix(text, byteOrderMark) {
		p.column--
	}
	p.offset += int64(len(text))
	if p.afterCR && text[0] == '\n' {
		p.afterCR = false
		if text = text[1:]; text == "" {
			return p
		}
	}
	p.afterCR = text[len(text)-1] == '\r'
	breaks, last := strings.Count(text, "\n"), strings.LastIndexByte(text, '\n')
	if strings.IndexByte(text, '\r') >= 0 {
		cr := strings.LastIndexByte(text, '\r')
		breaks += strings.Count(text, "\r") - strings.Count(text, "\r\n")
		last = max(last, cr)
	}
	if breaks > 0 {
		p.line += breaks
		p.column = 1
		text = text[last+1:]
	}
	p.column += utf8.RuneCountInString(text)
	return p
}
