package ddl

var typeRules = []readRule{
	{"CREATE TYPE", parseCreateType},
	{"ALTER TYPE", parseAlterType},
	{"CREATE DOMAIN", parseCreateDomain},
	{"ALTER DOMAIN", parseAlterDomain},
	{"CREATE SEQUENCE", parseCreateSequence},
}

func parseCreateType(p *parser) Node {
	p.skip("CREATE TYPE")
	t := &CreateType{Name: p.name(), Form: ShellType}
	switch {
	case p.skip("AS ENUM"):
		t.Form = EnumType
		t.Labels = p.labels()
	case p.skip("AS RANGE"):
		t.Form = RangeType
		t.Options = p.options()
	case p.skip("AS"):
		t.Form = CompositeType
		if p.punct('(') {
			for !p.done() && !p.punct(')') {
				t.Attributes = append(t.Attributes, p.column())
				if !p.punct(',') {
					p.toClose()
					break
				}
			}
		}
	case p.peek().IsPunct('('):
		t.Form = BaseType
		t.Options = p.options()
	}
	return t
}

func (p *parser) labels() []string {
	if !p.punct('(') {
		return nil
	}
	var list []string
	for p.peek().Kind == String {
		list = append(list, stringValue(p.next().Text))
		p.punct(',')
	}
	p.toClose()
	return list
}

func (p *parser) label() string {
	if p.peek().Kind == String {
		return stringValue(p.next().Text)
	}
	return ""
}

func parseAlterType(p *parser) Node {
	p.skip("ALTER TYPE")
	t := &AlterType{Name: p.name()}
	switch {
	case p.skip("ADD VALUE"):
		t.IfNotExists = p.ifNotExists()
		t.AddValue = p.label()
		if p.skip("BEFORE") {
			t.Before = p.label()
		}
		if p.skip("AFTER") {
			t.After = p.label()
		}
	case p.skip("RENAME VALUE"):
		t.RenameValue = p.label()
		p.skip("TO")
		t.NewName = p.label()
	case p.skip("RENAME TO"):
		t.NewName = p.ident()
	case p.skip("SET SCHEMA"):
		t.NewSchema = p.ident()
	case p.skip("OWNER TO"):
		t.NewOwner = p.ident()
	default:
		for !p.done() {
			t.Commands = append(t.Commands, p.command("TYPE"))
			if !p.punct(',') {
				break
			}
		}
	}
	return t
}

func parseCreateDomain(p *parser) Node {
	p.skip("CREATE DOMAIN")
	d := &CreateDomain{Name: p.name()}
	p.skip("AS")
	d.Type = p.typeName()
	for !p.done() {
		if p.skip("COLLATE") {
			d.Collation = p.name()
			continue
		}
		from := p.pos
		if c := p.constraint(); c.Kind != 0 {
			d.Constraints = append(d.Constraints, c)
		}
		if p.pos == from {
			p.next()
		}
	}
	return d
}

func parseAlterDomain(p *parser) Node {
	p.skip("ALTER DOMAIN")
	d := &AlterDomain{Name: p.name()}
	start := p.start()
	c := &d.Command
	switch p.oneOf("SET DEFAULT", "DROP DEFAULT", "SET NOT NULL", "DROP NOT NULL", "ADD", "DROP CONSTRAINT",
		"VALIDATE CONSTRAINT", "RENAME CONSTRAINT", "RENAME TO", "SET SCHEMA", "OWNER TO") {
	case "SET DEFAULT":
		c.Action, c.Expr = SetDefault, p.expr()
	case "DROP DEFAULT":
		c.Action = DropDefault
	case "SET NOT NULL":
		c.Action = SetNotNull
	case "DROP NOT NULL":
		c.Action = DropNotNull
	case "ADD":
		c.Action = AddConstraint
		addConstraint(p, c)
	case "DROP CONSTRAINT":
		c.Action = DropConstraint
		dropped(p, c)
	case "VALIDATE CONSTRAINT":
		c.Action, c.Object = ValidateConstraint, p.ident()
	case "RENAME CONSTRAINT":
		c.Action = RenameConstraint
		renamed(p, c)
	case "RENAME TO":
		c.Action, c.NewName = RenameTo, p.ident()
	case "SET SCHEMA":
		c.Action, c.Object = SetSchema, p.ident()
	case "OWNER TO":
		c.Action, c.Object = OwnerTo, p.ident()
	}
	c.Span = p.since(start)
	return d
}

func parseCreateSequence(p *parser) Node {
	p.skip("CREATE")
	s := &CreateSequence{Persistence: p.persistence()}
	p.skip("SEQUENCE")
	s.IfNotExists = p.ifNotExists()
	s.Name = p.name()
	for _, o := range p.sequenceOptions() {
		switch o.Name {
		case "as":
			s.Type = newParser(o.Value, p.syntax).typeName()
		case "owned by":
			s.OwnedBy = o.Value
		default:
			s.Options = append(s.Options, o)
		}
	}
	return s
}

// sequenceOptions reads the options of a sequence, which have no commas between them.
func (p *parser) sequenceOptions() []Option {
	var list []Option
	for !p.done() {
		start := p.start()
		o := Option{Name: fold(p.oneOf("NO MINVALUE", "NO MAXVALUE", "NO CYCLE", "INCREMENT BY", "START WITH", "RESTART WITH",
			"OWNED BY", "SEQUENCE NAME"))}
		if o.Name == "" {
			o.Name = fold(p.next().Text)
		}
		value := p.start()
		switch {
		case o.Name == "as":
			p.typeName()
		case o.Name == "owned by", o.Name == "sequence name":
			p.name()
		case p.peek().Text == "-" || p.peek().Text == "+":
			p.next()
			p.next()
		case p.peek().Kind == Number:
			p.next()
		}
		if p.end() > value {
			o.Value = p.textSince(value).Text
		}
		o.Span = p.since(start)
		list = append(list, o)
	}
	return list
}
