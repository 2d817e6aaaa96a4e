// Package document knows how a model is drawn and described for people:
// Markdown, Mermaid, SVG, HTML. It does not know how a model is read, or
// written so that it loads again: see catalog and snapshot.
package document

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

// Book is a model arranged for readers: a page a schema.
type Book struct {
	Database string
	Server   int // major version
	Schemas  []*Page
	tables   map[schema.ID]*Table
}

// Page is what a schema holds.
type Page struct {
	Name    string
	Comment string
	Tables  []*Table
	Others  []Section // views, types, functions …, by kind
}

// Section is the objects of one kind that are not tables.
type Section struct {
	Title   string
	Objects []Entry
}

// Entry is an object with its definition.
type Entry struct {
	Name       string
	Comment    string
	Definition string // SQL
}

// Table is a table for readers.
type Table struct {
	ID          schema.ID
	Name        string // as SQL takes it, with its schema
	Comment     string
	Columns     []*Column
	Refers      []*Reference // foreign keys of this table
	Referred    []*Reference // foreign keys to this table
	Indexes     []Entry
	Constraints []Entry
	Triggers    []Entry
	Policies    []Entry
	Partitions  []string // the bounds of a partitioned table's partitions
	PartitionBy string
	RowSecurity bool
}

// Column is a column for readers.
type Column struct {
	Name     string
	Type     string
	Nullable bool
	Default  string // or how it is generated
	Comment  string
	Personal string // the class in a comment's mark [personal: CLASS], "" for none
	Primary  bool
	Foreign  bool
	Unique   bool // by itself
}

// Reference is a foreign key.
type Reference struct {
	Name     string
	From, To schema.ID
	Columns  []string
	Referred []string
	Optional bool // a column takes NULL: the referred row may be missing
	One      bool // at most one row refers to each
}

// personal is the mark of a column that holds personal data.
var personal = regexp.MustCompile(`\[personal:\s*([a-z_-]+)\]`)

// NewBook arranges a model. Partitions are told with the table they are of.
func NewBook(m *schema.Model) *Book {
	b := &Book{Database: m.Database, Server: m.Server, tables: map[schema.ID]*Table{}}
	pages := map[string]*Page{}
	page := func(name string) *Page {
		if pages[name] == nil {
			pages[name] = &Page{Name: name}
			if o := m.Object(schema.ID{Kind: "schema", Name: name}); o != nil {
				pages[name].Comment = o.Common().Comment
			}
			b.Schemas = append(b.Schemas, pages[name])
		}
		return pages[name]
	}
	partitions := partitionsOf(m)
	for _, o := range m.OfKind("table") {
		if partitions.parent[o.ID()] != (schema.ID{}) {
			continue
		}
		t := newTable(m, o, partitions)
		b.tables[t.ID] = t
		p := page(o.ID().Schema)
		p.Tables = append(p.Tables, t)
	}
	for _, p := range b.Schemas {
		for _, t := range p.Tables {
			for _, r := range t.Refers {
				if partition := partitions.parent[r.To]; partition != (schema.ID{}) {
					r.To = partition
				}
				if to := b.tables[r.To]; to != nil {
					to.Referred = append(to.Referred, r)
				}
			}
		}
	}
	for _, s := range otherKinds {
		sections := map[string]*Section{}
		for _, o := range m.OfKind(s.kind) {
			if q, ok := o.(*catalog.Sequence); ok && q.Identity != "" {
				continue // told as its column's default
			}
			p := page(o.ID().Schema)
			if sections[p.Name] == nil {
				p.Others = append(p.Others, Section{Title: s.title})
				sections[p.Name] = &p.Others[len(p.Others)-1]
			}
			sections[p.Name].Objects = append(sections[p.Name].Objects, entry(m, o))
		}
	}
	slices.SortFunc(b.Schemas, func(x, y *Page) int { return strings.Compare(x.Name, y.Name) })
	return b
}

// otherKinds are what a page lists after its tables.
var otherKinds = []struct {
	kind  schema.Kind
	title string
}{
	{"view", "Views"}, {"materialized_view", "Materialized views"}, {"enum", "Enum types"}, {"domain", "Domains"},
	{"composite_type", "Composite types"}, {"range", "Range types"}, {"function", "Functions"}, {"procedure", "Procedures"},
	{"aggregate", "Aggregates"}, {"sequence", "Sequences"},
}

type partitions struct {
	parent map[schema.ID]schema.ID // the outermost partitioned table
	bounds map[schema.ID][]string
}

func partitionsOf(m *schema.Model) partitions {
	p := partitions{map[schema.ID]schema.ID{}, map[schema.ID][]string{}}
	direct := map[schema.ID]schema.ID{}
	for _, o := range m.OfKind("partition") {
		if link, ok := o.(*catalog.Partition); ok {
			direct[link.Table] = link.Of
		}
	}
	for _, o := range m.OfKind("partition") {
		link, ok := o.(*catalog.Partition)
		if !ok {
			continue
		}
		root := link.Of
		for up, more := direct[root]; more; up, more = direct[root] {
			root = up
		}
		p.parent[link.Table] = root
		p.bounds[root] = append(p.bounds[root], qualified(link.Table)+" "+link.Bound)
	}
	return p
}

