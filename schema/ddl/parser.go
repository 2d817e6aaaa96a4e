package ddl

import "strings"

// Parse reads one statement. What it does not know it leaves out or returns as *Unknown; it refuses nothing, so that
// the error is always nil today and stays for text that no version of PostgreSQL could take.
func Parse(sql string) (Node, error) { return parse(sql, StandardStrings), nil }

// Parse reads the statement.
func (s Statement) Parse() (Node, error) { return parse(s.SQL, s.Strings), nil }

func parse(sql string, syntax StringSyntax) Node {
	p := newParser(sql, syntax)
	verb := classify(sql, syntax).Verb
	for _, family := range families {
		for _, rule := range family {
			if rule.verb != verb {
				continue
			}
			if node := rule.read(p); node != nil {
				return node
			}
			return &Unknown{Verb: verb}
		}
	}
	return parseOther(p, verb)
}

// readRule says how to read the statements with a verb, from their first word on.
type readRule struct {
	verb string
	read func(*parser) Node
}

// families are the rules of the families of statements, each beside its functions.
var families = [][]readRule{
	tableRules, indexRules, typeRules, viewRules, routineRules, accessRules, maintenanceRules, sessionRules, queryRules,
}

// parser reads the significant tokens of one statement.
type parser struct {
	src    string
	syntax StringSyntax
	tokens []Token
	pos    int
}

func newParser(sql string, syntax StringSyntax) *parser {
	p := &parser{src: sql, syntax: syntax}
	l := NewLexer(sql)
	l.SetStrings(syntax)
	for t := l.Next(); t.Kind != EOF; t = l.Next() {
		if !t.Trivia() {
			p.tokens = append(p.tokens, t)
		}
	}
	for len(p.tokens) > 0 && p.tokens[len(p.tokens)-1].IsPunct(';') {
		p.tokens = p.tokens[:len(p.tokens)-1]
	}
	return p
}

func (p *parser) at(i int) Token {
	if p.pos+i < len(p.tokens) {
		return p.tokens[p.pos+i]
	}
	return Token{Offset: len(p.src)}
}

func (p *parser) peek() Token { return p.at(0) }

func (p *parser) done() bool { return p.pos >= len(p.tokens) }

func (p *parser) next() Token {
	t := p.at(0)
	if !p.done() {
		p.pos++
	}
	return t
}

// is reports whether the words, separated by blanks, stand next.
func (p *parser) is(words string) bool {
	for i := 0; ; i++ {
		word, rest, more := strings.Cut(words, " ")
		if !p.at(i).Is(word) {
			return false
		}
		if !more {
			return true
		}
		words = rest
	}
}

// skip steps over the words when they stand next.
func (p *parser) skip(words string) bool {
	if !p.is(words) {
		return false
	}
	p.pos += strings.Count(words, " ") + 1
	return true
}

// oneOf steps over the first of the alternatives that stands next and returns it.
func (p *parser) oneOf(alternatives ...string) string {
	for _, words := range alternatives {
		if p.skip(words) {
			return words
		}
	}
	return ""
}

func (p *parser) punct(c byte) bool {
	if t := p.peek(); t.Text != "" && t.Text[0] == c && len(t.Text) == 1 && (t.Kind == Punct || t.Kind == Operator) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) start() int { return p.peek().Offset }

// end returns where the last token read ends.
func (p *parser) end() int {
	if p.pos == 0 {
		return 0
	}
	t := p.tokens[p.pos-1]
	return t.Offset + len(t.Text)
}

// since returns the span from start to the last token read.
func (p *parser) since(start int) Span { return Span{start, max(start, p.end())} }

func (p *parser) textSince(start int) Expr {
	span := p.since(start)
	return Expr{Text: p.src[span.Start:span.End], Span: span}
}

// ident reads one part of a name, "" when none stands next.
func (p *parser) ident() string {
	if !isName(p.peek()) {
		return ""
	}
	return identValue(p.next().Text)
}

func identValue(text string) string {
	if open := strings.IndexByte(text, '"'); open >= 0 {
		return strings.ReplaceAll(strings.TrimSuffix(text[open+1:], `"`), `""`, `"`)
	}
	return fold(text)
}

// name reads a name of up to three parts; of three the first, the database, is left out.
func (p *parser) name() Name {
	start := p.start()
	var n Name
	if !isName(p.peek()) {
		return n
	}
	n.Name = p.ident()
	for p.peek().IsPunct('.') && isName(p.at(1)) {
		p.pos++
		n.Schema, n.Name = n.Name, p.ident()
	}
	n.Span = p.since(start)
	return n
}

