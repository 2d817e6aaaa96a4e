package schema

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Change is one property that differs between two objects of one name.
type Change struct {
	Property string `json:"property"`
	From     any    `json:"from"`
	To       any    `json:"to"`
}

// Changes are the properties that differ, in the struct's order.
type Changes []Change

// Has reports whether any of the properties (by their JSON names) differs.
func (c Changes) Has(properties ...string) bool {
	for _, change := range c {
		for _, p := range properties {
			if change.Property == p {
				return true
			}
		}
	}
	return false
}

// Only reports whether no property but these differs.
func (c Changes) Only(properties ...string) bool {
	for _, change := range c {
		found := false
		for _, p := range properties {
			found = found || change.Property == p
		}
		if !found {
			return false
		}
	}
	return true
}

type property struct {
	index int
	name  string
}

var propertiesOf sync.Map // reflect.Type → []property

func properties(t reflect.Type) []property {
	if cached, ok := propertiesOf.Load(t); ok {
		return cached.([]property)
	}
	var list []property
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Tag.Get("diff") == "-" || f.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		list = append(list, property{i, name})
	}
	propertiesOf.Store(t, list)
	return list
}

// Compare returns the properties in which two objects of one kind differ, the
// attributes (owner, comment, grants, …) not among them.
func Compare(from, to Object) Changes {
	a, b := reflect.ValueOf(from).Elem(), reflect.ValueOf(to).Elem()
	if a.Type() != b.Type() {
		return Changes{{Property: "kind", From: from.ID().Kind, To: to.ID().Kind}}
	}
	var changes Changes
	for _, p := range properties(a.Type()) {
		x, y := a.Field(p.index), b.Field(p.index)
		if !sameValue(x, y) {
			changes = append(changes, Change{p.name, x.Interface(), y.Interface()})
		}
	}
	return changes
}

// Unordered is a list whose order is a fact about it and no property, but which
// is written in its order.
type Unordered []string

func (u Unordered) same(v Unordered) bool {
	if len(u) != len(v) {
		return false
	}
	a, b := slices.Sorted(slices.Values(u)), slices.Sorted(slices.Values(v))
	return slices.Equal(a, b)
}

var unorderedType = reflect.TypeFor[Unordered]()

func sameValue(x, y reflect.Value) bool {
	if x.Type() == unorderedType {
		return x.Len() == y.Len() && (x.Len() == 0 || x.Interface().(Unordered).same(y.Interface().(Unordered)))
	}
	switch x.Kind() {
	case reflect.String:
		return x.String() == y.String()
	case reflect.Bool:
		return x.Bool() == y.Bool()
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		return x.Int() == y.Int()
	case reflect.Slice, reflect.Map:
		if x.Len() == 0 && y.Len() == 0 {
			return true
		}
	case reflect.Pointer:
		if x.IsNil() && y.IsNil() {
			return true
		}
	}
	return reflect.DeepEqual(x.Interface(), y.Interface())
}

// CompareAttributes returns the attributes in which two objects differ.
func CompareAttributes(from, to *Attributes) Changes {
	var changes Changes
	if from.Owner != to.Owner {
		changes = append(changes, Change{"owner", from.Owner, to.Owner})
	}
	if from.Comment != to.Comment {
		changes = append(changes, Change{"comment", from.Comment, to.Comment})
	}
	if !sameGrants(from.Grants, to.Grants) {
		changes = append(changes, Change{"grants", from.Grants, to.Grants})
	}
	if len(from.Labels)+len(to.Labels) > 0 && !reflect.DeepEqual(from.Labels, to.Labels) {
		changes = append(changes, Change{"labels", from.Labels, to.Labels})
	}
	if len(from.Requires)+len(to.Requires) > 0 && !reflect.DeepEqual(from.Requires, to.Requires) {
		changes = append(changes, Change{"depends_on_extensions", from.Requires, to.Requires})
	}
	return changes
}

func sameGrants(a, b []Grant) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 {
		return true
	}
	have := make(map[Grant]bool, len(a))
	for _, g := range a {
		have[g] = true
	}
	for _, g := range b {
		if !have[g] {
			return false
		}
	}
	return true
}

// Text is a property's value as a person reads it.
func Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}
