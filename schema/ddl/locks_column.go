package ddl

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
)

// nonvolatile lists the functions of PostgreSQL that no version of them is volatile, from pg_proc.
//
//go:embed nonvolatile.txt
var nonvolatile string

var nonvolatileFunctions = func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(nonvolatile) {
		set[name] = true
	}
	return set
}()

// volatileFunctions are those that defaults are likely to call, of PostgreSQL and of its own extensions.
var volatileFunctions = []string{
	"random", "random_normal", "clock_timestamp", "timeofday", "nextval", "currval", "lastval", "setval",
	"gen_random_uuid", "uuidv4", "uuidv7", "uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4",
	"gen_random_bytes", "gen_salt", "pg_sleep", "set_config",
}

// volatility says whether evaluating the expression once for all rows will not do: rewrite when it calls a volatile
// function, rewrite and assumed when it calls one that is not known.
func (o *oracle) volatility(e Expr) work {
	result := work(0)
	for _, call := range e.Calls() {
		if f := o.scene.function(call); f != nil {
			switch {
			case f.Volatility != "VOLATILE":
			case f.Language == "sql":
				// A simple SQL function is inlined, and then counts as what it does.
				result |= rewrite | assumed
			default:
				return rewrite
			}
			continue
		}
		switch {
		case slices.Contains(volatileFunctions, call.Name):
			return rewrite
		case !nonvolatileFunctions[call.Name] && o.scene.typeOf(TypeName{Schema: call.Schema, Name: call.Name}) == nil:
			result |= rewrite | assumed
		}
	}
	return result
}

// nextvalOf returns the sequence that nextval('name') in the expression names.
func nextvalOf(e Expr) Name {
	p := newParser(e.Text, StandardStrings)
	for ; !p.done(); p.next() {
		if p.is("NEXTVAL") && p.at(1).IsPunct('(') && p.at(2).Kind == String {
			return newParser(stringValue(p.at(2).Text), StandardStrings).name()
		}
	}
	return Name{}
}

// builtinTypes are types that no row has to be checked for; those of typeNames besides.
var builtinTypes = []string{
	"text", "name", "bytea", "date", "timestamp", "timestamptz", "time", "timetz", "interval", "uuid", "json", "jsonb",
	"xml", "inet", "cidr", "macaddr", "macaddr8", "money", "bit", "varbit", "point", "line", "lseg", "box", "path",
	"polygon", "circle", "tsvector", "tsquery", "oid", "regclass", "regproc", "regtype", "regrole", "regnamespace",
	"int2", "int4", "int8", "float4", "float8", "numeric", "bool", "varchar", "bpchar", "char", "citext", "hstore",
	"ltree", "geometry", "geography", "vector", "pg_lsn", "xid", "xid8", "int4range", "int8range", "numrange",
	"tsrange", "tstzrange", "daterange", "int4multirange", "int8multirange", "nummultirange", "tsmultirange",
	"tstzmultirange", "datemultirange", "jsonpath", "tid", "cid", "oidvector", "int2vector",
}

// columnRewrite says whether adding the column writes every row anew, and why.
func (o *oracle) columnRewrite(col *Column) (work, string) {
	switch {
	case col.Type.IsSerial():
		return rewrite, "ADD COLUMN of a serial type: every row gets its own number"
	case col.Find(Identity) != nil:
		return rewrite, "ADD COLUMN … AS IDENTITY: every row gets its own number"
	case col.Find(Generated) != nil:
		if col.Find(Generated).Virtual {
			return 0, ""
		}
		return rewrite, "ADD COLUMN … GENERATED … STORED: computed for every row"
	}
	if !col.Type.Array {
		t := o.scene.typeOf(col.Type)
		switch {
		case t != nil && t.Constrained:
			return rewrite, "ADD COLUMN of a domain with constraints"
		case t == nil && !slices.Contains(builtinTypes, col.Type.Name):
			return rewrite | assumed, "ADD COLUMN of a type that may be a domain with constraints"
		}
	}
	if def := col.Find(Default); def != nil {
		if v := o.volatility(def.Expr); v != 0 {
			return v, "ADD COLUMN … DEFAULT with a volatile function"
		}
	}
	return 0, ""
}