// names reads a list of names; of tables each may have ONLY before it and * after it.
func (p *parser) names() []Name {
	var list []Name
	for {
		p.skip("ONLY")
		paren := p.punct('(')
		n := p.name()
		if n.IsZero() {
			return list
		}
		p.punct('*')
		if paren {
			p.punct(')')
		}
		list = append(list, n)
		if !p.punct(',') {
			return list
		}
	}
}

// idents reads a list of single identifiers.
func (p *parser) idents() []string {
	var list []string
	for isName(p.peek()) {
		list = append(list, p.ident())
		if !p.punct(',') {
			break
		}
	}
	return list
}

// columns reads (a, b) when it stands next.
func (p *parser) columns() []string {
	if !p.peek().IsPunct('(') {
		return nil
	}
	p.next()
	list := p.idents()
	p.toClose()
	return list
}

// toClose steps over everything to and with the parenthesis that closes the one open.
func (p *parser) toClose() {
	for depth := 1; !p.done(); {
		switch t := p.next(); {
		case t.IsPunct('('):
			depth++
		case t.IsPunct(')'):
			if depth--; depth == 0 {
				return
			}
		}
	}
}

// parens reads (…) when it stands next and returns what is inside.
func (p *parser) parens() Expr {
	if !p.peek().IsPunct('(') {
		return Expr{}
	}
	p.next()
	start := p.start()
	p.toClose()
	end := p.end()
	if p.tokens[p.pos-1].IsPunct(')') {
		end = p.tokens[p.pos-1].Offset
	}
	text := strings.TrimSpace(p.src[start:max(start, end)])
	return Expr{Text: text, Span: Span{start, start + len(text)}}
}

// expr reads an expression up to a comma or closing parenthesis of its own level, or one of the words. The first token
// always belongs to it, and so does everything between CASE and END.
func (p *parser) expr(stops ...string) Expr {
	start := p.start()
	depth, cases := 0, 0
	for first := true; !p.done(); first = false {
		t := p.peek()
		if depth == 0 && cases == 0 && (t.IsPunct(',') || t.IsPunct(')') || !first && p.oneOfAhead(stops)) {
			break
		}
		switch {
		case t.IsPunct('('), t.IsPunct('['):
			depth++
		case t.IsPunct(')'), t.IsPunct(']'):
			depth--
		case t.Is("CASE"):
			cases++
		case t.Is("END") && cases > 0:
			cases--
		}
		p.pos++
	}
	if p.start() == start {
		return Expr{}
	}
	return p.textSince(start)
}

func (p *parser) oneOfAhead(alternatives []string) bool {
	for _, words := range alternatives {
		if p.is(words) {
			return true
		}
	}
	return false
}

// rest reads everything that is left.
func (p *parser) rest() Expr {
	if p.done() {
		return Expr{}
	}
	start := p.start()
	p.pos = len(p.tokens)
	return p.textSince(start)
}

// options reads (name [=] value, …) when it stands next.
func (p *parser) options() []Option {
	if !p.punct('(') {
		return nil
	}
	var list []Option
	for !p.done() && !p.punct(')') {
		list = append(list, p.option())
		if !p.punct(',') {
			p.toClose()
			break
		}
	}
	return list
}

func (p *parser) option() Option {
	start := p.start()
	p.oneOf("ADD", "SET", "DROP")
	name := p.ident()
	for p.punct('.') {
		name += "." + p.ident()
	}
	p.punct('=')
	value := p.expr()
	return Option{Name: name, Value: value.Text, Span: p.since(start)}
}

func (p *parser) ifNotExists() bool { return p.skip("IF NOT EXISTS") }

func (p *parser) ifExists() bool { return p.skip("IF EXISTS") }

func (p *parser) behavior() Behavior {
	if p.oneOf("CASCADE", "RESTRICT") == "CASCADE" {
		return Cascade
	}
	return Restrict
}

func (p *parser) persistence() Persistence {
	_ = p.skip("GLOBAL") || p.skip("LOCAL")
	switch p.oneOf("TEMPORARY", "TEMP", "UNLOGGED") {
	case "TEMPORARY", "TEMP":
		return Temporary
	case "UNLOGGED":
		return Unlogged
	}
	return Permanent
}
