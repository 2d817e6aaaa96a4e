package judge

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Element is a part of a random schema: what one script makes, before and after
// the edit. An empty script makes nothing: the element is added or removed.
// A script that a server refuses, because what it needs is not there, is left
// out of the schema; it has done nothing.
type Element struct{ Old, New string }

// Edit is a random schema and a random change of it.
type Edit struct {
	Seed     uint64
	Elements []Element
}

// Scripts are the scripts of both schemas, in loading order.
func (e Edit) Scripts() (before, after []string) {
	for _, el := range e.Elements {
		if el.Old != "" {
			before = append(before, el.Old)
		}
		if el.New != "" {
			after = append(after, el.New)
		}
	}
	return before, after
}

// RandomEdit makes the edit of that seed, always the same: tables, columns,
// constraints, indexes, enums, domains, composite types, sequences, views,
// functions, triggers, policies, partitions, grants and comments.
func RandomEdit(seed uint64) Edit {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x6b65646765))} //nolint:gosec // the same edit for the same seed
	return Edit{Seed: seed, Elements: g.schema()}
}

type generator struct {
	*rand.Rand
	elements []Element
	named    int

	schemas   []string
	tables    []*table
	enums     []enum
	domains   []string
	types     []string // composite
	functions []function
	triggers  []string // names of trigger functions
	views     []string
	sequences []string
}

// maker is an element's content in a form that can be changed.
type maker interface {
	sql() string
	// edited returns a changed copy.
	edited(*generator) maker
}

// add adds an object that stays, is changed, appears or goes.
func (g *generator) add(m maker) {
	e := Element{m.sql(), m.sql()}
	switch n := g.IntN(100); {
	case n < 55:
	case n < 84:
		changed := m
		for range 1 + g.IntN(2) {
			changed = changed.edited(g)
		}
		e.New = changed.sql()
	case n < 92:
		e.New = ""
	default:
		e.Old = ""
	}
	g.elements = append(g.elements, e)
}

func (g *generator) one(n, of int) bool { return g.IntN(of) < n }

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

// name makes a new name, now and then an odd one. It is quoted.
func (g *generator) name(prefix string) string {
	g.named++
	switch g.IntN(12) {
	case 0:
		return fmt.Sprintf(`"%s %d"`, strings.ToUpper(prefix), g.named)
	case 1:
		return fmt.Sprintf(`"%s""ö%d"`, prefix, g.named)
	case 2:
		return fmt.Sprintf(`"%s%d%s"`, prefix, g.named, strings.Repeat("x", 59-len(prefix)))
	}
	return fmt.Sprintf("%s%d", prefix, g.named)
}

func (g *generator) schema() []Element {
	g.schemas = []string{"public"}
	if g.one(1, 2) {
		s := g.name("s")
		g.schemas = append(g.schemas, "public", s)
		g.elements = append(g.elements, Element{"CREATE SCHEMA " + s, "CREATE SCHEMA " + s})
	}
	g.some(3, g.addEnum)
	g.some(2, g.addDomain)
	g.some(2, g.addComposite)
	g.some(2, g.addSequence)
	g.some(3, g.addFunction)
	g.some(2, g.addTriggerFunction)
	for range 1 + g.IntN(4) {
		g.addTable()
	}
	g.some(6, g.addConstraint)
	g.some(5, g.addIndex)
	g.some(4, g.addView)
	g.some(2, g.addLateFunction)
	g.some(3, g.addTrigger)
	g.some(2, g.addPolicy)
	g.some(4, g.addGrant)
	g.some(4, g.addComment)
	g.some(1, g.addStatistics)
	return g.elements
}

func (g *generator) some(most int, add func()) {
	for range g.IntN(most + 1) {
		add()
	}
}

func (g *generator) qualified(prefix string) string {
	return pick(g, g.schemas...) + "." + g.name(prefix)
}

// literal is a constant of a type.
func (g *generator) literal(typ string) string {
	n := g.IntN(50)
	switch base, _, _ := strings.Cut(typ, "("); base {
	case "smallint", "integer", "bigint", "numeric", "double precision":
		return fmt.Sprint(n)
	case "text", "character varying":
		return fmt.Sprintf("'w%d'", n)
	case "boolean":
		return fmt.Sprint(n%2 == 0)
	case "date":
		return fmt.Sprintf("'2024-01-%02d'::date", n%28+1)
	case "timestamp with time zone", "timestamp without time zone":
		return pick(g, "now()", "'2024-02-03 04:05:06'")
	case "jsonb":
		return fmt.Sprintf(`'{"a": %d}'::jsonb`, n)
	case "uuid":
		return pick(g, "gen_random_uuid()", "'6f1a3f0e-7a3e-4b8a-9a3e-0123456789ab'::uuid")
	case "text[]", "integer[]":
		return fmt.Sprintf("'{%d}'", n)
	}
	for _, e := range g.enums {
		if typ == e.name {
			return fmt.Sprintf("'%s'", pick(g, e.labels...))
		}
	}
	return "NULL"
}

func (g *generator) builtinType() string {
	return pick(g, "integer", "bigint", "smallint", "text", "character varying(20)", "character varying(40)", "character varying",
		"numeric(10,2)", "numeric", "boolean", "date", "timestamp with time zone", "timestamp without time zone",
		"jsonb", "uuid", "text[]", "integer[]", "double precision")
}

func (g *generator) anyType() string {
	var own []string
	for _, e := range g.enums {
		own = append(own, e.name, e.name+"[]")
	}
	own = append(append(own, g.domains...), g.types...)
	if len(own) > 0 && g.one(1, 4) {
		return pick(g, own...)
	}
	return g.builtinType()
}
