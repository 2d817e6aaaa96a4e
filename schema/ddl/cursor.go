package ddl

import "strings"

// cursor reads the tokens of one statement without white space and comments, a few ahead at a time.
type cursor struct {
	lexer Lexer
	ahead [maxAhead]Token
	n     int // how many of ahead are read
}

// maxAhead is one more than the most words that stand together in a rule.
const maxAhead = 4

func newCursor(sql string, syntax StringSyntax) *cursor {
	return &cursor{lexer: Lexer{src: sql, strings: syntax}}
}

func (c *cursor) clone() *cursor {
	other := *c
	return &other
}

// at returns the token i places ahead.
func (c *cursor) at(i int) Token {
	for c.n <= i {
		t := c.lexer.Next()
		for t.Trivia() {
			t = c.lexer.Next()
		}
		c.ahead[c.n] = t
		c.n++
	}
	return c.ahead[i]
}

func (c *cursor) peek() Token { return c.at(0) }

func (c *cursor) next() Token {
	t := c.at(0)
	if t.Kind != EOF {
		c.drop(1)
	}
	return t
}

// drop steps over n tokens that are read.
func (c *cursor) drop(n int) {
	copy(c.ahead[:], c.ahead[n:c.n])
	c.n -= n
}

// skip steps over the words when all of them stand next, in this order.
func (c *cursor) skip(words ...string) bool {
	for i, w := range words {
		if !c.at(i).Is(w) {
			return false
		}
	}
	c.drop(len(words))
	return true
}

// skipName steps over a schema and its dot.
func (c *cursor) skipName(schema string) {
	if c.at(0).Is(strings.ToUpper(schema)) && c.at(1).IsPunct('.') {
		c.next()
		c.next()
	}
}

func isName(t Token) bool { return t.Kind == Word || t.Kind == QuotedIdent }

// name reads a dotted name and returns it as written, without white space and comments around its dots.
func (c *cursor) name() string {
	if !isName(c.peek()) {
		return ""
	}
	name := c.next().Text
	for c.peek().IsPunct('.') && isName(c.at(1)) {
		c.next()
		name += "." + c.next().Text
	}
	return name
}

// skipParens steps over (…) when it stands next.
func (c *cursor) skipParens() bool {
	if !c.peek().IsPunct('(') {
		return false
	}
	c.next()
	c.skipToClose()
	return true
}

// skipToClose steps over everything up to and with the parenthesis that closes the one just read.
func (c *cursor) skipToClose() {
	for depth := 1; depth > 0; {
		switch t := c.next(); {
		case t.Kind == EOF:
			return
		case t.IsPunct('('):
			depth++
		case t.IsPunct(')'):
			depth--
		}
	}
}

// tableAfter looks for the word outside parentheses and reads the table's name after it.
func (c *cursor) tableAfter(word string) string {
	for {
		switch t := c.next(); {
		case t.Kind == EOF:
			return ""
		case t.IsPunct('('):
			c.skipToClose()
		case t.Is(word):
			c.skip("ONLY")
			return c.name()
		}
	}
}

// optionIsOn reads a list of options in parentheses, when one stands next, and reports whether it turns option on.
func (c *cursor) optionIsOn(option string) bool {
	if !c.peek().IsPunct('(') {
		return false
	}
	on := c.clone().findOption("", option, "") && !c.clone().findOption("", option, "false")
	c.skipParens()
	return on
}

// findOption looks in the parentheses after the word (or in the next ones when it is empty) for an option with a
// value: "false" for any way to write it, "" for any value.
func (c *cursor) findOption(word, option, value string) bool {
	for word != "" && !c.peek().Is(word) {
		if c.next().Kind == EOF {
			return false
		}
	}
	for !c.peek().IsPunct('(') {
		if c.next().Kind == EOF {
			return false
		}
	}
	for t := c.next(); t.Kind != EOF && !t.IsPunct(')'); t = c.next() {
		if t.Is(option) {
			if c.peek().Text == "=" {
				c.next()
			}
			return value == "" || isOff(c.peek().Text)
		}
	}
	return false
}

// isOff reports whether PostgreSQL's defGetBoolean takes text as false.
func isOff(text string) bool {
	switch strings.ToLower(unquote(text)) {
	case "false", "off", "0":
		return true
	}
	return false
}

// unquoteIdent returns the name that an identifier as written stands for, in lower case when it is not quoted.
func unquoteIdent(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
	}
	return fold(text)
}
