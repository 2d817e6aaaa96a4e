package ddl

import (
	"iter"
	"strings"
)

// Kind is what a token is.
type Kind uint8

const (
	// EOF follows the last token; its Text is empty.
	EOF Kind = iota
	// Space is white space, and a byte order mark at the very start.
	Space
	// Comment is one -- comment without its line end, or one /* comment */ with all that nests in it.
	Comment
	// Word is an unquoted identifier or a key word.
	Word
	// QuotedIdent is "…" or U&"…".
	QuotedIdent
	// String is a quoted constant: '…' and its E, B, X, N and U& forms, with its continuations on later lines.
	String
	// DollarString is $tag$…$tag$.
	DollarString
	// Number is a numeric constant without a sign.
	Number
	// Param is $1.
	Param
	// Operator is an operator of any length, and ::, :=, .. and =>.
	Operator
	// Punct is one of ( ) [ ] , . : ; and any byte that starts no other token.
	Punct
	// Backslash starts a psql meta-command; the token is that one byte.
	Backslash
)

// Token is one lexical element. The Texts of all tokens joined are the source.
type Token struct {
	Kind         Kind
	Text         string
	Offset       int  // in bytes from the start of the source
	Unterminated bool // the source ends inside the quotes or the comment
}

// Is reports whether the token is the unquoted word given in upper case.
func (t Token) Is(word string) bool { return t.Kind == Word && foldEqual(t.Text, word) }

// IsPunct reports whether the token is that one character.
func (t Token) IsPunct(c byte) bool { return t.Kind == Punct && t.Text[0] == c }

// Trivia reports whether the token is white space or a comment.
func (t Token) Trivia() bool { return t.Kind == Space || t.Kind == Comment }

// Lexer cuts SQL into tokens by the rules of PostgreSQL's scan.l (documentation section "Lexical Structure").
type Lexer struct {
	src     string
	pos     int
	strings StringSyntax
}

// StringSyntax says what a backslash means in a plain '…' string.
type StringSyntax uint8

const (
	// StandardStrings takes it as any other character: standard_conforming_strings = on, the default.
	StandardStrings StringSyntax = iota
	// BackslashStrings takes it as an escape: standard_conforming_strings = off.
	BackslashStrings
)

// NewLexer returns a lexer at the start of src.
func NewLexer(src string) *Lexer { return &Lexer{src: src} }

// SetStrings changes how the strings that follow are read.
func (l *Lexer) SetStrings(s StringSyntax) { l.strings = s }

// Next returns the next token, and EOF for ever after the last.
func (l *Lexer) Next() Token {
	lx := lex(l.src, l.pos, l.strings)
	if l.pos == 0 && strings.HasPrefix(l.src, byteOrderMark) {
		lx = done(Space, len(byteOrderMark))
	}
	t := Token{Kind: lx.kind, Text: l.src[l.pos:lx.end], Offset: l.pos, Unterminated: lx.unterminated}
	l.pos = lx.end
	return t
}

// Tokens yields every token of src, white space and comments included, EOF not.
func Tokens(src string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		l := NewLexer(src)
		for t := l.Next(); t.Kind != EOF; t = l.Next() {
			if !yield(t) {
				return
			}
		}
	}
}

// lexeme is a token found at a known place. reached is one past the last byte that decided it: with more input than
// that the token could not come out differently.
type lexeme struct {
	kind         Kind
	end          int
	reached      int
	unterminated bool
}

const (
	clSpace = 1 << iota
	clIdentStart
	clIdentCont
	clDigit
	clOperator
	clTagCont
)

var byteClass = func() (table [256]uint8) {
	for _, c := range " \t\n\r\f\v" {
		table[c] |= clSpace
	}
	for c := 0; c < 256; c++ {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			table[c] |= clIdentStart | clIdentCont | clTagCont
		case c >= '0' && c <= '9':
			table[c] |= clDigit | clIdentCont | clTagCont
		case c == '$':
			table[c] |= clIdentCont
		}
	}
	for _, c := range "~!@#^&|`?+-*/%<>=" {
		table[c] |= clOperator
	}
	return table
}()

const byteOrderMark = "\ufeff"

// lookahead is how far past its end a token's kind can depend on what follows, where lex does not say so by reached.
const lookahead = 4

