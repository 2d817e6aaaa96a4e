package schema

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema/ddl"
)

// Attributes are what every kind of object can have.
type Attributes struct {
	Oid      uint32   `json:"oid,omitempty" diff:"-"`
	Attnum   int16    `json:"attnum,omitempty" diff:"-"`
	Owner    string   `json:"owner,omitempty" diff:"-"`
	Comment  string   `json:"comment,omitempty" diff:"-"`
	Grants   []Grant  `json:"grants,omitempty" diff:"-"`
	Labels   []Label  `json:"labels,omitempty" diff:"-"`
	Requires []string `json:"depends_on_extensions,omitempty" diff:"-"`
}

// Common returns the attributes themselves; kinds have it by embedding Base.
func (a *Attributes) Common() *Attributes { return a }

// Label is a security label of a provider.
type Label struct {
	Provider string `json:"provider"`
	Text     string `json:"label"`
}

// Public and OwnerRole stand for PUBLIC and for whoever owns the object, in Grant.
const (
	Public    = "public"
	OwnerRole = "<owner>"
)

// Grant is a privilege that differs from what the server gives by default.
type Grant struct {
	Role      string `json:"role"`
	Privilege string `json:"privilege"`
	// Grantable: WITH GRANT OPTION.
	Grantable bool `json:"grantable,omitempty"`
	// Grantor is empty when it is the owner.
	Grantor string `json:"grantor,omitempty"`
	// Revoked: the role would have it by default, and has not.
	Revoked bool `json:"revoked,omitempty"`
}

// PrivilegeClass is what GRANT … ON takes: "TABLE", "SEQUENCE", "FUNCTION".
type PrivilegeClass string

// classPrivileges are the privileges a class has, by their letter in an ACL.
var classPrivileges = map[PrivilegeClass]string{
	"TABLE": "arwdDxtm", "COLUMN": "arwx", "SEQUENCE": "rwU", "DATABASE": "CTc", "FUNCTION": "X", "PROCEDURE": "X",
	"LANGUAGE": "U", "SCHEMA": "UC", "TYPE": "U", "DOMAIN": "U", "FOREIGN DATA WRAPPER": "U", "FOREIGN SERVER": "U",
	"PARAMETER": "sA", "LARGE OBJECT": "rw", "TABLESPACE": "C",
}

// publicPrivileges are what PUBLIC has by default.
var publicPrivileges = map[PrivilegeClass]string{
	"DATABASE": "Tc", "FUNCTION": "X", "PROCEDURE": "X", "LANGUAGE": "U", "TYPE": "U", "DOMAIN": "U",
}

var privilegeNames = map[byte]string{
	'a': "INSERT", 'r': "SELECT", 'w': "UPDATE", 'd': "DELETE", 'D': "TRUNCATE", 'x': "REFERENCES", 't': "TRIGGER",
	'm': "MAINTAIN", 'X': "EXECUTE", 'U': "USAGE", 'C': "CREATE", 'T': "TEMPORARY", 'c': "CONNECT", 's': "SET", 'A': "ALTER SYSTEM",
}

// DefaultGrants is what acldefault() gives on an object of the class, in its order.
func DefaultGrants(class PrivilegeClass, major int) []Grant {
	var grants []Grant
	for _, letter := range []byte(publicPrivileges[class]) {
		grants = append(grants, Grant{Role: Public, Privilege: privilegeNames[letter]})
	}
	if class == "COLUMN" {
		return nil
	}
	for _, letter := range []byte(classPrivileges[class]) {
		if letter == 'm' && major < 17 {
			continue
		}
		grants = append(grants, Grant{Role: OwnerRole, Privilege: privilegeNames[letter]})
	}
	return grants
}

// ParseACL reads the items of an aclitem[] and returns what differs from the
// class's default, in the ACL's order; defaults that are missing come first.
func ParseACL(items []string, class PrivilegeClass, owner string, major int) []Grant {
	effective := EffectiveACL(items, owner)
	defaults := DefaultGrants(class, major)
	var grants []Grant
	for _, d := range defaults {
		if !slices.Contains(effective, d) {
			d.Revoked = true
			grants = append(grants, d)
		}
	}
	for _, g := range effective {
		if !slices.Contains(defaults, g) {
			grants = append(grants, g)
		}
	}
	return grants
}

// EffectiveACL reads the items of an aclitem[] as they are, a Grant a privilege.
func EffectiveACL(items []string, owner string) []Grant {
	var grants []Grant
	role := func(name string) string {
		switch name {
		case "":
			return Public
		case owner:
			return OwnerRole
		}
		return name
	}
	for _, item := range items {
		grantee, rest := aclName(item)
		rest = strings.TrimPrefix(rest, "=")
		letters, grantor, _ := strings.Cut(rest, "/")
		grantor, _ = aclName(grantor)
		if grantor = role(grantor); grantor == OwnerRole {
			grantor = ""
		}
		for i := 0; i < len(letters); i++ {
			g := Grant{Role: role(grantee), Privilege: privilegeNames[letters[i]], Grantor: grantor}
			if i+1 < len(letters) && letters[i+1] == '*' {
				g.Grantable = true
				i++
			}
			grants = append(grants, g)
		}
	}
	return grants
}

