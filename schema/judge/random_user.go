package judge

import (
	"fmt"
	"slices"
	"strings"
)

// view is a view or a materialized one.
type view struct {
	kind, name, options, from, where string
	columns                          []string
}

func (v view) sql() string {
	return fmt.Sprintf("CREATE %s %s%s AS SELECT %s FROM %s x%s", v.kind, v.name, v.options, strings.Join(v.columns, ", "), v.from, v.where)
}

func (v view) edited(g *generator) maker {
	switch g.IntN(4) {
	case 0:
		v.columns = append(slices.Clone(v.columns), fmt.Sprintf("%d AS extra%d", g.IntN(9), g.IntN(100)))
	case 1:
		v.columns = slices.Clone(v.columns)
		slices.Reverse(v.columns)
	case 2:
		v.where = pick(g, "", " WHERE 1 > 0", " WHERE x.* IS NOT NULL")
	default:
		if v.kind == "VIEW" {
			v.options = pick(g, "", " WITH (security_barrier=true)", " WITH (security_invoker=true)")
		}
	}
	return v
}

func (g *generator) addView() {
	v := view{kind: pick(g, "VIEW", "VIEW", "MATERIALIZED VIEW"), name: g.qualified("v")}
	if len(g.views) > 0 && g.one(2, 5) {
		v.from, v.columns = pick(g, g.views...), []string{pick(g, "x.*", "count(*) AS n", "x.v1")}
	} else {
		t := pick(g, g.tables...)
		v.from = t.name
		v.columns = []string{fmt.Sprintf("x.%s AS v1", g.column(t))}
		if g.one(1, 2) {
			v.columns = append(v.columns, fmt.Sprintf("x.%s AS v2", g.column(t)))
		}
		if g.one(1, 4) {
			v.columns = append(v.columns, "x AS whole")
		}
		if len(g.functions) > 0 && g.one(1, 3) {
			v.columns = append(v.columns, g.call(pick(g, g.functions...))+" AS called")
		}
		if g.one(1, 5) {
			v.columns = []string{"x.*"}
		}
	}
	g.views = append(g.views, v.name)
	g.add(v)
	if v.kind == "MATERIALIZED VIEW" && g.one(1, 2) {
		g.add(index{name: g.name("mi"), table: v.name, definition: "(v1)"})
	}
}

type trigger struct{ name, table, timing, event, level, when, function, state string }

func (t trigger) sql() string {
	s := fmt.Sprintf("CREATE TRIGGER %s %s %s ON %s FOR EACH %s %sEXECUTE FUNCTION %s()", t.name, t.timing, t.event, t.table, t.level, t.when, t.function)
	if t.state != "" {
		s += fmt.Sprintf("; ALTER TABLE %s %s TRIGGER %s", t.table, t.state, t.name)
	}
	return s
}

func (t trigger) edited(g *generator) maker {
	switch g.IntN(3) {
	case 0:
		t.state = pick(g, "", "DISABLE", "ENABLE ALWAYS", "ENABLE REPLICA")
	case 1:
		t.event = pick(g, "INSERT", "UPDATE", "INSERT OR UPDATE", "DELETE")
	default:
		t.timing = pick(g, "BEFORE", "AFTER")
	}
	return t
}

func (g *generator) addTrigger() {
	if len(g.triggers) == 0 {
		return
	}
	on := pick(g, g.tables...)
	t := trigger{name: g.name("tr"), table: on.name, timing: pick(g, "BEFORE", "AFTER"), level: pick(g, "ROW", "STATEMENT"), function: pick(g, g.triggers...)}
	t.event = pick(g, "INSERT", "UPDATE", "DELETE", "UPDATE OF "+g.column(on))
	if t.level == "ROW" && g.one(1, 2) {
		t.event = pick(g, "INSERT", "UPDATE OF "+g.column(on))
		t.when = fmt.Sprintf("WHEN (NEW.%s IS NOT NULL) ", g.column(on))
	}
	g.add(t)
}

type policy struct{ name, table, command, to, using string }

func (p policy) sql() string {
	return fmt.Sprintf("CREATE POLICY %s ON %s FOR %s TO %s USING (%s); ALTER TABLE %s ENABLE ROW LEVEL SECURITY", p.name, p.table, p.command, p.to, p.using, p.table)
}

