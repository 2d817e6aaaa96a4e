package schema

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema/ddl"
)

// DefaultGranter is an object that gives privileges to objects when they are
// created: ALTER DEFAULT PRIVILEGES.
type DefaultGranter interface {
	Object
	// Gives returns the effective grants with which role creates objects of
	// the class in the schema, given what would be without it; false when the
	// defaults are for something else.
	Gives(role, schema string, class PrivilegeClass, without []Grant) ([]Grant, bool)
}

// User is the role that runs the statements, "" when unknown.
func (c Context) User() string {
	if c.Options.Role != "" {
		return c.Options.Role
	}
	if c.From != nil {
		return c.From.User
	}
	return ""
}

// OwnerOf is the role that owns an object or what it is a part of, "" when unknown.
func (c Context) OwnerOf(o Object) string {
	for o != nil {
		if owner := o.Common().Owner; owner != "" {
			return owner
		}
		o = c.To.Object(o.Parent())
	}
	return ""
}

// newAttributes are the statements that give a fresh object its attributes.
func (p *planner) newAttributes(o Object) []Statement {
	to := o.Common()
	user := p.User()
	from := &Attributes{Owner: to.Owner}
	if o.Traits().Owned && to.Owner != "" {
		from.Owner = user
	}
	if class := o.Traits().Class; class != "" {
		defaults := DefaultGrants(class, p.Major())
		initial := defaults
		// The grants to the creator move with ALTER OWNER, so they count as the owner's.
		for _, granter := range p.defaultGranters() {
			if given, ok := granter.Gives(user, o.ID().Schema, class, initial); ok {
				initial = given
			}
		}
		return p.describe(o, from, initial, applyGrants(defaults, to.Grants))
	}
	return p.describe(o, from, nil, nil)
}

func (d *differ) defaultGranters() []DefaultGranter {
	if d.granters == nil {
		d.granters = []DefaultGranter{}
		for _, o := range d.From.Objects() {
			if granter, ok := o.(DefaultGranter); ok {
				d.granters = append(d.granters, granter)
			}
		}
	}
	return d.granters
}

// attributes are the statements that change the attributes of an object that stays.
func (p *planner) attributes(from, to Object, changes Changes) []Statement {
	if len(changes) == 0 {
		return nil
	}
	a := *from.Common()
	b := to.Common()
	if !changes.Has("owner") {
		a.Owner = b.Owner
	}
	if !changes.Has("comment") {
		a.Comment = b.Comment
	}
	if !changes.Has("labels") {
		a.Labels = b.Labels
	}
	defaults := DefaultGrants(to.Traits().Class, p.Major())
	toGrants := applyGrants(defaults, b.Grants)
	fromGrants := toGrants
	if changes.Has("grants") {
		fromGrants = applyGrants(defaults, a.Grants)
		if to.Traits().Owned && a.Owner != b.Owner && p.Options.Without&WithoutOwners == 0 {
			fromGrants = ownedBy(fromGrants, b.Owner)
		}
	}
	return p.describe(to, &a, fromGrants, toGrants)
}

// ownedBy are the grants once owner owns the object: what was granted to it
// before becomes a part of the owner's own privileges.
func ownedBy(grants []Grant, owner string) []Grant {
	var out []Grant
	for _, g := range grants {
		if g.Role != owner {
			out = append(out, g)
		}
	}
	for _, g := range grants {
		if g.Role != owner {
			continue
		}
		same := func(o Grant) bool { return o.Role == OwnerRole && o.Privilege == g.Privilege }
		if at := slices.IndexFunc(out, same); at < 0 {
			out = append(out, Grant{Role: OwnerRole, Privilege: g.Privilege, Grantable: g.Grantable})
		} else if g.Grantable {
			out[at].Grantable = true
		}
	}
	return out
}

// describe writes the statements that take an object's attributes from one
// state to its own.
func (p *planner) describe(o Object, from *Attributes, fromGrants, toGrants []Grant) []Statement {
	to := o.Common()
	without := p.Options.Without
	var out []Statement
	traits := o.Traits()
	if traits.Owned && from.Owner != to.Owner && to.Owner != "" && without&WithoutOwners == 0 {
		out = append(out, Statement{SQL: "ALTER " + ownerTarget(o) + " OWNER TO " + ddl.QuoteIdent(to.Owner)})
	}
	if traits.Class != "" && without&WithoutGrants == 0 {
		owner := p.OwnerOf(o)
		if owner == "" {
			owner = p.User()
		}
		on, column := grantTarget(o)
		out = append(out, grantStatements(fromGrants, toGrants, on, column, owner)...)
	}
	if from.Comment != to.Comment && without&WithoutComments == 0 {
		text := "NULL"
		if to.Comment != "" {
			text = ddl.QuoteLiteral(to.Comment)
		}
		out = append(out, Statement{SQL: "COMMENT ON " + o.Target() + " IS " + text})
	}
	if without&WithoutLabels == 0 {
		out = append(out, labelStatements(o, from.Labels, to.Labels)...)
	}
	for _, extension := range to.Requires {
		if !contains(from.Requires, extension) {
			out = append(out, Statement{SQL: "ALTER " + o.Target() + " DEPENDS ON EXTENSION " + ddl.QuoteIdent(extension)})
		}
	}
	for _, extension := range from.Requires {
		if !contains(to.Requires, extension) {
			out = append(out, Statement{SQL: "ALTER " + o.Target() + " NO DEPENDS ON EXTENSION " + ddl.QuoteIdent(extension)})
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

func labelStatements(o Object, from, to []Label) []Statement {
	var out []Statement
	have := map[string]string{}
	for _, l := range from {
		have[l.Provider] = l.Text
	}
	for _, l := range to {
		if old, ok := have[l.Provider]; !ok || old != l.Text {
			out = append(out, Statement{SQL: "SECURITY LABEL FOR " + ddl.QuoteIdent(l.Provider) + " ON " + o.Target() + " IS " + ddl.QuoteLiteral(l.Text)})
		}
		delete(have, l.Provider)
	}
	for _, l := range from {
		if _, gone := have[l.Provider]; gone {
			out = append(out, Statement{SQL: "SECURITY LABEL FOR " + ddl.QuoteIdent(l.Provider) + " ON " + o.Target() + " IS NULL"})
		}
	}
	return out
}

// Addressed is an object whose name ALTER … OWNER TO or GRANT … ON writes
// differently from COMMENT ON.
type Addressed interface {
	// OwnerTarget is what stands between ALTER and OWNER TO.
	OwnerTarget() string
	// GrantTarget is what stands after GRANT … ON; column is set for a column's grants.
	GrantTarget() (on, column string)
}

func ownerTarget(o Object) string {
	if a, ok := o.(Addressed); ok {
		return a.OwnerTarget()
	}
	return o.Target()
}

func grantTarget(o Object) (on, column string) {
	if a, ok := o.(Addressed); ok {
		return a.GrantTarget()
	}
	class := string(o.Traits().Class)
	target := o.Target()
	// "MATERIALIZED VIEW public.v" is granted on as "TABLE public.v".
	for _, noun := range []string{"MATERIALIZED VIEW ", "FOREIGN TABLE ", "VIEW ", "SERVER "} {
		if rest, ok := strings.CutPrefix(target, noun); ok {
			return class + " " + rest, ""
		}
	}
	return target, ""
}
