package ddl

var indexRules = []readRule{
	{"CREATE INDEX", parseCreateIndex},
	{"REINDEX INDEX", parseReindex},
	{"REINDEX TABLE", parseReindex},
	{"REINDEX SCHEMA", parseReindex},
	{"REINDEX DATABASE", parseReindex},
	{"REINDEX SYSTEM", parseReindex},
	{"CREATE STATISTICS", parseCreateStatistics},
}

func parseCreateIndex(p *parser) Node {
	p.skip("CREATE")
	x := &CreateIndex{Unique: p.skip("UNIQUE")}
	p.skip("INDEX")
	x.Concurrently = p.skip("CONCURRENTLY")
	x.IfNotExists = p.ifNotExists()
	if !p.is("ON") {
		x.Name = p.ident()
	}
	p.skip("ON")
	x.Only = p.skip("ONLY")
	x.Table = p.name()
	if p.skip("USING") {
		x.Method = p.ident()
	}
	if p.punct('(') {
		for !p.done() && !p.punct(')') {
			x.Elements = append(x.Elements, p.indexElement())
			if !p.punct(',') {
				p.toClose()
				break
			}
		}
	}
	for !p.done() {
		switch {
		case p.skip("INCLUDE"):
			x.Include = p.columns()
		case p.skip("NULLS NOT DISTINCT"):
			x.NullsNotDistinct = true
		case p.skip("WITH"):
			x.Options = p.options()
		case p.skip("TABLESPACE"):
			x.Tablespace = p.ident()
		case p.skip("WHERE"):
			x.Where = p.rest()
		default:
			p.next()
		}
	}
	return x
}

func (p *parser) indexElement() IndexElement {
	start := p.start()
	var e IndexElement
	switch {
	case p.peek().IsPunct('('):
		e.Expr = p.parens()
	case isName(p.peek()) && (p.at(1).IsPunct('(') || p.at(1).IsPunct('.') && p.at(3).IsPunct('(')):
		p.name()
		p.parens()
		e.Expr = p.textSince(start)
	default:
		e.Column = p.ident()
	}
	if p.skip("COLLATE") {
		e.Collation = p.name()
	}
	if isName(p.peek()) && !p.oneOfAhead([]string{"ASC", "DESC", "NULLS", "WITH"}) {
		e.OpClass = p.name()
		p.parens()
	}
	e.Desc = p.oneOf("ASC", "DESC") == "DESC"
	for !p.done() && !p.peek().IsPunct(',') && !p.peek().IsPunct(')') {
		if p.expr().IsZero() {
			break
		}
	}
	e.Span = p.since(start)
	return e
}

func parseReindex(p *parser) Node {
	p.skip("REINDEX")
	r := &Reindex{}
	if o, ok := OptionOf(p.options(), "concurrently"); ok {
		r.Concurrently = o.IsOn()
	}
	r.Kind = p.oneOf("INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM")
	r.Concurrently = p.skip("CONCURRENTLY") || r.Concurrently
	r.Name = p.name()
	return r
}

func parseCreateStatistics(p *parser) Node {
	p.skip("CREATE STATISTICS")
	s := &CreateStatistics{IfNotExists: p.ifNotExists()}
	if !p.is("ON") {
		s.Name = p.name()
	}
	for !p.done() && !p.skip("FROM") {
		if p.peek().IsPunct('(') {
			p.parens()
			continue
		}
		p.next()
	}
	s.Table = p.name()
	return s
}
