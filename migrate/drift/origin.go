package drift

import (
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Origins finds, for each change, the statement of the migrations that last
// made or altered its object, or the object that it is a part of. Scripts that
// are not in memory are passed over.
func (r *Report) Origins(migrations []*migrate.Migration) {
	if len(r.Changes) == 0 {
		return
	}
	made := map[string]Origin{}
	for _, m := range migrations {
		if m.Up == nil || m.Up.Text == "" {
			continue
		}
		statements, err := ddl.Split(m.Up.Text)
		if err != nil {
			continue
		}
		for _, s := range statements {
			if s.Class.Object == "" || !strings.HasPrefix(s.Class.Verb, "CREATE") && !strings.HasPrefix(s.Class.Verb, "ALTER") {
				continue
			}
			made[plainName(s.Class.Object)] = Origin{Version: m.Version, File: m.Up.File, Line: m.Up.FileLine(s.Line)}
		}
	}
	for i := range r.Changes {
		c := &r.Changes[i]
		for _, id := range []schema.ID{c.Object, c.Group} {
			if o, ok := made[strings.ToLower(id.Name)]; ok {
				c.Origin = &o
				break
			}
		}
	}
}

// plainName is the last part of a name as written, without quotes, in lower case.
func plainName(name string) string {
	name = name[strings.LastIndexByte(name, '.')+1:]
	return strings.ToLower(strings.Trim(name, `"`))
}
