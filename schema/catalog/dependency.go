package catalog

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// dependency is one row of pg_depend.
type dependency struct {
	from, on address
	kind     byte
}

// dependencyStep reads pg_depend, but for what built-in objects are to each
// other, and for what is in which schema that is read: that the IDs tell.
func dependencyStep(into *[]dependency, excluded []string) step {
	left := make([]string, len(excluded))
	for i, name := range excluded {
		left[i] = ddl.QuoteLiteral(name)
	}
	return step{"dependencies", `SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype FROM pg_depend
		WHERE objid >= 16384 AND deptype <> 'e' AND (refobjid >= 16384 OR refobjid = 2200) AND (refclassid <> 'pg_namespace'::regclass
			OR classid NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass) OR refobjid IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = ANY (ARRAY[` + strings.Join(left, ", ") + `]::name[])))`, func(r *Row) {
		*into = append(*into, dependency{
			from: address{r.OID(), r.OID(), int32(r.Int())},
			on:   address{r.OID(), r.OID(), int32(r.Int())},
			kind: r.Text()[0],
		})
	}}
}

// connect turns pg_depend's rows into the model's edges. What is no object of
// its own (a row type, the index of a constraint, a view's rule) is folded into
// what it internally belongs to; a member of an extension into the extension.
func (rd *Reader) connect(rows []dependency) {
	for _, d := range rows {
		if d.kind == 'i' {
			if _, own := rd.objects[d.from]; !own {
				if _, known := rd.alias[d.from]; !known {
					rd.alias[d.from] = d.on
				}
			}
		}
	}
	parents := make([]int32, len(rd.added))
	for i, o := range rd.added {
		parents[i] = -1
		if id := o.ID(); id.Schema != "" {
			rd.model.Depend(id, schema.ID{Kind: "schema", Name: id.Schema})
		}
		if parent := o.Parent(); !parent.IsZero() {
			rd.model.Depend(o.ID(), parent)
			if at, ok := rd.position(parent); ok {
				parents[i] = at
			}
		}
	}
	extension := rd.catalogs["pg_extension"]
	for _, d := range rows {
		from, ok := rd.resolve(d.from)
		if !ok {
			continue
		}
		on, ok := rd.resolve(d.on)
		if !ok || from == on {
			continue
		}
		if d.kind == 'x' && d.on.class == extension {
			common := rd.added[from].Common()
			common.Requires = append(common.Requires, rd.added[on].ID().Name)
			slices.Sort(common.Requires)
			continue
		}
		within := false
		for up := parents[on]; up >= 0 && !within; up = parents[up] {
			within = up == from
		}
		if !within {
			rd.model.DependAt(int(from), int(on))
		}
	}
}

// resolve finds the object that a catalog row belongs to.
func (rd *Reader) resolve(a address) (int32, bool) {
	for range 8 {
		if at, ok := rd.objects[a]; ok {
			return at, true
		}
		if extension, ok := rd.members[address{class: a.class, oid: a.oid}]; ok {
			a = address{class: rd.catalogs["pg_extension"], oid: extension}
			continue
		}
		if into, ok := rd.alias[a]; ok {
			a = into
			continue
		}
		if a.sub == 0 {
			return 0, false
		}
		a.sub = 0
	}
	return 0, false
}