func lex(src string, pos int, syntax StringSyntax) lexeme {
	if pos >= len(src) {
		return lexeme{kind: EOF, end: len(src), reached: len(src)}
	}
	c := src[pos]
	class := byteClass[c]
	switch {
	case class&clSpace != 0:
		return done(Space, spaceEnd(src, pos+1))
	case class&clIdentStart != 0:
		return lexWord(src, pos, syntax)
	case class&clDigit != 0, c == '.' && pos+1 < len(src) && byteClass[src[pos+1]]&clDigit != 0:
		return lexNumber(src, pos)
	}
	switch c {
	case '\'':
		return lexString(src, pos+1, syntax == BackslashStrings)
	case '"':
		return lexQuoted(src, pos+1)
	case '$':
		return lexDollar(src, pos)
	case '\\':
		return done(Backslash, pos+1)
	case '-':
		if hasAt(src, pos+1, '-') {
			return done(Comment, lineEnd(src, pos+2))
		}
	case '/':
		if hasAt(src, pos+1, '*') {
			return lexComment(src, pos)
		}
	case ':':
		if hasAt(src, pos+1, ':') || hasAt(src, pos+1, '=') {
			return done(Operator, pos+2)
		}
		return done(Punct, pos+1)
	case '.':
		if hasAt(src, pos+1, '.') {
			return done(Operator, pos+2)
		}
		return done(Punct, pos+1)
	}
	if class&clOperator != 0 {
		return done(Operator, operatorEnd(src, pos))
	}
	return done(Punct, pos+1)
}

func done(kind Kind, end int) lexeme { return lexeme{kind: kind, end: end, reached: end + lookahead} }

func hasAt(src string, pos int, c byte) bool { return pos < len(src) && src[pos] == c }

func spaceEnd(src string, pos int) int {
	for pos < len(src) && byteClass[src[pos]]&clSpace != 0 {
		pos++
	}
	return pos
}

// lineEnd returns where the line ends, before its line feed or carriage return.
func lineEnd(src string, pos int) int {
	for pos < len(src) && src[pos] != '\n' && src[pos] != '\r' {
		pos++
	}
	return pos
}

func lexWord(src string, pos int, syntax StringSyntax) lexeme {
	if pos+1 < len(src) {
		switch next := src[pos+1]; src[pos] | 0x20 {
		case 'e':
			if next == '\'' {
				return lexString(src, pos+2, true)
			}
		case 'n':
			if next == '\'' {
				return lexString(src, pos+2, syntax == BackslashStrings)
			}
		case 'b', 'x':
			if next == '\'' {
				return lexString(src, pos+2, false)
			}
		case 'u':
			if next == '&' && hasAt(src, pos+2, '\'') {
				return lexString(src, pos+3, false)
			}
			if next == '&' && hasAt(src, pos+2, '"') {
				return lexQuoted(src, pos+3)
			}
		}
	}
	end := pos + 1
	for end < len(src) && byteClass[src[end]]&clIdentCont != 0 {
		end++
	}
	return done(Word, end)
}

// lexString reads on from inside a quoted constant to its end, continuations included. PostgreSQL joins two quoted
// parts when white space with at least one line end, and nothing else, stands between them; the second part is read as
// the first.
func lexString(src string, pos int, escapes bool) lexeme {
	for {
		end, ok := quoteEnd(src, pos, escapes)
		if !ok {
			return lexeme{kind: String, end: len(src), reached: len(src), unterminated: true}
		}
		next, continues := continuation(src, end)
		if !continues {
			return lexeme{kind: String, end: end, reached: max(next, end) + 1}
		}
		pos = next
	}
}

