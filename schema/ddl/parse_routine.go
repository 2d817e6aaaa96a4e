package ddl

import "strings"

var routineRules = []readRule{
	{"CREATE FUNCTION", parseCreateRoutine},
	{"CREATE PROCEDURE", parseCreateRoutine},
	{"CREATE AGGREGATE", parseCreateRoutine},
	{"CREATE TRIGGER", parseCreateTrigger},
	{"DO", parseDo},
	{"CALL", func(p *parser) Node { p.skip("CALL"); return &Call{Name: p.name()} }},
}

func parseCreateRoutine(p *parser) Node {
	p.skip("CREATE")
	r := &CreateRoutine{Replace: p.skip("OR REPLACE"), Volatility: "VOLATILE"}
	r.Kind = p.oneOf("FUNCTION", "PROCEDURE", "AGGREGATE")
	r.Name = p.name()
	r.Arguments = p.parens()
	for !p.done() {
		p.routineClause(r)
	}
	return r
}

func (p *parser) routineClause(r *CreateRoutine) {
	switch {
	case p.skip("RETURNS NULL ON NULL INPUT"):
	case p.skip("RETURNS"):
		if start := p.start(); p.skip("TABLE") {
			p.parens()
			r.Returns = TypeName{Name: "record", SetOf: true, Text: p.textSince(start).Text}
			return
		}
		r.Returns = p.typeName()
	case p.skip("LANGUAGE"):
		r.Language = p.nameOrString()
	case p.is("IMMUTABLE"), p.is("STABLE"), p.is("VOLATILE"):
		r.Volatility = strings.ToUpper(p.next().Text)
	case p.skip("SECURITY DEFINER"):
		r.SecurityDefiner = true
	case p.skip("SET"):
		r.Settings = append(r.Settings, p.setting())
	case p.is("BEGIN ATOMIC"), p.is("RETURN"):
		r.Body, r.Atomic = p.rest(), true
		if r.Language == "" {
			r.Language = "sql"
		}
	case p.is("AS") && (p.at(1).Kind == String || p.at(1).Kind == DollarString):
		p.next()
		r.Body = p.body()
	default:
		if p.parens().IsZero() {
			p.next()
		}
	}
}

// body reads a string constant as a program.
func (p *parser) body() Expr {
	t := p.next()
	value := stringValue(t.Text)
	start := t.Offset
	if at := strings.Index(t.Text, value); at >= 0 {
		start += at
	}
	return Expr{Text: value, Span: Span{start, t.Offset + len(t.Text)}}
}

func (p *parser) nameOrString() string {
	if p.peek().Kind == String {
		return fold(stringValue(p.next().Text))
	}
	return p.ident()
}

// setting reads name = value of a routine's SET clause.
func (p *parser) setting() Option {
	start := p.start()
	o := Option{Name: p.ident()}
	for p.punct('.') {
		o.Name += "." + p.ident()
	}
	if p.skip("FROM CURRENT") {
		o.Value = "FROM CURRENT"
		o.Span = p.since(start)
		return o
	}
	_ = p.punct('=') || p.skip("TO")
	value := p.start()
	for p.next(); p.punct(','); p.next() {
	}
	o.Value = p.textSince(value).Text
	o.Span = p.since(start)
	return o
}

func parseCreateTrigger(p *parser) Node {
	p.skip("CREATE")
	t := &CreateTrigger{Replace: p.skip("OR REPLACE"), Constraint: p.skip("CONSTRAINT")}
	p.skip("TRIGGER")
	t.Name = p.ident()
	t.Timing = p.oneOf("BEFORE", "AFTER", "INSTEAD OF")
	for !p.done() && !p.skip("ON") {
		if event := p.oneOf("INSERT", "UPDATE", "DELETE", "TRUNCATE"); event != "" {
			t.Events = append(t.Events, event)
			if p.skip("OF") {
				p.idents()
			}
			continue
		}
		p.next()
	}
	t.Table = p.name()
	for !p.done() {
		switch {
		case p.skip("FROM"):
			t.Referenced = p.name()
		case p.skip("FOR EACH ROW"), p.skip("FOR ROW"):
			t.EachRow = true
		case p.skip("EXECUTE FUNCTION"), p.skip("EXECUTE PROCEDURE"):
			t.Function = p.name()
		default:
			if p.parens().IsZero() {
				p.next()
			}
		}
	}
	return t
}

func parseDo(p *parser) Node {
	p.skip("DO")
	d := &Do{Language: "plpgsql"}
	for !p.done() {
		switch {
		case p.skip("LANGUAGE"):
			d.Language = p.nameOrString()
		case p.peek().Kind == String, p.peek().Kind == DollarString:
			d.Body = p.body()
		default:
			p.next()
		}
	}
	return d
}
