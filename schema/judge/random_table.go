package judge

import (
	"fmt"
	"slices"
	"strings"
)

type table struct {
	name, clause string // what follows the columns
	unlogged     bool
	key          string // of a partitioned table: its column
	columns      []column
}

func (t *table) sql() string {
	unlogged, columns := "", ""
	if t.unlogged {
		unlogged = "UNLOGGED "
	}
	if t.key != "" {
		columns = t.key + " integer NOT NULL"
	}
	return fmt.Sprintf("CREATE %sTABLE %s (%s)%s", unlogged, t.name, columns, t.clause)
}

func (t *table) edited(g *generator) maker {
	changed := *t
	switch {
	case t.key != "":
	case g.one(1, 2):
		changed.unlogged = !t.unlogged
	default:
		changed.clause = pick(g, "", " WITH (fillfactor=70)", " WITH (autovacuum_enabled=false)")
	}
	return &changed
}

func (g *generator) addTable() {
	t := &table{name: g.qualified("t")}
	partitioned := g.one(1, 4)
	if partitioned {
		t.key = "k"
		t.clause = " PARTITION BY LIST (k)"
		t.columns = append(t.columns, column{name: "k", typ: "integer"})
	}
	g.tables = append(g.tables, t)
	if g.one(4, 5) { // a table that comes or goes takes all with it
		g.elements = append(g.elements, Element{t.sql(), t.edited(g).sql()})
	} else {
		g.add(t)
	}
	if partitioned {
		for i := range 1 + g.IntN(3) {
			g.add(&partition{parent: t.name, name: g.qualified("p"), bounds: fmt.Sprintf("FOR VALUES IN (%d, %d)", 10*i, 10*i+1)})
		}
		if g.one(1, 4) {
			g.add(&partition{parent: t.name, name: g.qualified("p"), bounds: "DEFAULT"})
		}
	}
	for range 1 + g.IntN(6) {
		c := column{table: t.name, name: g.name("c"), typ: g.anyType()}
		switch g.IntN(8) {
		case 0, 1:
			c.fallback = g.literal(c.typ)
		case 2:
			c.fallback, c.notNull = g.literal(c.typ), true
		case 3:
			if len(g.functions) > 0 {
				f := pick(g, g.functions...)
				c.typ, c.fallback = f.result, g.call(f)
			}
		case 4:
			if len(t.columns) > 0 && !partitioned {
				from := pick(g, t.columns...)
				c.typ, c.generated = "text", fmt.Sprintf("CASE WHEN %s IS NULL THEN 'none'::text ELSE 'some'::text END", from.name)
			}
		case 5:
			if !partitioned {
				c.typ, c.identity = pick(g, "integer", "bigint"), pick(g, "ALWAYS", "BY DEFAULT")
			}
		case 6:
			if len(g.sequences) > 0 {
				c.typ, c.fallback = "bigint", fmt.Sprintf("nextval('%s'::regclass)", strings.ReplaceAll(pick(g, g.sequences...), "'", "''"))
			}
		}
		t.columns = append(t.columns, c)
		g.add(c)
	}
}

func (g *generator) call(f function) string {
	list := make([]string, len(f.arguments))
	for i, a := range f.arguments {
		list[i] = "NULL::" + a
	}
	return f.name + "(" + strings.Join(list, ", ") + ")"
}

// column is the name of one of the table's.
func (g *generator) column(t *table) string {
	if len(t.columns) == 0 {
		return "nothing"
	}
	return pick(g, t.columns...).name
}

type partition struct{ parent, name, bounds string }

func (p *partition) sql() string {
	return fmt.Sprintf("CREATE TABLE %s PARTITION OF %s %s", p.name, p.parent, p.bounds)
}

func (p *partition) edited(g *generator) maker {
	changed := *p
	changed.bounds = fmt.Sprintf("FOR VALUES IN (%d)", 100+g.IntN(100))
	return &changed
}

type column struct {
	table, name, typ, fallback, generated, identity string
	notNull                                         bool
	extra                                           string // ALTER COLUMN …
}

func (c column) sql() string {
	s := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", c.table, c.name, c.typ)
	switch {
	case c.generated != "":
		s += " GENERATED ALWAYS AS (" + c.generated + ") STORED"
	case c.identity != "":
		s += " GENERATED " + c.identity + " AS IDENTITY"
	case c.fallback != "":
		s += " DEFAULT " + c.fallback
	}
	if c.notNull {
		s += " NOT NULL"
	}
	if c.extra != "" {
		s += fmt.Sprintf("; ALTER TABLE %s ALTER COLUMN %s %s", c.table, c.name, c.extra)
	}
	return s
}

