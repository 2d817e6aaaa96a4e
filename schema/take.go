package schema

import "reflect"

// Take returns a copy of an object that has some properties, by the names that
// [Compare] and [CompareAttributes] give them, as another of its kind has them.
func Take(o, other Object, names ...string) Object {
	from := reflect.ValueOf(other).Elem()
	copied := reflect.New(reflect.TypeOf(o).Elem())
	copied.Elem().Set(reflect.ValueOf(o).Elem())
	taken := copied.Interface().(Object)
	a, b := taken.Common(), other.Common()
	for _, name := range names {
		switch name {
		case "owner":
			a.Owner = b.Owner
		case "comment":
			a.Comment = b.Comment
		case "grants":
			a.Grants = b.Grants
		case "labels":
			a.Labels = b.Labels
		case "depends_on_extensions":
			a.Requires = b.Requires
		}
		if from.Type() != copied.Elem().Type() {
			continue
		}
		for _, p := range properties(from.Type()) {
			if p.name == name {
				copied.Elem().Field(p.index).Set(from.Field(p.index))
			}
		}
	}
	return taken
}