func aclName(s string) (name, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, "=/")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	i := 1
	for ; i < len(s); i++ {
		if s[i] == '"' {
			if i+1 < len(s) && s[i+1] == '"' {
				i++
			} else {
				i++
				break
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), s[i:]
}

// RoleName quotes a role for SQL.
func RoleName(role string) string {
	if role == Public {
		return "PUBLIC"
	}
	return ddl.QuoteIdent(role)
}

// Apply returns the effective grants: the defaults with the differences applied.
func applyGrants(defaults, differences []Grant) []Grant {
	var effective []Grant
	for _, d := range defaults {
		revoked := d
		revoked.Revoked = true
		if !slices.Contains(differences, revoked) {
			effective = append(effective, d)
		}
	}
	for _, g := range differences {
		if !g.Revoked {
			effective = append(effective, g)
		}
	}
	return effective
}

// sameOrder reports whether the roles stand in the order of to when what is
// gone is taken from from and what is added comes last.
func sameOrder(from, to, gone, added []Grant) bool {
	roles := func(grants []Grant) []string {
		var out []string
		for _, g := range grants {
			if name := g.Role + "\x00" + g.Grantor; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		return out
	}
	var result []Grant
	for _, g := range from {
		if !slices.Contains(gone, g) {
			result = append(result, g)
		}
	}
	return slices.Equal(roles(append(result, added...)), roles(to))
}

// grantStatements takes the effective grants from to to on an object.
func grantStatements(from, to []Grant, on, column, owner string) []Statement {
	var out []Statement
	name := func(role string) string {
		if role == OwnerRole {
			return ddl.QuoteIdent(owner)
		}
		return RoleName(role)
	}
	type run struct {
		role, grantor string
		grantable     bool
	}
	// group joins neighbouring privileges of one role into one statement.
	group := func(grants []Grant, write func(r run, privileges string)) {
		for i := 0; i < len(grants); {
			r := run{grants[i].Role, grants[i].Grantor, grants[i].Grantable}
			var privileges []string
			for ; i < len(grants) && (run{grants[i].Role, grants[i].Grantor, grants[i].Grantable}) == r; i++ {
				p := grants[i].Privilege
				if column != "" {
					p += " (" + column + ")"
				}
				privileges = append(privileges, p)
			}
			write(r, strings.Join(privileges, ", "))
		}
	}
	as := func(grantor, sql string) {
		if grantor == "" {
			out = append(out, Statement{SQL: sql})
			return
		}
		out = append(out, SQL("SET SESSION AUTHORIZATION "+ddl.QuoteIdent(grantor), sql, "RESET SESSION AUTHORIZATION")...)
	}
	var gone, added []Grant
	for _, g := range from {
		if !slices.Contains(to, g) {
			gone = append(gone, g)
		}
	}
	for _, g := range to {
		if !slices.Contains(from, g) {
			added = append(added, g)
		}
	}
	if len(gone)+len(added) > 0 && !sameOrder(from, to, gone, added) {
		// The ACL keeps the order of the grants: make them again in theirs.
		gone, added = nil, nil
		for _, g := range from {
			if g.Role != OwnerRole || !slices.Contains(to, g) {
				gone = append(gone, g)
			}
		}
		for _, g := range to {
			if g.Role != OwnerRole || !slices.Contains(from, g) {
				added = append(added, g)
			}
		}
	}
	// Grants made by others go first, before the grant option they rest on.
	slices.SortStableFunc(gone, func(a, b Grant) int { return strings.Compare(b.Grantor, a.Grantor) })
	group(gone, func(r run, privileges string) {
		as(r.grantor, "REVOKE "+privileges+" ON "+on+" FROM "+name(r.role))
	})
	// A privilege revoked to lose its grant option (or to gain one) comes back as a grant.
	group(added, func(r run, privileges string) {
		sql := "GRANT " + privileges + " ON " + on + " TO " + name(r.role)
		if r.grantable {
			sql += " WITH GRANT OPTION"
		}
		as(r.grantor, sql)
	})
	for i := range out {
		if strings.HasPrefix(out[i].SQL, "REVOKE") {
			out[i].Hazards = []Hazard{{PermissionLoss, "a privilege is taken away"}}
		}
	}
	return out
}

// Compare orders grants by role, privilege and grantor.
func (g Grant) Compare(other Grant) int {
	return cmp.Or(
		strings.Compare(g.Role, other.Role), strings.Compare(g.Privilege, other.Privilege), strings.Compare(g.Grantor, other.Grantor),
		compareBool(g.Grantable, other.Grantable), compareBool(g.Revoked, other.Revoked),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
