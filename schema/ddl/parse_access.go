package ddl

import "strings"

var accessRules = []readRule{
	{"GRANT", parseGrant},
	{"REVOKE", parseGrant},
	{"ALTER DEFAULT PRIVILEGES", parseDefaultPrivileges},
	{"CREATE POLICY", parseCreatePolicy},
	{"COMMENT", parseComment},
	{"CREATE SCHEMA", parseCreateSchema},
	{"CREATE EXTENSION", parseCreateExtension},
	{"CREATE PUBLICATION", parsePublication},
	{"ALTER PUBLICATION", parsePublication},
}

func parseGrant(p *parser) Node {
	g := &Grant{Revoke: p.oneOf("GRANT", "REVOKE") == "REVOKE"}
	p.oneOf("GRANT OPTION FOR", "ADMIN OPTION FOR", "INHERIT OPTION FOR", "SET OPTION FOR")
	from := p.pos
	for !p.done() && !p.is("ON") && !p.is("TO") && !p.is("FROM") {
		if words := p.grantedWords(); words != "" {
			g.Privileges = append(g.Privileges, words)
		}
		if !p.punct(',') {
			break
		}
	}
	g.Kind = "ROLE"
	if p.skip("ON") {
		g.Kind = p.oneOf(grantKinds...)
		if g.Kind == "" {
			g.Kind = "TABLE"
		}
		for !p.done() && !p.is("TO") && !p.is("FROM") {
			g.Objects = append(g.Objects, p.name())
			if p.parens().IsZero() && p.peek().IsPunct('(') {
				p.next()
			}
			if !p.punct(',') {
				break
			}
		}
	} else {
		p.pos = from
		g.Privileges = p.roles()
	}
	if p.oneOf("TO", "FROM") != "" {
		g.Roles = p.roles()
	}
	return g
}

// grantedWords reads one privilege with the columns it is for, or a role.
func (p *parser) grantedWords() string {
	if p.peek().Kind == QuotedIdent {
		p.next()
		return ""
	}
	var words []string
	for p.peek().Kind == Word && !p.is("ON") && !p.is("TO") && !p.is("FROM") {
		words = append(words, strings.ToUpper(p.next().Text))
	}
	p.parens()
	return strings.Join(words, " ")
}

func (p *parser) roles() []string {
	var list []string
	for isName(p.peek()) {
		p.skip("GROUP")
		list = append(list, p.ident())
		if !p.punct(',') {
			break
		}
	}
	return list
}

var grantKinds = []string{
	"ALL TABLES IN SCHEMA", "ALL SEQUENCES IN SCHEMA", "ALL FUNCTIONS IN SCHEMA", "ALL PROCEDURES IN SCHEMA",
	"ALL ROUTINES IN SCHEMA", "FOREIGN DATA WRAPPER", "FOREIGN SERVER", "LARGE OBJECT", "DATABASE", "DOMAIN", "FUNCTION",
	"LANGUAGE", "PARAMETER", "PROCEDURE", "ROUTINE", "SCHEMA", "SEQUENCE", "TABLESPACE", "TABLE", "TYPE",
}

func parseDefaultPrivileges(p *parser) Node {
	for !p.done() && !p.is("GRANT") && !p.is("REVOKE") {
		p.next()
	}
	g := parseGrant(p).(*Grant)
	g.Default = true
	if len(g.Objects) == 1 {
		g.Kind, g.Objects = strings.ToUpper(g.Objects[0].Name), nil
	}
	return g
}

func parseCreatePolicy(p *parser) Node {
	p.skip("CREATE POLICY")
	y := &CreatePolicy{Name: p.ident(), Command: "ALL"}
	p.skip("ON")
	y.Table = p.name()
	for !p.done() {
		switch {
		case p.skip("AS"):
			y.Restrictive = p.skip("RESTRICTIVE")
		case p.skip("FOR"):
			y.Command = strings.ToUpper(p.next().Text)
		case p.skip("TO"):
			y.Roles = p.roles()
		case p.skip("USING"):
			y.Using = p.parens()
		case p.skip("WITH CHECK"):
			y.Check = p.parens()
		default:
			p.next()
		}
	}
	return y
}

func parseComment(p *parser) Node {
	p.skip("COMMENT ON")
	c := &CommentOn{}
	for _, kind := range append([][]string{{"COLUMN"}, {"CONSTRAINT"}}, objectKinds...) {
		if words := strings.Join(kind, " "); p.skip(words) {
			c.Kind = words
			break
		}
	}
	if c.Kind == "" {
		return nil
	}
	p.skip("DOMAIN")
	c.Name = p.name()
	p.parens()
	if p.skip("ON") {
		p.skip("DOMAIN")
		c.On = p.name()
	}
	if c.Kind == "COLUMN" {
		p.columnOf(c)
	}
	for !p.done() && !p.skip("IS") {
		p.next()
	}
	if c.Null = p.is("NULL"); !c.Null {
		c.Text = stringValue(p.next().Text)
	}
	return c
}

// columnOf takes the last part of the name just read as the column.
func (p *parser) columnOf(c *CommentOn) {
	span := c.Name.Span
	parts := newParser(p.src[span.Start:span.End], p.syntax)
	var names []string
	for !parts.done() {
		names = append(names, parts.ident())
		if !parts.punct('.') {
			break
		}
	}
	c.Column = names[len(names)-1]
	c.Name = Name{Span: span}
	if n := len(names); n > 1 {
		c.Name.Name = names[n-2]
		if n > 2 {
			c.Name.Schema = names[n-3]
		}
	}
}

func parseCreateSchema(p *parser) Node {
	p.skip("CREATE SCHEMA")
	s := &CreateSchema{IfNotExists: p.ifNotExists()}
	if !p.is("AUTHORIZATION") {
		s.Name = p.name()
	}
	if p.skip("AUTHORIZATION") {
		s.Authorization = p.ident()
		if s.Name.IsZero() {
			s.Name.Name = s.Authorization
		}
	}
	return s
}

func parseCreateExtension(p *parser) Node {
	p.skip("CREATE EXTENSION")
	e := &CreateExtension{IfNotExists: p.ifNotExists(), Name: p.name()}
	for !p.done() {
		switch {
		case p.skip("SCHEMA"):
			e.Schema = p.ident()
		case p.skip("VERSION"):
			e.Version = p.nameOrString()
		case p.skip("CASCADE"):
			e.Cascade = true
		default:
			p.next()
		}
	}
	return e
}

func parsePublication(p *parser) Node {
	b := &Publication{}
	alter := p.oneOf("CREATE", "ALTER") == "ALTER"
	p.skip("PUBLICATION")
	b.Name = p.name()
	if alter {
		b.Alter = strings.ToUpper(p.next().Text)
		if b.Alter != "ADD" && b.Alter != "SET" && b.Alter != "DROP" {
			return b
		}
	} else {
		p.skip("FOR")
	}
	if p.skip("ALL TABLES") {
		b.AllTables = true
		return b
	}
	schemas := false
	for !p.done() {
		switch {
		case p.skip("TABLES IN SCHEMA"):
			schemas = true
		case p.skip("TABLE"):
			schemas = false
		case p.is("WITH"):
			return b
		}
		p.skip("ONLY")
		name := p.name()
		if name.IsZero() {
			return b
		}
		if schemas {
			b.Schemas = append(b.Schemas, name.Name)
		} else {
			b.Tables = append(b.Tables, name)
		}
		p.punct('*')
		p.parens()
		if p.skip("WHERE") {
			p.parens()
		}
		if !p.punct(',') {
			return b
		}
	}
	return b
}
