package catalog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Alter changes the column in place where PostgreSQL can.
func (c *Column) Alter(to schema.Object, changes schema.Changes, x schema.Context) ([]schema.Statement, bool) {
	n := to.(*Column)
	if n.ofView() {
		if changes.Only("not_null", "not_null_constraint", "local", "inherited") {
			return nil, true
		}
		if !changes.Has("type", "collation") {
			return n.settings(c, x), true
		}
		return nil, false
	}
	if changes.Has("generated", "virtual") && !c.canRegenerate(n, x) {
		return nil, false
	}
	var out []schema.Statement
	follows := n.follows(x)
	name := ddl.QuoteIdent(n.Ident.Name)
	if changes.Has("generated") && n.Generated == "" {
		out = append(out, n.alter("ALTER COLUMN "+name+" DROP EXPRESSION"))
	}
	if changes.Has("type", "collation") && !moved(c.Type, n.Type, x) {
		s := c.retype(n, x)
		if follows {
			s.SQL, s.Hazards = "", nil // the parent's statement does it
		}
		out = append(out, s)
	}
	if changes.Has("generated") && n.Generated != "" {
		out = append(out, n.alter("ALTER COLUMN "+name+" SET EXPRESSION AS ("+n.Generated+")"))
	}
	if changes.Has("not_null") && !c.followsNotNull(n, x) {
		switch {
		case !n.NotNull:
			out = append(out, n.alter("ALTER COLUMN "+name+" DROP NOT NULL"))
		default:
			if changes.Has("type", "collation") {
				x.Options.Style = schema.Offline // the table is rewritten anyway
			}
			out = append(out, n.setNotNull(x)...)
		}
	}
	if changes.Has("not_null_constraint") && c.NotNull && n.NotNull {
		out = append(out, c.alterNotNull(n, x)...)
	}
	if changes.Has("foreign_options") {
		out = append(out, n.alter("ALTER COLUMN "+name+" OPTIONS ("+foreignOptionChanges(c.ForeignOptions, n.ForeignOptions)+")"))
	}
	from := *c
	if changes.Has("type") {
		from.Storage = ""
	}
	return append(out, n.settings(&from, x)...), true
}

func (c *Column) canRegenerate(n *Column, x schema.Context) bool {
	switch {
	case c.Virtual != n.Virtual && n.Generated != "":
		return false
	case n.Generated == "":
		return !c.Virtual
	case c.Generated == "":
		return false
	}
	return x.Major() >= 17
}

// retype is ALTER COLUMN … TYPE with a USING that carries the values over.
func (c *Column) retype(n *Column, x schema.Context) schema.Statement {
	name := ddl.QuoteIdent(n.Ident.Name)
	action := "ALTER COLUMN " + name + " TYPE " + n.Type
	if n.Collation != "" {
		action += " COLLATE " + n.Collation
	}
	if c.Type != n.Type && n.Table.Kind != "foreign_table" {
		action += " USING " + converted(name, c.Type, n.Type, x)
	}
	s := n.alter(action)
	s.Lock = "AccessExclusiveLock"
	s.Displaces = []schema.Displacement{{Of: n.Ident, Kinds: displaced}, {Of: n.Ident, Kinds: []schema.Kind{"constraint", "column"}, Only: isForeignKeyOrGenerated}, rowsKept(n.Table)}
	s.Hazards = []schema.Hazard{{Kind: schema.TableRewrite, Message: fmt.Sprintf("changing the type of %s.%s may rewrite the table", relationName(n.Table), name)}}
	return s
}

// converted is a value of one type turned into another: by the database's own
// cast where it has one, else by [conversion].
func converted(name, from, to string, x schema.Context) string {
	if cast := (schema.ID{Kind: "cast", Name: from + " AS " + to}); x.From.Has(cast) && x.To.Has(cast) {
		return name + "::" + to
	}
	return conversion(name, from, to)
}

// conversion is the expression that turns a value of one type into another.
func conversion(name, from, to string) string {
	base := func(t string) string {
		if i := strings.IndexByte(t, '('); i >= 0 {
			end := strings.IndexByte(t, ')')
			t = t[:i] + t[end+1:]
		}
		return t
	}
	a, b := base(from), base(to)
	text := map[string]bool{"text": true, "character varying": true, "character": true, "name": true, "citext": true}
	number := map[string]bool{"smallint": true, "integer": true, "bigint": true, "numeric": true, "real": true, "double precision": true}
	moment := map[string]bool{"timestamp without time zone": true, "timestamp with time zone": true, "date": true}
	arrayA, arrayB := strings.HasSuffix(a, "[]"), strings.HasSuffix(b, "[]")
	cast := func(s string) string { return s + "::" + to }
	switch {
	case a == b, text[a] && text[b], number[a] && number[b], moment[a] && moment[b]:
		return cast(name)
	case arrayA && arrayB, text[a], text[b]:
		if text[a] && arrayB {
			return "CASE WHEN " + name + " IS NULL THEN NULL ELSE ARRAY[" + name + "]::" + to + " END"
		}
		if !text[a] && text[b] && arrayA {
			return cast(name)
		}
		return cast(name)
	case arrayB && !arrayA:
		element := name
		if a != strings.TrimSuffix(b, "[]") {
			element += "::text"
		}
		return "CASE WHEN " + name + " IS NULL THEN NULL ELSE ARRAY[" + element + "]::" + to + " END"
	case arrayA && !arrayB:
		return cast(name + "[1]::text")
	case a == "boolean" && number[b]:
		return cast(name + "::integer")
	case number[a] && b == "boolean":
		return name + " <> 0"
	case moment[a] && number[b]:
		return cast("EXTRACT(epoch FROM " + name + ")")
	case number[a] && moment[b]:
		return cast("to_timestamp(" + name + ")")
	case a == "json" && b == "jsonb", a == "jsonb" && b == "json", a == "jsonb" && (number[b] || b == "boolean"):
		return cast(name)
	case strings.HasPrefix(a, "time") && strings.HasPrefix(b, "time"), a == "cidr" && b == "inet", a == "inet" && b == "cidr",
		strings.HasPrefix(a, "bit") && strings.HasPrefix(b, "bit"):
		return cast(name)
	}
	return cast(name + "::text")
}

