package judge

import (
	"fmt"
	"slices"
	"strings"
)

type enum struct {
	name   string
	labels []string
}

func (e enum) sql() string {
	return fmt.Sprintf("CREATE TYPE %s AS ENUM ('%s')", e.name, strings.Join(e.labels, "', '"))
}

func (e enum) edited(g *generator) maker {
	e.labels = slices.Clone(e.labels)
	switch g.IntN(4) {
	case 0:
		e.labels = append(e.labels, fmt.Sprintf("end %d", g.IntN(100)))
	case 1:
		e.labels = slices.Insert(e.labels, g.IntN(len(e.labels)), fmt.Sprintf("mid %d", g.IntN(100)))
	case 2:
		if len(e.labels) > 1 {
			at := g.IntN(len(e.labels))
			e.labels = slices.Delete(e.labels, at, at+1)
		}
	default:
		g.Shuffle(len(e.labels), func(i, j int) { e.labels[i], e.labels[j] = e.labels[j], e.labels[i] })
	}
	return e
}

func (g *generator) addEnum() {
	e := enum{name: g.qualified("e")}
	for i := range 2 + g.IntN(4) {
		e.labels = append(e.labels, fmt.Sprintf("l%d", i))
	}
	g.enums = append(g.enums, e)
	g.add(e)
}

type domain struct {
	name, base, fallback, check string
	notNull                     bool
}

func (d domain) sql() string {
	s := "CREATE DOMAIN " + d.name + " AS " + d.base
	if d.fallback != "" {
		s += " DEFAULT " + d.fallback
	}
	if d.notNull {
		s += " NOT NULL"
	}
	if d.check != "" {
		s += " CONSTRAINT ok CHECK (" + d.check + ")"
	}
	return s
}

func (d domain) edited(g *generator) maker {
	switch g.IntN(4) {
	case 0:
		d.base = g.builtinType()
		if d.fallback != "" {
			d.fallback = g.literal(d.base)
		}
	case 1:
		d.fallback = g.maybe(g.literal(d.base))
	case 2:
		d.notNull = !d.notNull
	default:
		d.check = g.maybe("VALUE IS NOT NULL OR " + pick(g, "true", "1 = 1"))
	}
	return d
}

func (g *generator) maybe(text string) string {
	if g.one(1, 3) {
		return ""
	}
	return text
}

func (g *generator) addDomain() {
	d := domain{name: g.qualified("d"), base: g.builtinType()}
	if len(g.domains) > 0 && g.one(1, 3) {
		d.base = pick(g, g.domains...)
	}
	d.fallback = g.maybe(g.literal(d.base))
	d.check = g.maybe("VALUE IS NOT NULL OR VALUE IS NULL")
	g.domains = append(g.domains, d.name)
	g.add(d)
}

type composite struct {
	name       string
	attributes []string
}

func (c composite) sql() string {
	return "CREATE TYPE " + c.name + " AS (" + strings.Join(c.attributes, ", ") + ")"
}

func (c composite) edited(g *generator) maker {
	c.attributes = slices.Clone(c.attributes)
	if len(c.attributes) > 1 && g.one(1, 2) {
		at := g.IntN(len(c.attributes))
		c.attributes = slices.Delete(c.attributes, at, at+1)
	} else {
		c.attributes = append(c.attributes, fmt.Sprintf("n%d %s", g.IntN(100), g.builtinType()))
	}
	return c
}

func (g *generator) addComposite() {
	c := composite{name: g.qualified("ct")}
	for i := range 1 + g.IntN(3) {
		c.attributes = append(c.attributes, fmt.Sprintf("a%d %s", i, g.anyType()))
	}
	g.types = append(g.types, c.name)
	g.add(c)
}

type sequence struct {
	name, typ        string
	increment, cache int
	cycle            bool
}

func (s sequence) sql() string {
	text := fmt.Sprintf("CREATE SEQUENCE %s AS %s INCREMENT %d CACHE %d", s.name, s.typ, s.increment, s.cache)
	if s.cycle {
		text += " CYCLE"
	}
	return text
}