func (p policy) edited(g *generator) maker {
	switch g.IntN(3) {
	case 0:
		p.command = pick(g, "ALL", "SELECT", "UPDATE", "DELETE")
	case 1:
		p.to = pick(g, "PUBLIC", "app_reader", `app_writer, "Odd Role"`)
	default:
		p.using = pick(g, "true", "false", "CURRENT_USER = 'x'")
	}
	return p
}

func (g *generator) addPolicy() {
	t, other := pick(g, g.tables...), pick(g, g.tables...)
	g.add(policy{name: g.name("po"), table: t.name, command: "ALL", to: "PUBLIC",
		using: pick(g, "true", g.column(t)+" IS NOT NULL", fmt.Sprintf("EXISTS (SELECT 1 FROM %s o WHERE o.%s IS NULL)", other.name, g.column(other)))})
}

type grant struct{ privileges, object, to, option string }

func (r grant) sql() string {
	return fmt.Sprintf("GRANT %s ON %s TO %s%s", r.privileges, r.object, r.to, r.option)
}

func (r grant) edited(g *generator) maker {
	if g.one(1, 2) {
		r.to = pick(g, "app_reader", "app_writer", `"Odd Role"`)
	} else {
		r.option = pick(g, "", " WITH GRANT OPTION")
	}
	return r
}

func (g *generator) addGrant() {
	t := pick(g, g.tables...)
	r := grant{object: "TABLE " + t.name, to: pick(g, "app_reader", "app_writer", `"Odd Role"`)}
	switch g.IntN(6) {
	case 0:
		r.privileges = fmt.Sprintf("SELECT (%s), UPDATE (%s)", g.column(t), g.column(t))
	case 1:
		r.privileges, r.object = "USAGE", "SCHEMA "+pick(g, g.schemas...)
	case 2:
		if len(g.functions) > 0 {
			r.privileges, r.object = "EXECUTE", "FUNCTION "+pick(g, g.functions...).signature()
			break
		}
		fallthrough
	case 3:
		if len(g.views) > 0 {
			r.privileges, r.object = "SELECT", pick(g, g.views...)
			break
		}
		fallthrough
	default:
		r.privileges = pick(g, "SELECT", "INSERT, UPDATE", "ALL")
	}
	g.add(r)
	if g.one(1, 4) {
		g.add(owner{t.name, "app_owner"})
	}
}

type owner struct{ table, to string }

func (o owner) sql() string { return fmt.Sprintf("ALTER TABLE %s OWNER TO %s", o.table, o.to) }

func (o owner) edited(*generator) maker {
	o.to = "app_writer"
	return o
}

type comment struct{ object, text string }

func (c comment) sql() string { return fmt.Sprintf("COMMENT ON %s IS '%s'", c.object, c.text) }

func (c comment) edited(g *generator) maker {
	c.text = fmt.Sprintf("it''s %d", g.IntN(100))
	return c
}

func (g *generator) addComment() {
	t := pick(g, g.tables...)
	objects := []string{"TABLE " + t.name, "COLUMN " + t.name + "." + g.column(t), "SCHEMA " + pick(g, g.schemas...)}
	for _, e := range g.enums {
		objects = append(objects, "TYPE "+e.name)
	}
	for _, f := range g.functions {
		objects = append(objects, "FUNCTION "+f.signature())
	}
	for _, v := range g.views {
		objects = append(objects, "VIEW "+v, "COLUMN "+v+".v1")
	}
	g.add(comment{object: pick(g, objects...), text: fmt.Sprintf("words %d", g.IntN(100))})
}

type statistics struct{ name, kinds, table, columns string }

func (s statistics) sql() string {
	return fmt.Sprintf("CREATE STATISTICS %s%s ON %s FROM %s", s.name, s.kinds, s.columns, s.table)
}

func (s statistics) edited(g *generator) maker {
	s.kinds = pick(g, "", " (ndistinct)", " (mcv, dependencies)")
	return s
}

func (g *generator) addStatistics() {
	t := pick(g, g.tables...)
	g.add(statistics{name: g.qualified("st"), table: t.name, columns: g.column(t) + ", " + g.column(t)})
}
