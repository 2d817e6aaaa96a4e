package ddl

import "strings"

var tableRules = []readRule{
	{"CREATE TABLE", parseCreateTable},
	{"CREATE FOREIGN TABLE", parseCreateTable},
	{"ALTER TABLE", parseAlterTable},
	{"ALTER FOREIGN TABLE", parseAlterTable},
	{"ALTER INDEX", parseAlterTable},
	{"ALTER VIEW", parseAlterTable},
	{"ALTER MATERIALIZED VIEW", parseAlterTable},
	{"ALTER SEQUENCE", parseAlterTable},
}

func parseCreateTable(p *parser) Node {
	p.skip("CREATE")
	t := &CreateTable{Persistence: p.persistence(), Foreign: p.skip("FOREIGN")}
	p.skip("TABLE")
	t.IfNotExists = p.ifNotExists()
	t.Name = p.name()
	switch {
	case p.skip("OF"):
		t.OfType = p.name()
	case p.skip("PARTITION OF"):
		t.PartitionOf = p.name()
	}
	if p.peek().IsPunct('(') {
		p.next()
		p.tableElements(t)
	}
	for !p.done() {
		p.tableClause(t)
	}
	return t
}

func (p *parser) tableElements(t *CreateTable) {
	for !p.done() && !p.punct(')') {
		switch {
		case p.skip("LIKE"):
			t.Like = append(t.Like, p.like())
		case p.startsTableConstraint():
			t.Constraints = append(t.Constraints, p.constraint())
		default:
			if col := p.column(); col.Name != "" {
				t.Columns = append(t.Columns, col)
			}
		}
		if !p.punct(',') {
			if !p.punct(')') {
				p.toClose()
			}
			return
		}
	}
}

func (p *parser) like() Like {
	like := Like{Table: p.name()}
	for {
		switch p.oneOf("INCLUDING", "EXCLUDING") {
		case "INCLUDING":
			like.Including = append(like.Including, strings.ToUpper(p.next().Text))
		case "EXCLUDING":
			like.Excluding = append(like.Excluding, strings.ToUpper(p.next().Text))
		default:
			return like
		}
	}
}

// tableClause reads one of the clauses after the columns.
func (p *parser) tableClause(t *CreateTable) {
	switch {
	case p.skip("INHERITS"):
		if p.punct('(') {
			t.Inherits = p.names()
			p.toClose()
		}
	case p.skip("PARTITION BY"):
		start := p.start()
		by := &PartitionBy{Strategy: strings.ToUpper(p.next().Text)}
		key := p.parens()
		inner := newParser(key.Text, p.syntax)
		for !inner.done() {
			if name := inner.ident(); name != "" && !inner.peek().IsPunct('(') {
				by.Columns = append(by.Columns, name)
			}
			inner.expr()
			inner.punct(',')
			inner.punct(')')
		}
		by.Text = p.textSince(start).Text
		t.PartitionBy = by
	case p.is("FOR VALUES"), p.is("DEFAULT") && !t.PartitionOf.IsZero():
		t.Bound = p.bound()
	case p.skip("USING"):
		t.Method = p.ident()
	case p.skip("WITHOUT OIDS"):
	case p.skip("WITH NO DATA"):
		t.NoData = true
	case p.skip("WITH DATA"):
	case p.skip("WITH"):
		t.Options = p.options()
	case p.skip("OPTIONS"):
		t.Options = p.options()
	case p.skip("SERVER"):
		t.Server = p.ident()
	case p.skip("TABLESPACE"):
		t.Tablespace = p.ident()
	case p.skip("AS"):
		t.Query = p.query("WITH NO DATA", "WITH DATA")
	default:
		p.next()
	}
}

func (p *parser) bound() PartitionBound {
	if p.skip("DEFAULT") {
		return PartitionBound{Default: true, Text: "DEFAULT"}
	}
	start := p.start()
	p.skip("FOR VALUES")
	if p.oneOf("IN", "FROM", "WITH") != "" {
		p.parens()
	}
	if p.skip("TO") {
		p.parens()
	}
	return PartitionBound{Text: p.textSince(start).Text}
}

// columnClauses are the words that start a clause of a column, which therefore end an expression in one.
var columnClauses = []string{
	"CONSTRAINT", "NOT NULL", "NULL", "DEFAULT", "CHECK", "UNIQUE", "PRIMARY KEY", "REFERENCES", "GENERATED", "COLLATE",
	"DEFERRABLE", "NOT DEFERRABLE", "INITIALLY", "NOT VALID", "ENFORCED", "NOT ENFORCED", "NO INHERIT", "OPTIONS",
}

func (p *parser) column() Column {
	start := p.start()
	c := Column{Name: p.ident()}
	p.skip("WITH OPTIONS")
	if !p.peek().IsPunct(',') && !p.peek().IsPunct(')') && !p.oneOfAhead(columnClauses) {
		c.Type = p.typeName()
	}
	for !p.done() && !p.peek().IsPunct(',') && !p.peek().IsPunct(')') {
		switch {
		case p.skip("STORAGE"):
			c.Storage = strings.ToUpper(p.next().Text)
		case p.skip("COMPRESSION"):
			c.Compression = p.ident()
		case p.skip("COLLATE"):
			c.Collation = p.name()
		case p.skip("OPTIONS"):
			p.parens()
		default:
			from := p.pos
			if con := p.constraint(); con.Kind != 0 {
				c.Constraints = append(c.Constraints, con)
			}
			if p.pos == from {
				if p.peek().IsPunct('(') {
					p.parens()
				} else {
					p.next()
				}
			}
		}
	}
	c.Span = p.since(start)
	return c
}
