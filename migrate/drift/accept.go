package drift

import "github.com/kedgedb/kedge/schema"

// Accept returns what is expected once some changes count as expected, too:
// what they added is there, what they removed is not, and the properties that
// they changed are as they are live.
func Accept(expected, live *schema.Model, changes []Change) (*schema.Model, error) {
	if len(changes) == 0 {
		return expected, nil
	}
	accepted := map[schema.ID]Operation{}
	properties := map[schema.ID][]string{}
	for _, c := range changes {
		if c.Operation == Changed {
			properties[c.Object] = append(properties[c.Object], c.Property)
			continue
		}
		accepted[c.Object] = c.Operation
	}
	out := schema.NewModel(expected.Server)
	out.Database, out.Owner, out.User = expected.Database, expected.Owner, expected.User
	out.Identity, out.Unmodelled, out.LargeObjects = expected.Identity, expected.Unmodelled, expected.LargeObjects
	for _, o := range expected.Objects() {
		if within(expected, o, accepted, Removed) {
			continue
		}
		if other := live.Object(o.ID()); other != nil && len(properties[o.ID()]) > 0 {
			o = schema.Take(o, other, properties[o.ID()]...)
		}
		if err := out.Add(o); err != nil {
			return nil, err
		}
	}
	for _, o := range live.Objects() {
		if !out.Has(o.ID()) && within(live, o, accepted, Added) {
			if err := out.Add(o); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range out.Objects() {
		id := o.ID()
		for on := range expected.Dependencies(id) {
			out.Depend(id, on)
		}
		if !expected.Has(id) || len(properties[id]) > 0 {
			for on := range live.Dependencies(id) {
				out.Depend(id, on)
			}
		}
	}
	return out, nil
}

// within tells whether an operation is accepted of an object or of what it is a
// part of.
func within(m *schema.Model, o schema.Object, accepted map[schema.ID]Operation, operation Operation) bool {
	for o != nil {
		if accepted[o.ID()] == operation {
			return true
		}
		o = m.Object(o.Parent())
	}
	return false
}
