package schema

import (
	"maps"
	"slices"
)

// RoleUser is an object that names roles beside its owner and grantees, such as
// a policy.
type RoleUser interface {
	RoleNames() []string
}

// Roles are the roles that a model's objects name, sorted: owners, grantees and
// grantors, the roles of policies. A server must have them to hold the model.
func (m *Model) Roles() []string {
	roles := map[string]bool{m.User: true, m.Owner: true}
	for _, o := range m.objects {
		attributes := o.Common()
		roles[attributes.Owner] = true
		for _, g := range attributes.Grants {
			roles[g.Role] = true
		}
		if u, ok := o.(RoleUser); ok {
			for _, name := range u.RoleNames() {
				roles[name] = true
			}
		}
	}
	for _, name := range []string{"", Public, OwnerRole} {
		delete(roles, name)
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(roles)), predefined)
}

// predefined tells whether the server brings the role along.
// https://www.postgresql.org/docs/current/predefined-roles.html
func predefined(role string) bool { return len(role) > 3 && role[:3] == "pg_" }