// alterColumnType adds what a change of type does to the rows, the indexes and the constraints of the column.
func (o *oracle) alterColumnType(n *AlterTable, c *Command) {
	reason := "ALTER COLUMN … TYPE " + c.Type.Text
	for _, t := range o.family(n.Name, n.Only) {
		r := o.scene.Relation(t)
		change := o.typeChange(r.Column(c.Column), c)
		switch {
		case change.rewrite != 0:
			o.rewriteTable(t, reason, change.rewrite&assumed)
		case o.hasRows(t):
			onColumn := func(x *Relation) bool { return slices.Contains(x.Index.Columns, c.Column) }
			k := o.lockIndexes(t, AccessExclusive, reason, onColumn)
			if change.reindex && k > 0 {
				o.lock(t, AccessExclusive, scan, reason+" rebuilds its indexes").Builds += k
			}
		}
		if r == nil {
			continue
		}
		for _, con := range r.Constraints {
			o.recheck(r, con, c.Column, reason)
		}
		for _, other := range o.scene.ReferencedBy(t) {
			for _, con := range other.Constraints {
				if con.Kind == ForeignKey && con.References.Same(t) && o.isKey(r, c.Column) {
					o.lock(other.Name, AccessExclusive, scan, reason+" checks foreign key "+con.Name)
				}
			}
		}
	}
}

// isKey reports whether the column is of the table's primary key, which foreign keys refer to when they do not say.
func (o *oracle) isKey(r *Relation, column string) bool {
	return slices.ContainsFunc(r.Constraints, func(c SceneConstraint) bool {
		return c.Kind == PrimaryKey && slices.Contains(c.Columns, column)
	})
}

// recheck adds the work for a constraint that uses a column whose type changes.
func (o *oracle) recheck(r *Relation, con SceneConstraint, column, reason string) {
	switch con.Kind {
	case ForeignKey:
		if slices.Contains(con.Columns, column) {
			o.lock(con.References, AccessExclusive, 0, reason+" makes foreign key "+con.Name+" again")
			o.lock(r.Name, AccessExclusive, scan, reason+" checks foreign key "+con.Name)
		}
	case Check:
		for _, t := range newParser(con.Expr, StandardStrings).tokens {
			if isName(t) && identValue(t.Text) == column {
				o.lock(r.Name, AccessExclusive, scan, reason+" checks "+con.Name)
				return
			}
		}
	}
}

// typeWork is what a change of a column's type takes.
type typeWork struct {
	rewrite work
	reindex bool // the column's indexes are built again even without a rewrite
}

func (o *oracle) typeChange(col *SceneColumn, c *Command) typeWork {
	if !c.Using.IsZero() && !isCastOf(c.Using.Text, c) {
		return typeWork{rewrite: rewrite}
	}
	if col == nil {
		return typeWork{rewrite: rewrite | assumed, reindex: true}
	}
	from, fromDomain := o.baseType(col.Type)
	to, toDomain := o.baseType(c.Type)
	if toDomain != nil && toDomain.Constrained && fromDomain != toDomain {
		return typeWork{rewrite: rewrite}
	}
	collation := c.Collation.Name != col.Collation && (c.Collation.Name != "" || col.Collation != "")
	if from.Array || to.Array {
		if from.Array == to.Array && sameType(from, to) {
			return typeWork{reindex: collation}
		}
		return typeWork{rewrite: rewrite}
	}
	if from.Name == to.Name {
		if widens(from, to) {
			return typeWork{reindex: collation}
		}
		return typeWork{rewrite: rewrite}
	}
	return o.otherType(from, to, collation)
}