func (s sequence) edited(g *generator) maker {
	switch g.IntN(4) {
	case 0:
		s.typ = pick(g, "smallint", "integer", "bigint")
	case 1:
		s.increment = 1 + g.IntN(5)
	case 2:
		s.cache = 1 + g.IntN(5)
	default:
		s.cycle = !s.cycle
	}
	return s
}

func (g *generator) addSequence() {
	s := sequence{name: g.qualified("q"), typ: "bigint", increment: 1, cache: 1}
	g.sequences = append(g.sequences, s.name)
	g.add(s)
}

type function struct {
	name, result, body, language, volatility string
	arguments                                []string // types
	names                                    []string
	definer                                  bool
}

func (f function) signature() string { return f.name + "(" + strings.Join(f.arguments, ", ") + ")" }

func (f function) sql() string {
	list := make([]string, len(f.arguments))
	for i, a := range f.arguments {
		list[i] = f.names[i] + " " + a
	}
	s := fmt.Sprintf("CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE %s %s", f.name, strings.Join(list, ", "), f.result, f.language, f.volatility)
	if f.definer {
		s += " SECURITY DEFINER SET search_path = pg_catalog"
	}
	return s + " " + f.body
}

func (f function) edited(g *generator) maker {
	f.arguments, f.names = slices.Clone(f.arguments), slices.Clone(f.names)
	switch g.IntN(5) {
	case 0:
		f.result, f.body, f.language = g.body()
	case 1:
		if len(f.names) > 0 {
			f.names[g.IntN(len(f.names))] = g.name("x")
		}
	case 2:
		f.volatility = pick(g, "IMMUTABLE", "IMMUTABLE STRICT", "IMMUTABLE PARALLEL SAFE", "IMMUTABLE COST 7")
	case 3:
		f.definer = !f.definer
	default:
		f.arguments, f.names = append(f.arguments, g.anyType()), append(f.names, g.name("y"))
	}
	return f
}

// body is a result type, the body of a function that returns it, and its language.
func (g *generator) body() (result, body, language string) {
	result = g.builtinType()
	value := g.literal(result)
	switch g.IntN(3) {
	case 0:
		return result, fmt.Sprintf("AS $b$ SELECT (%s)::%s $b$", value, result), "sql"
	case 1:
		return result, fmt.Sprintf("AS $b$ BEGIN RETURN %s; END $b$", value), "plpgsql"
	}
	return result, fmt.Sprintf("RETURN (%s)::%s", value, result), "sql"
}

func (g *generator) addFunction() {
	f := function{name: g.qualified("f"), volatility: "IMMUTABLE"}
	f.result, f.body, f.language = g.body()
	for range g.IntN(3) {
		f.arguments, f.names = append(f.arguments, g.anyType()), append(f.names, g.name("a"))
	}
	g.functions = append(g.functions, f)
	g.add(f)
}

// addLateFunction adds one that reads a table or takes its rows.
func (g *generator) addLateFunction() {
	t := pick(g, g.tables...)
	f := function{name: g.qualified("lf"), volatility: "STABLE", language: "sql"}
	switch g.IntN(4) {
	case 0:
		f.result, f.body = "bigint", fmt.Sprintf("BEGIN ATOMIC SELECT count(*) FROM %s; END", t.name)
	case 1:
		f.result, f.body = "SETOF "+t.name, fmt.Sprintf("AS $b$ SELECT * FROM %s $b$", t.name)
	case 2:
		f.result, f.body = "text", "AS $b$ SELECT $1::text $b$"
		f.arguments, f.names = []string{t.name}, []string{"r"}
	default:
		f.result, f.body = "bigint", fmt.Sprintf("BEGIN ATOMIC SELECT count(%s) FROM %s; END", g.column(t), t.name)
	}
	g.add(f)
}

func (g *generator) addTriggerFunction() {
	name := g.qualified("tf")
	g.triggers = append(g.triggers, name)
	f := function{name: name, result: "trigger", language: "plpgsql", body: "AS $b$ BEGIN RETURN NEW; END $b$"}
	e := Element{f.sql(), f.sql()}
	if g.one(1, 3) {
		f.body = "AS $b$ BEGIN RAISE NOTICE 'hi'; RETURN NEW; END $b$"
		e.New = f.sql()
	}
	g.elements = append(g.elements, e)
}