func quoteEnd(src string, pos int, escapes bool) (int, bool) {
	for pos < len(src) {
		var i int
		if escapes {
			i = strings.IndexAny(src[pos:], `'\`)
		} else {
			i = strings.IndexByte(src[pos:], '\'')
		}
		if i < 0 {
			return 0, false
		}
		pos += i
		if src[pos] == '\\' || hasAt(src, pos+1, '\'') {
			pos += 2
			continue
		}
		return pos + 1, true
	}
	return 0, false
}

// continuation looks for the quote that continues a string which ends at pos, and returns the place after it. When
// there is none it returns how far it had to look.
func continuation(src string, pos int) (int, bool) {
	newline := false
	for pos < len(src) {
		switch c := src[pos]; {
		case c == '\n' || c == '\r':
			newline = true
			pos++
		case byteClass[c]&clSpace != 0:
			pos++
		case c == '-' && hasAt(src, pos+1, '-'):
			pos = lineEnd(src, pos)
		case c == '\'' && newline:
			return pos + 1, true
		default:
			return pos + 1, false
		}
	}
	return pos, false
}

func lexQuoted(src string, pos int) lexeme {
	for {
		i := strings.IndexByte(src[pos:], '"')
		if i < 0 {
			return lexeme{kind: QuotedIdent, end: len(src), reached: len(src), unterminated: true}
		}
		pos += i + 1
		if !hasAt(src, pos, '"') {
			return done(QuotedIdent, pos)
		}
		pos++
	}
}

// lexDollar reads $1, $tag$…$tag$, or a lone $. A tag is an identifier without a dollar sign, or nothing.
func lexDollar(src string, pos int) lexeme {
	end := pos + 1
	if end < len(src) && byteClass[src[end]]&clDigit != 0 {
		for end < len(src) && byteClass[src[end]]&clDigit != 0 {
			end++
		}
		return done(Param, end)
	}
	for end < len(src) && byteClass[src[end]]&clTagCont != 0 {
		end++
	}
	if end == len(src) {
		return lexeme{kind: Punct, end: pos + 1, reached: len(src)}
	}
	if src[end] != '$' {
		return done(Punct, pos+1)
	}
	end++
	tag := src[pos:end]
	i := strings.Index(src[end:], tag)
	if i < 0 {
		return lexeme{kind: DollarString, end: len(src), reached: len(src), unterminated: true}
	}
	return done(DollarString, end+i+len(tag))
}

func lexComment(src string, pos int) lexeme {
	depth := 1
	for i := pos + 2; i < len(src); i++ {
		switch src[i] {
		case '/':
			if hasAt(src, i+1, '*') {
				depth++
				i++
			}
		case '*':
			if hasAt(src, i+1, '/') {
				depth--
				i++
				if depth == 0 {
					return done(Comment, i+1)
				}
			}
		}
	}
	return lexeme{kind: Comment, end: len(src), reached: len(src), unterminated: true}
}

// lexNumber reads an integer in any base, a decimal or a number with an exponent, with the underscores of
// PostgreSQL 16. Letters that follow are a token of their own, as before PostgreSQL 15, which refuses them.
func lexNumber(src string, pos int) lexeme {
	if src[pos] == '0' && pos+2 < len(src) {
		if end := digitsEnd(src, pos+2, radix(src[pos+1])); end > pos+2 {
			return done(Number, end)
		}
	}
	end := digitsEnd(src, pos, 10)
	if hasAt(src, end, '.') && !hasAt(src, end+1, '.') {
		end = digitsEnd(src, end+1, 10)
	}
	if end < len(src) && src[end]|0x20 == 'e' {
		exp := end + 1
		if hasAt(src, exp, '+') || hasAt(src, exp, '-') {
			exp++
		}
		if after := digitsEnd(src, exp, 10); after > exp {
			end = after
		}
	}
	return done(Number, end)
}

func radix(c byte) int {
	switch c | 0x20 {
	case 'x':
		return 16
	case 'o':
		return 8
	case 'b':
		return 2
	}
	return 0
}

func digitsEnd(src string, pos, base int) int {
	for pos < len(src) {
		c := src[pos]
		switch {
		case c >= '0' && c <= '9' && int(c-'0') < base:
		case base == 16 && (c|0x20 >= 'a' && c|0x20 <= 'f'):
		case c == '_' && base > 0 && pos+1 < len(src) && byteClass[src[pos+1]]&clDigit != 0:
		default:
			return pos
		}
		pos++
	}
	return pos
}

// operatorEnd follows the two exceptions of the operator rule: a comment may start inside a run of operator
// characters, and a run of several ends in + or - only when it holds one of ~ ! @ # % ^ & | ` ?.
func operatorEnd(src string, pos int) int {
	end := pos
	special := false
	for end < len(src) && byteClass[src[end]]&clOperator != 0 {
		if end > pos && ((src[end] == '-' && hasAt(src, end+1, '-')) || (src[end] == '/' && hasAt(src, end+1, '*'))) {
			break
		}
		special = special || strings.IndexByte("~!@#^&|`?%", src[end]) >= 0
		end++
	}
	if !special {
		for end > pos+1 && (src[end-1] == '+' || src[end-1] == '-') {
			end--
		}
	}
	return end
}

// foldEqual reports whether text is upper in any case; upper holds only upper-case ASCII letters and underscores.
func foldEqual(text, upper string) bool {
	if len(text) != len(upper) {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}

// fold returns the name that an unquoted identifier stands for: ASCII letters in lower case, all else as it is.
func fold(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] >= 'A' && text[i] <= 'Z' {
			lower := []byte(text)
			for ; i < len(lower); i++ {
				if lower[i] >= 'A' && lower[i] <= 'Z' {
					lower[i] += 'a' - 'A'
				}
			}
			return string(lower)
		}
	}
	return text
}