func qualified(id schema.ID) string {
	_, name, _ := strings.Cut(id.String(), ":")
	return name
}

func newTable(m *schema.Model, o schema.Object, p partitions) *Table {
	t := &Table{ID: o.ID(), Name: qualified(o.ID()), Comment: o.Common().Comment, Partitions: p.bounds[o.ID()]}
	if table, ok := o.(*catalog.Table); ok {
		t.PartitionBy, t.RowSecurity = table.PartitionBy, table.RowSecurity
	}
	columns, number := map[string]*Column{}, map[string]int16{}
	parts := m.Parts(o.ID())
	for _, part := range parts {
		if c, ok := part.(*catalog.Column); ok {
			columns[c.Ident.Name] = newColumn(c)
			t.Columns = append(t.Columns, columns[c.Ident.Name])
			number[c.Ident.Name] = c.Attnum
		}
	}
	slices.SortFunc(t.Columns, func(a, b *Column) int { return int(number[a.Name]) - int(number[b.Name]) })
	for _, part := range parts {
		switch x := part.(type) {
		case *catalog.Default:
			if c := columns[x.Column.Name]; c != nil {
				c.Default = x.Expression
			}
		case *catalog.Constraint:
			t.constrain(m, x, columns)
		case *catalog.Index:
			t.Indexes = append(t.Indexes, entry(m, x))
		case *catalog.Trigger:
			t.Triggers = append(t.Triggers, entry(m, x))
		case *catalog.Policy:
			t.Policies = append(t.Policies, entry(m, x))
		}
	}
	// Defaults stand below their columns in the model.
	for name, c := range columns {
		id := schema.ID{Kind: "column", Schema: o.ID().Schema, Table: o.ID().Name, Name: name}
		for _, part := range m.Parts(id) {
			if d, ok := part.(*catalog.Default); ok {
				c.Default = d.Expression
			}
		}
	}
	return t
}

func newColumn(c *catalog.Column) *Column {
	column := &Column{Name: c.Ident.Name, Type: c.Type, Nullable: !c.NotNull, Comment: c.Comment}
	switch {
	case c.Identity != "":
		column.Default = "identity"
	case c.Generated != "":
		column.Default = "generated: " + c.Generated
	}
	if mark := personal.FindStringSubmatch(c.Comment); mark != nil {
		column.Personal = mark[1]
	}
	return column
}

// constrain adds a constraint to the table and what it says to its columns.
func (t *Table) constrain(m *schema.Model, k *catalog.Constraint, columns map[string]*Column) {
	switch k.Type {
	case catalog.PrimaryKey:
		for _, name := range k.Columns {
			if c := columns[name]; c != nil {
				c.Primary = true
			}
		}
	case catalog.Unique:
		if c := columns[first(k.Columns)]; c != nil && len(k.Columns) == 1 {
			c.Unique = true
		}
	case catalog.ForeignKey:
		r := &Reference{Name: k.Ident.Name, From: t.ID, To: k.References, Columns: k.Columns, Referred: k.ReferencedColumns}
		for _, name := range k.Columns {
			if c := columns[name]; c != nil {
				c.Foreign = true
				r.Optional = r.Optional || c.Nullable
			}
		}
		if c := columns[first(k.Columns)]; c != nil && len(k.Columns) == 1 {
			r.One = c.Unique || c.Primary && t.primaryColumns() == 1
		}
		t.Refers = append(t.Refers, r)
	}
	t.Constraints = append(t.Constraints, entry(m, k))
}

func (t *Table) primaryColumns() int {
	n := 0
	for _, c := range t.Columns {
		if c.Primary {
			n++
		}
	}
	return n
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// entry is an object with the SQL that makes it.
func entry(m *schema.Model, o schema.Object) Entry {
	e := Entry{Name: qualified(o.ID()), Comment: o.Common().Comment}
	if o.ID().Table != "" {
		e.Name = o.ID().Name
	}
	context := schema.Context{From: schema.NewModel(m.Server), To: m, Options: schema.Options{Style: schema.Offline}}
	if statements := o.Create(context); len(statements) > 0 {
		e.Definition = statements[0].SQL
	}
	return e
}

// References are all foreign keys between tables of the book.
func (b *Book) References() []*Reference {
	var list []*Reference
	for _, p := range b.Schemas {
		for _, t := range p.Tables {
			for _, r := range t.Refers {
				if b.tables[r.To] != nil {
					list = append(list, r)
				}
			}
		}
	}
	return list
}

// anchor names a table's place in a page.
func anchor(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-', r > 127 && unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '.', r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}
