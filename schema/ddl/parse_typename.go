package ddl

import (
	"strconv"
	"strings"
)

// typeNames gives the types that have several names one: the name in pg_type.
var typeNames = map[string]string{
	"int": "int4", "integer": "int4", "smallint": "int2", "bigint": "int8", "real": "float4", "float": "float8",
	"double precision": "float8", "decimal": "numeric", "dec": "numeric", "boolean": "bool",
	"character varying": "varchar", "char varying": "varchar", "national character varying": "varchar",
	"national char varying": "varchar", "nchar varying": "varchar", "character": "bpchar", "char": "bpchar",
	"national character": "bpchar", "national char": "bpchar", "nchar": "bpchar", "bit varying": "varbit",
	"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp",
	"time with time zone": "timetz", "time without time zone": "time", "serial4": "serial", "serial8": "bigserial",
	"serial2": "smallserial",
}

// typeName reads a type (gram.y, rule Typename).
func (p *parser) typeName() TypeName {
	start := p.start()
	t := TypeName{SetOf: p.skip("SETOF")}
	if !isName(p.peek()) {
		return TypeName{}
	}
	quoted := p.peek().Kind == QuotedIdent
	name := p.name()
	t.Schema, t.Name = name.Schema, name.Name
	if t.Schema == "" && !quoted {
		p.builtinType(&t)
	}
	t.Modifiers = append(t.Modifiers, p.modifiers()...)
	if t.Schema == "" && (t.Name == "timestamp" || t.Name == "time") && !quoted {
		switch p.oneOf("WITH TIME ZONE", "WITHOUT TIME ZONE") {
		case "WITH TIME ZONE":
			t.Name += "tz"
		}
	}
	if p.peek().Text == "%" && p.at(1).Is("TYPE") {
		p.pos += 2
		t.Name += "%type"
	}
	for p.punct('[') {
		t.Array = true
		for !p.done() && !p.punct(']') {
			p.pos++
		}
	}
	if p.skip("ARRAY") {
		t.Array = true
		if p.punct('[') {
			for !p.done() && !p.punct(']') {
				p.pos++
			}
		}
	}
	t.Span = p.since(start)
	t.Text = p.src[t.Span.Start:t.Span.End]
	return t
}

// builtinType reads on after the first word of a type that SQL spells with several words.
func (p *parser) builtinType(t *TypeName) {
	switch t.Name {
	case "double":
		if p.skip("PRECISION") {
			t.Name = "double precision"
		}
	case "national":
		switch p.oneOf("CHARACTER", "CHAR") {
		case "CHARACTER":
			t.Name = "national character"
		case "CHAR":
			t.Name = "national char"
		}
	}
	switch t.Name {
	case "character", "char", "nchar", "national character", "national char", "bit":
		if p.skip("VARYING") {
			t.Name += " varying"
		}
	case "interval":
		for {
			field := p.oneOf("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO")
			if field == "" {
				break
			}
			t.Modifiers = append(t.Modifiers, strings.ToLower(field))
		}
	case "float":
		if mods := p.modifiers(); len(mods) == 1 {
			if bits, err := strconv.Atoi(mods[0]); err == nil && bits <= 24 {
				t.Name = "float4"
			}
		}
	}
	if canonical, ok := typeNames[t.Name]; ok {
		t.Name = canonical
	}
}

// modifiers reads the values in parentheses after a type's name.
func (p *parser) modifiers() []string {
	if !p.peek().IsPunct('(') {
		return nil
	}
	p.next()
	var list []string
	for !p.done() && !p.punct(')') {
		if e := p.expr(); !e.IsZero() {
			list = append(list, e.Text)
		}
		if !p.punct(',') {
			p.toClose()
			break
		}
	}
	return list
}
