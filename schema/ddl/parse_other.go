package ddl

import "strings"

// parseOther reads the statements that no family has a rule for: every DROP, and CREATE and ALTER of other kinds.
func parseOther(p *parser, verb string) Node {
	action, kind, _ := strings.Cut(verb, " ")
	if kind == "" {
		return &Unknown{Verb: verb}
	}
	switch action {
	case "DROP":
		return parseDrop(p, kind)
	case "ALTER":
		return parseAlter(p, kind)
	case "CREATE":
		return parseCreate(p, kind)
	}
	return &Unknown{Verb: verb}
}

func parseDrop(p *parser, kind string) Node {
	d := &Drop{Kind: kind}
	p.skip("DROP")
	p.skip("PROCEDURAL")
	p.skip(kind)
	if kind == "OWNED" || kind == "CAST" || kind == "TRANSFORM" || kind == "USER MAPPING" {
		return d
	}
	d.Concurrently = p.skip("CONCURRENTLY")
	d.IfExists = p.ifExists()
	for {
		n := p.name()
		if n.IsZero() {
			break
		}
		d.Names = append(d.Names, n)
		p.parens()
		if !p.punct(',') {
			break
		}
	}
	if p.skip("ON") {
		d.On = p.name()
	}
	for !p.done() {
		if p.behavior() == Cascade {
			d.Behavior = Cascade
			break
		}
		p.next()
	}
	return d
}

func parseAlter(p *parser, kind string) Node {
	a := &Alter{Kind: kind}
	p.skip("ALTER")
	p.skip("PROCEDURAL")
	p.skip(kind)
	a.IfExists = p.ifExists()
	a.Name = p.name()
	p.parens()
	if p.skip("ON") {
		a.On = p.name()
	}
	if kind == "TABLE" && a.Name.Name == "all" {
		a.Name = Name{}
	}
	a.Rest = p.rest()
	rest := newParser(a.Rest.Text, p.syntax)
	switch rest.oneOf("RENAME TO", "SET SCHEMA", "OWNER TO") {
	case "RENAME TO":
		a.NewName = rest.ident()
	case "SET SCHEMA":
		a.NewSchema = rest.ident()
	case "OWNER TO":
		a.NewOwner = rest.ident()
	}
	return a
}

func parseCreate(p *parser, kind string) Node {
	p.skip("CREATE")
	p.skip("OR REPLACE")
	for _, m := range createModifiers {
		p.skip(m)
	}
	p.skip(kind)
	c := &Create{Kind: kind, IfNotExists: p.ifNotExists()}
	c.Name = p.name()
	c.Rest = p.rest()
	return c
}