// Rebuild moves the column's values to a type that is made anew.
func (c *Column) Rebuild(to schema.Object, replaced schema.ID, x schema.Context) ([]schema.Statement, bool) {
	n, ok := to.(*Column)
	if !ok || c.ofView() || c.Generated != "" {
		return nil, false
	}
	if c.Type != n.Type && !moved(c.Type, n.Type, x) {
		return nil, true // its own change of type takes the values along
	}
	name := ddl.QuoteIdent(n.Ident.Name)
	action := "ALTER COLUMN " + name + " TYPE " + n.Type
	if n.Collation != "" {
		action += " COLLATE " + n.Collation
	}
	switch {
	case replaced.Kind == "collation":
	case strings.HasSuffix(n.Type, "[]"):
		action += " USING " + name + "::text[]::" + n.Type
	default:
		using := name + "::text::" + n.Type
		if made, ok := x.To.Object(replaced).(*Composite); ok && n.Type == relationName(replaced) {
			if from, ok := x.From.Object(replaced).(*Composite); ok && len(schema.Compare(from, made)) > 0 {
				using = made.recast(from, name)
			}
		}
		action += " USING " + using
	}
	s := n.alter(action)
	s.Lock = "AccessExclusiveLock"
	s.Displaces = []schema.Displacement{{Of: n.Ident, Kinds: displaced}, {Of: n.Ident, Kinds: []schema.Kind{"index", "constraint", "statistics"}},
		{Of: n.Ident, Kinds: []schema.Kind{"column"}, Only: isForeignKeyOrGenerated}, rowsKept(n.Table)}
	s.Hazards = []schema.Hazard{{Kind: schema.TableRewrite, Message: fmt.Sprintf("%s is made anew, which rewrites %s", replaced, relationName(n.Table))}}
	if n.follows(x) {
		s.SQL, s.Hazards = "", nil // the parent's statement does it
	}
	return []schema.Statement{s}, true
}

// followsNotNull reports whether the parent's column changes just so.
func (c *Column) followsNotNull(n *Column, x schema.Context) bool {
	if !n.follows(x) {
		return false
	}
	before, after := c.upward(x.From, x), n.upward(x.To, x)
	for i := range after {
		if i < len(before) && before[i].NotNull == c.NotNull && after[i].NotNull == n.NotNull {
			return true
		}
	}
	return false
}

// setNotNull forbids nulls: online by a check that is validated while others
// work and that spares SET NOT NULL its scan.
func (c *Column) setNotNull(x schema.Context) []schema.Statement {
	name := ddl.QuoteIdent(c.Ident.Name)
	if x.Major() >= 18 && c.Table.Kind != "foreign_table" {
		validate := c.validateNotNull()
		if x.Options.Style == schema.Online {
			validate.Transaction = schema.Apartly
		}
		switch {
		case c.notNull().NotValid:
			return []schema.Statement{c.addNotNull()}
		case x.Options.Style == schema.Online || c.notNull() != (NotNull{}):
			return []schema.Statement{c.addNotNull(), validate}
		}
	}
	set := c.alter("ALTER COLUMN " + name + " SET NOT NULL")
	set.Lock = "AccessExclusiveLock"
	if x.Options.Style != schema.Online || c.Table.Kind == "foreign_table" {
		set.Hazards = []schema.Hazard{{Kind: schema.LongScan, Message: "scans " + relationName(c.Table) + " for nulls while nobody can use it"}}
		return []schema.Statement{set}
	}
	check := ddl.QuoteIdent("kedge_not_null_" + strconv.Itoa(int(c.Attnum)))
	add := c.alter("ADD CONSTRAINT " + check + " CHECK (" + name + " IS NOT NULL) NOT VALID")
	add.Lock = "AccessExclusiveLock"
	validate := c.alter("VALIDATE CONSTRAINT " + check)
	validate.Lock, validate.Transaction = "ShareUpdateExclusiveLock", schema.Apartly
	set.Transaction = schema.Apartly
	return []schema.Statement{add, validate, set, c.alter("DROP CONSTRAINT " + check)}
}

// rowsKept names the materialized views that keep whole rows of a table, which
// the server does not rewrite then.
func rowsKept(table schema.ID) schema.Displacement {
	return schema.Displacement{Of: table, Kinds: []schema.Kind{"column"}, Only: func(o schema.Object) bool {
		c, ok := o.(*Column)
		return ok && c.Table.Kind == "materialized_view"
	}}
}

func isForeignKeyOrGenerated(o schema.Object) bool {
	switch o := o.(type) {
	case *Constraint:
		return o.Type == ForeignKey
	case *Column:
		return o.Generated != ""
	}
	return false
}