// otherType is about casts to a type of another name: without a rewrite only where the bytes stay the same.
func (o *oracle) otherType(from, to TypeName, collation bool) typeWork {
	text := func(t TypeName) bool { return t.Name == "text" || t.Name == "varchar" }
	switch {
	case text(from) && text(to) && (to.Name == "text" || len(to.Modifiers) == 0):
		return typeWork{reindex: collation}
	case from.Name == "cidr" && to.Name == "inet":
		return typeWork{}
	case text(from) && to.Name == "citext", from.Name == "citext" && text(to) && len(to.Modifiers) == 0,
		from.Name == "xml" && text(to) && len(to.Modifiers) == 0:
		return typeWork{reindex: true}
	case isOID(from.Name) && isOID(to.Name), from.Name == "int4" && isOID(to.Name), isOID(from.Name) && to.Name == "int4":
		return typeWork{reindex: true}
	case from.Name == "timestamp" && to.Name == "timestamptz", from.Name == "timestamptz" && to.Name == "timestamp":
		switch {
		case o.scene.TimeZone == "":
			return typeWork{rewrite: rewrite | assumed}
		case isUTC(o.scene.TimeZone) && widens(TypeName{Name: "timestamp", Modifiers: from.Modifiers}, to):
			return typeWork{reindex: true}
		}
	}
	if !slices.Contains(builtinTypes, from.Name) && !slices.Contains(builtinTypes, to.Name) {
		return typeWork{rewrite: rewrite | assumed}
	}
	return typeWork{rewrite: rewrite}
}

func isOID(name string) bool { return name == "oid" || strings.HasPrefix(name, "reg") }

func isUTC(zone string) bool {
	switch strings.ToLower(zone) {
	case "utc", "gmt", "etc/utc", "etc/gmt", "uct", "zulu", "universal", "greenwich":
		return true
	}
	return false
}

// baseType follows a domain to what it is over.
func (o *oracle) baseType(t TypeName) (TypeName, *SceneType) {
	if d := o.scene.typeOf(t); d != nil && !d.Base.IsZero() && !t.Array {
		return d.Base, d
	}
	return t, nil
}

func sameType(a, b TypeName) bool {
	return a.Name == b.Name && slices.Equal(a.Modifiers, b.Modifiers)
}

// widens reports whether every value of from is one of to, which has the same name, without a change of its bytes.
func widens(from, to TypeName) bool {
	if sameType(from, to) {
		return true
	}
	f, t := numbers(from.Modifiers), numbers(to.Modifiers)
	switch to.Name {
	case "varchar", "varbit":
		return len(t) == 0 || len(f) == 1 && t[0] >= f[0]
	case "numeric":
		if len(t) == 0 {
			return true
		}
		scale := func(m []int) int {
			if len(m) > 1 {
				return m[1]
			}
			return 0
		}
		return len(f) > 0 && t[0] >= f[0] && scale(t) == scale(f)
	case "timestamp", "timestamptz", "time", "timetz":
		return len(t) == 0 || t[0] >= 6 || len(f) == 1 && t[0] >= f[0]
	case "interval":
		return len(t) == 0 && keepsSeconds(to.Modifiers) || len(f) == 1 && len(t) == 1 && t[0] >= f[0]
	}
	return false
}

// keepsSeconds reports whether an interval's fields leave out none of its small ones.
func keepsSeconds(fields []string) bool {
	return len(fields) == 0 || fields[len(fields)-1] == "second"
}

func numbers(modifiers []string) []int {
	var list []int
	for _, m := range modifiers {
		if n, err := strconv.Atoi(m); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// isCastOf reports whether the USING expression only casts the column to the new type.
func isCastOf(using string, c *Command) bool {
	p := newParser(using, StandardStrings)
	if p.skip("CAST") && p.punct('(') {
		if p.ident() != c.Column || !p.skip("AS") {
			return false
		}
		return sameType(p.typeName(), c.Type)
	}
	if p.ident() != c.Column {
		return false
	}
	if p.done() {
		return true
	}
	if p.peek().Text != "::" {
		return false
	}
	p.next()
	return sameType(p.typeName(), c.Type) && p.done()
}