func (c column) edited(g *generator) maker {
	switch g.IntN(7) {
	case 0, 1:
		if c.generated == "" && c.identity == "" {
			c.typ = g.anyType()
			if c.fallback != "" {
				c.fallback = g.literal(c.typ)
			}
		}
	case 2:
		c.notNull = !c.notNull
	case 3:
		c.generated, c.identity = "", ""
		c.fallback = g.maybe(g.literal(c.typ))
	case 4:
		c.extra = pick(g, "", "SET STATISTICS 7", "SET (n_distinct = 5)")
	case 5:
		if c.typ == "integer" || c.typ == "bigint" {
			c.generated, c.fallback, c.identity = "", "", pick(g, "ALWAYS", "BY DEFAULT", "")
		}
	default:
		if strings.HasPrefix(c.typ, "text") || strings.HasPrefix(c.typ, "character") {
			c.typ += ` COLLATE "C"`
		}
	}
	return c
}

type constraint struct{ table, name, definition string }

func (c constraint) sql() string {
	return fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", c.table, c.name, c.definition)
}

func (c constraint) edited(g *generator) maker {
	for _, t := range g.tables {
		if t.name == c.table {
			c.definition = g.constraint(t)
		}
	}
	return c
}

func (g *generator) constraint(t *table) string {
	a, b := g.column(t), g.column(t)
	switch g.IntN(7) {
	case 0:
		return fmt.Sprintf("PRIMARY KEY (%s)", a)
	case 1:
		return fmt.Sprintf("UNIQUE (%s)%s", g.list(t), pick(g, "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"))
	case 2:
		other := pick(g, g.tables...)
		return fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s (%s)%s%s", a, other.name, g.column(other), pick(g, "", " ON DELETE CASCADE", " ON UPDATE SET NULL"), pick(g, "", " NOT VALID"))
	case 3:
		return fmt.Sprintf("EXCLUDE (%s WITH =)", a)
	case 4:
		return fmt.Sprintf("CHECK (%s IS NOT NULL OR %s IS NULL) NOT VALID", a, b)
	}
	return fmt.Sprintf("CHECK (%s IS NOT NULL OR %s IS NULL%s)", a, b, pick(g, "", " OR 1 > 2"))
}

func (g *generator) list(t *table) string {
	columns := []string{g.column(t)}
	if more := g.column(t); g.one(1, 2) && !slices.Contains(columns, more) {
		columns = append(columns, more)
	}
	if t.key != "" && !slices.Contains(columns, t.key) {
		columns = append(columns, t.key)
	}
	return strings.Join(columns, ", ")
}

func (g *generator) addConstraint() {
	t := pick(g, g.tables...)
	g.add(constraint{table: t.name, name: g.name("n"), definition: g.constraint(t)})
}

type index struct{ name, unique, table, definition string }

func (i index) sql() string {
	return fmt.Sprintf("CREATE %sINDEX %s ON %s %s", i.unique, i.name, i.table, i.definition)
}

func (i index) edited(g *generator) maker {
	if g.one(1, 5) {
		t := pick(g, g.tables...)
		i.table = t.name
	}
	for _, t := range g.tables {
		if t.name == i.table {
			i.definition = g.index(t)
		}
	}
	return i
}

func (g *generator) index(t *table) string {
	c := g.column(t)
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("(%s DESC NULLS LAST)", c)
	case 1:
		return fmt.Sprintf("USING hash (%s)", c)
	case 2:
		return fmt.Sprintf("(%s) WHERE %s IS NOT NULL", c, g.column(t))
	case 3:
		return fmt.Sprintf("((%s IS NULL), %s)", c, g.list(t))
	case 4:
		return fmt.Sprintf("(%s) INCLUDE (%s)%s", c, g.column(t), pick(g, "", " WITH (fillfactor=60)"))
	}
	return "(" + g.list(t) + ")"
}

func (g *generator) addIndex() {
	t := pick(g, g.tables...)
	g.add(index{name: g.name("i"), unique: pick(g, "", "", "UNIQUE "), table: t.name, definition: g.index(t)})
}
