package catalog

import (
	"github.com/kedgedb/kedge/schema"
)

// Pristine is what a database of the same server holds before anything is made
// in it: the schema public with the grants that initdb gave it. Objects of
// model that are exactly those keep their owner and grants out of what is rendered.
func Pristine(model *schema.Model) *schema.Model {
	m := schema.NewModel(model.Server)
	m.Database, m.Owner, m.User = model.Database, model.Owner, model.User
	public := &Schema{}
	public.Ident = schema.ID{Kind: "schema", Name: "public"}
	public.Comment = "standard public schema"
	public.Owner = "pg_database_owner"
	public.Grants = []schema.Grant{{Role: schema.Public, Privilege: "USAGE"}}
	if model.Server < 15 {
		// The owner is the bootstrap superuser, whose name initdb chose.
		public.Owner = model.User
		if o := model.Object(public.Ident); o != nil {
			public.Owner = o.Common().Owner
		}
		public.Grants = []schema.Grant{{Role: schema.Public, Privilege: "USAGE"}, {Role: schema.Public, Privilege: "CREATE"}}
	}
	_ = m.Add(public)
	return m
}
