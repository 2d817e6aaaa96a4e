package ddl

import "strings"

// startsTableConstraint reports whether a table constraint, rather than a column, stands next. Every word here but
// EXCLUDE is reserved; a column may be called exclude.
func (p *parser) startsTableConstraint() bool {
	return p.is("CONSTRAINT") || p.is("CHECK") || p.is("UNIQUE") || p.is("PRIMARY KEY") || p.is("FOREIGN KEY") ||
		p.is("EXCLUDE USING") || p.is("EXCLUDE") && p.at(1).IsPunct('(') || p.is("NOT NULL")
}

// constraint reads a constraint of a table, column or domain; its Kind is 0 when it is not known.
func (p *parser) constraint() Constraint {
	start := p.start()
	var c Constraint
	if p.skip("CONSTRAINT") {
		c.Name = p.ident()
	}
	for _, rule := range constraintRules {
		if p.skip(rule.words) {
			rule.read(p, &c)
			break
		}
	}
	if c.Kind != 0 {
		p.constraintAttributes(&c)
	}
	c.Span = p.since(start)
	return c
}

var constraintRules = []struct {
	words string
	read  func(*parser, *Constraint)
}{
	{"NOT NULL", func(p *parser, c *Constraint) {
		c.Kind = NotNull
		if isName(p.peek()) && !p.oneOfAhead(columnClauses) && !p.oneOfAhead(columnWords) {
			c.Columns = []string{p.ident()}
		}
	}},
	{"NULL", func(_ *parser, c *Constraint) { c.Kind = Null }},
	{"DEFAULT", func(p *parser, c *Constraint) {
		c.Kind = Default
		c.Expr = p.expr(columnClauses...)
	}},
	{"CHECK", func(p *parser, c *Constraint) {
		c.Kind = Check
		c.Expr = p.parens()
	}},
	{"UNIQUE", func(p *parser, c *Constraint) {
		c.Kind = Unique
		p.indexConstraint(c)
	}},
	{"PRIMARY KEY", func(p *parser, c *Constraint) {
		c.Kind = PrimaryKey
		p.indexConstraint(c)
	}},
	{"EXCLUDE", func(p *parser, c *Constraint) {
		c.Kind = Exclude
		if p.skip("USING") {
			c.Method = p.ident()
		}
		c.Expr = p.parens()
		p.indexParameters(c)
		if p.skip("WHERE") {
			p.parens()
		}
	}},
	{"FOREIGN KEY", func(p *parser, c *Constraint) {
		c.Kind = ForeignKey
		c.Columns = p.columns()
		c.References = &Reference{}
		if p.skip("REFERENCES") {
			c.References = p.reference()
		}
	}},
	{"REFERENCES", func(p *parser, c *Constraint) {
		c.Kind = ForeignKey
		c.References = p.reference()
	}},
	{"GENERATED", parseGenerated},
}

// columnWords are words that may follow NOT NULL in a column and are no column's name there.
var columnWords = []string{"STORAGE", "COMPRESSION", "NO INHERIT", "ENFORCED"}

func parseGenerated(p *parser, c *Constraint) {
	switch p.oneOf("ALWAYS AS IDENTITY", "BY DEFAULT AS IDENTITY", "ALWAYS AS") {
	case "ALWAYS AS IDENTITY":
		c.Kind, c.Always = Identity, true
		c.Options = p.sequenceOptionsInParens()
	case "BY DEFAULT AS IDENTITY":
		c.Kind = Identity
		c.Options = p.sequenceOptionsInParens()
	case "ALWAYS AS":
		c.Kind = Generated
		c.Expr = p.parens()
		// Neither word is the default of PostgreSQL 18: virtual. Older servers require STORED.
		c.Virtual = p.oneOf("STORED", "VIRTUAL") != "STORED"
	}
}

func (p *parser) sequenceOptionsInParens() []Option {
	inside := p.parens()
	if inside.IsZero() {
		return nil
	}
	return newParser(inside.Text, p.syntax).sequenceOptions()
}

// indexConstraint reads on after UNIQUE and PRIMARY KEY.
func (p *parser) indexConstraint(c *Constraint) {
	if p.skip("NULLS NOT DISTINCT") {
		c.NullsNotDistinct = true
	} else {
		p.skip("NULLS DISTINCT")
	}
	if p.skip("USING INDEX") && !p.is("TABLESPACE") {
		c.UsingIndex = p.ident()
		return
	}
	c.Columns = p.columns()
	p.indexParameters(c)
}

func (p *parser) indexParameters(c *Constraint) {
	for {
		switch {
		case p.skip("INCLUDE"):
			c.Include = p.columns()
		case p.is("WITH") && p.at(1).IsPunct('('):
			p.next()
			c.Options = p.options()
		case p.skip("USING INDEX TABLESPACE"):
			p.ident()
		default:
			return
		}
	}
}

func (p *parser) reference() *Reference {
	r := &Reference{Table: p.name(), Columns: p.columns()}
	for {
		switch {
		case p.skip("MATCH"):
			r.Match = strings.ToUpper(p.next().Text)
		case p.skip("ON DELETE"):
			r.OnDelete = p.referentialAction()
		case p.skip("ON UPDATE"):
			r.OnUpdate = p.referentialAction()
		default:
			return r
		}
	}
}

func (p *parser) referentialAction() string {
	action := p.oneOf("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")
	if strings.HasPrefix(action, "SET") {
		p.parens()
	}
	return action
}

func (p *parser) constraintAttributes(c *Constraint) {
	for {
		switch p.oneOf("NOT VALID", "NOT ENFORCED", "ENFORCED", "NOT DEFERRABLE", "DEFERRABLE", "INITIALLY DEFERRED",
			"INITIALLY IMMEDIATE", "NO INHERIT") {
		case "NOT VALID":
			c.NotValid = true
		case "NOT ENFORCED":
			c.NotEnforced = true
		case "ENFORCED":
			c.Enforced = true
		case "DEFERRABLE":
			c.Deferrable = true
		case "INITIALLY DEFERRED":
			c.Deferrable, c.InitiallyDeferred = true, true
		case "NO INHERIT":
			c.NoInherit = true
		case "":
			return
		}
	}
}
