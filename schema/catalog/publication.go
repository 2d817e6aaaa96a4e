package catalog

import (
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Publication is a publication; its tables and schemas are objects of their own.
type Publication struct {
	schema.Base
	AllTables bool `json:"all_tables,omitempty"`
	// Publish lists what is published where that is not everything: "insert, update".
	Publish string `json:"publish,omitempty"`
	// ViaRoot: changes of partitions are published as the partitioned table's.
	ViaRoot bool `json:"via_partition_root,omitempty"`
	// Generated columns are published: "stored" (PostgreSQL 18).
	Generated string `json:"generated_columns,omitempty"`
}

const publishAll = "insert, update, delete, truncate"

var publicationKind = Kind{
	Name:    "publication",
	Catalog: "pg_publication",
	New:     func() schema.Object { return &Publication{} },
	Query: func(s Server) string {
		return `SELECT p.oid, 0, p.pubowner, NULL, p.pubname, p.puballtables, concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END,
			CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
			p.pubviaroot, ` + s.If(18, "CASE p.pubgencols WHEN 's' THEN 'stored' END", "NULL") + ` FROM pg_publication p`
	},
	Scan: func(_ *Reader, r *Row) schema.Object {
		p := &Publication{}
		p.Ident = schema.ID{Kind: "publication", Name: r.Text()}
		p.AllTables, p.Publish, p.ViaRoot, p.Generated = r.Bool(), r.Text(), r.Bool(), r.Text()
		switch p.Publish {
		case publishAll:
			p.Publish = ""
		case "":
			p.Publish = "none"
		}
		return p
	},
}

var publicationTraits = schema.Traits{Rank: rankPublication, Owned: true}

// Traits of publications.
func (p *Publication) Traits() *schema.Traits { return &publicationTraits }

// Target is PUBLICATION name.
func (p *Publication) Target() string { return "PUBLICATION " + ddl.QuoteIdent(p.Ident.Name) }

// options are those that differ from what is there.
func (p *Publication) options(from *Publication) string {
	var out []string
	if p.Publish != from.Publish {
		publish := strings.TrimSuffix(p.Publish, "none")
		if p.Publish == "" {
			publish = publishAll
		}
		out = append(out, "publish = "+ddl.QuoteLiteral(publish))
	}
	if p.ViaRoot != from.ViaRoot {
		out = append(out, "publish_via_partition_root = "+onOff(p.ViaRoot))
	}
	if p.Generated != from.Generated {
		generated := p.Generated
		if generated == "" {
			generated = "none"
		}
		out = append(out, "publish_generated_columns = "+generated)
	}
	return strings.Join(out, ", ")
}

func onOff(on bool) string {
	if on {
		return "true"
	}
	return "false"
}

// Create makes the publication, empty or for all tables.
func (p *Publication) Create(schema.Context) []schema.Statement {
	text := "CREATE " + p.Target()
	if p.AllTables {
		text += " FOR ALL TABLES"
	}
	if options := p.options(&Publication{}); options != "" {
		text += " WITH (" + options + ")"
	}
	return schema.SQL(text)
}

// Drop removes the publication.
func (p *Publication) Drop(schema.Context) []schema.Statement {
	return schema.SQL("DROP " + p.Target())
}

// Alter changes options.
func (p *Publication) Alter(to schema.Object, changes schema.Changes, _ schema.Context) ([]schema.Statement, bool) {
	n := to.(*Publication)
	if changes.Has("all_tables") {
		return nil, false
	}
	return schema.SQL("ALTER " + n.Target() + " SET (" + n.options(p) + ")"), true
}

// PublicationTable is a table of a publication, or a schema whose tables are.
type PublicationTable struct {
	schema.Base
	Publication schema.ID `json:"publication" diff:"-"`
	// Table is the qualified name; a schema's name for publication_schema.
	Table   string   `json:"table" diff:"-"`
	Columns []string `json:"columns,omitempty"`
	Where   string   `json:"where,omitempty"`
}

var publicationTableKind = Kind{
	Name:    "publication_table",
	Catalog: "pg_publication_rel",
	New:     func() schema.Object { return &PublicationTable{} },
	Query: func(s Server) string {
		return `SELECT r.oid, 0, 0, NULL, p.pubname, n.nspname, c.relname, ` + s.If(15, `CASE WHEN r.prattrs IS NOT NULL THEN (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attname)
				FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) END, pg_get_expr(r.prqual, r.prrelid)`, "NULL, NULL") + `
			FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace`
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		t := &PublicationTable{}
		t.Publication = schema.ID{Kind: "publication", Name: r.Text()}
		namespace, name := r.Text(), r.Text()
		if rd.excluded[namespace] {
			return nil
		}
		t.Table = ddl.QualifiedName(namespace, name)
		t.Ident = schema.ID{Kind: "publication_table", Table: t.Publication.Name, Name: t.Table}
		t.Columns, t.Where = r.Texts(), r.Text()
		return t
	},
}

var publicationSchemaKind = Kind{
	Name:    "publication_schema",
	Catalog: "pg_publication_namespace",
	New:     func() schema.Object { return &PublicationTable{} },
	Query: func(s Server) string {
		return s.If(15, `SELECT r.oid, 0, 0, NULL, p.pubname, n.nspname FROM pg_publication_namespace r
			JOIN pg_publication p ON p.oid = r.pnpubid JOIN pg_namespace n ON n.oid = r.pnnspid`, "")
	},
	Scan: func(rd *Reader, r *Row) schema.Object {
		t := &PublicationTable{}
		t.Publication = schema.ID{Kind: "publication", Name: r.Text()}
		namespace := r.Text()
		if rd.excluded[namespace] {
			return nil
		}
		t.Table = ddl.QuoteIdent(namespace)
		t.Ident = schema.ID{Kind: "publication_schema", Table: t.Publication.Name, Name: t.Table}
		return t
	},
}

var publicationTableTraits = schema.Traits{Rank: rankPublication + 1}

// Traits of what a publication holds.
func (t *PublicationTable) Traits() *schema.Traits { return &publicationTableTraits }

// Parent is the publication.
func (t *PublicationTable) Parent() schema.ID { return t.Publication }

func (t *PublicationTable) name() string {
	if t.Ident.Kind == "publication_schema" {
		return "TABLES IN SCHEMA " + t.Table
	}
	return "TABLE ONLY " + t.Table
}

// Target is the publication; the entry has no comment of its own.
func (t *PublicationTable) Target() string {
	return "PUBLICATION " + ddl.QuoteIdent(t.Publication.Name)
}

// Create adds the table or schema.
func (t *PublicationTable) Create(schema.Context) []schema.Statement {
	text := "ALTER " + t.Target() + " ADD " + t.name()
	if len(t.Columns) > 0 {
		text += " (" + strings.Join(t.Columns, ", ") + ")"
	}
	if t.Where != "" {
		if !strings.HasPrefix(t.Where, "(") {
			text += " WHERE (" + t.Where + ")"
		} else {
			text += " WHERE " + t.Where
		}
	}
	return schema.SQL(text)
}

// Drop takes it out of the publication.
func (t *PublicationTable) Drop(schema.Context) []schema.Statement {
	return schema.SQL("ALTER " + t.Target() + " DROP " + t.name())
}

// Alter cannot: other columns or another filter means to take the table out and in again.
func (t *PublicationTable) Alter(schema.Object, schema.Changes, schema.Context) ([]schema.Statement, bool) {
	return nil, false
}
