package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

// Layout is the version of the JSON format. A reader refuses newer ones.
const Layout = 1

// document is a model in JSON.
type document struct {
	Layout       int                 `json:"kedge_snapshot"`
	Server       int                 `json:"server"` // major version
	Database     string              `json:"database,omitempty"`
	Owner        string              `json:"owner,omitempty"`
	User         string              `json:"user,omitempty"`
	Identity     string              `json:"identity,omitempty"` // of the database that the oids are of
	Objects      []json.RawMessage   `json:"objects"`
	Dependencies map[string][]string `json:"dependencies,omitempty"`
	Unmodelled   []schema.Unmodelled `json:"unmodelled,omitempty"`
	LargeObjects int64               `json:"large_objects,omitempty"`
}

// JSON writes the model itself: every object with its properties, its oid and
// what it depends on, in a stable order, indented for people.
func JSON(m *schema.Model) ([]byte, error) {
	d, err := newDocument(m)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("writing the snapshot: %w", err)
	}
	return out.Bytes(), nil
}

// Compact is JSON without indentation, for machines alone.
func Compact(m *schema.Model) ([]byte, error) {
	d, err := newDocument(m)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("writing the snapshot: %w", err)
	}
	return text, nil
}

func newDocument(m *schema.Model) (*document, error) {
	d := &document{
		Layout: Layout, Server: m.Server, Database: m.Database, Owner: m.Owner, User: m.User, Identity: m.Identity,
		Objects: []json.RawMessage{}, Dependencies: map[string][]string{}, Unmodelled: m.Unmodelled, LargeObjects: m.LargeObjects,
	}
	for _, o := range m.Objects() {
		text, err := encode(o)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", o.ID(), err)
		}
		d.Objects = append(d.Objects, text)
		var needs []string
		for on := range m.Dependencies(o.ID()) {
			needs = append(needs, on.String())
		}
		if len(needs) > 0 {
			slices.Sort(needs)
			d.Dependencies[o.ID().String()] = needs
		}
	}
	return d, nil
}

func encode(o schema.Object) (json.RawMessage, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// ReadJSON reads what JSON wrote. Text that is not such a snapshot, or a newer
// layout, is an error that names the place.
func ReadJSON(text []byte) (*schema.Model, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	switch {
	case d.Layout == 0:
		return nil, fmt.Errorf(`it is not a snapshot of kedge's: "kedge_snapshot" is missing`)
	case d.Layout > Layout:
		return nil, fmt.Errorf("it was written by a newer kedge (layout %d, this one knows %d)", d.Layout, Layout)
	}
	m := schema.NewModel(d.Server)
	m.Database, m.Owner, m.User, m.Identity = d.Database, d.Owner, d.User, d.Identity
	m.Unmodelled, m.LargeObjects = d.Unmodelled, d.LargeObjects
	m.Grow(len(d.Objects))
	for i, raw := range d.Objects {
		o, err := decode(raw)
		if err == nil {
			err = m.Add(o)
		}
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", i+1, err)
		}
	}
	for of, needs := range d.Dependencies {
		id, err := schema.ParseID(of)
		if err != nil {
			return nil, fmt.Errorf("dependencies: %w", err)
		}
		for _, on := range needs {
			other, err := schema.ParseID(on)
			if err != nil {
				return nil, fmt.Errorf("dependencies of %s: %w", of, err)
			}
			m.Depend(id, other)
		}
	}
	return m, nil
}

func decode(raw json.RawMessage) (schema.Object, error) {
	var about struct {
		ID schema.ID `json:"id"`
	}
	if err := json.Unmarshal(raw, &about); err != nil {
		return nil, err
	}
	kind, ok := catalog.KindOf(about.ID.Kind)
	if !ok || kind.New == nil {
		return nil, fmt.Errorf("%s: kedge knows no such kind of object", about.ID)
	}
	o := kind.New()
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, fmt.Errorf("%s: %w", about.ID, err)
	}
	return o, nil
}
