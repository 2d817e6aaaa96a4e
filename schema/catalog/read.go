package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Options says what Read reads. The zero value reads the database without roles.
type Options struct {
	// ExcludeSchemas are left out with all that is in them.
	ExcludeSchemas []string
	// Roles reads the cluster's roles and memberships too.
	Roles bool
	// Another opens a second connection to the same database, which reads a part
	// of the catalogs at the same time and from the same snapshot; it is closed
	// afterwards. Nil reads all on one.
	Another func(context.Context) (*pgx.Conn, error)
}

// address names an object as pg_depend does.
type address struct {
	class, oid uint32
	sub        int32
}

// relation is what other kinds look up about a table, view or index.
type relation struct {
	id      schema.ID
	name    string // qualified, as SQL takes it
	columns []string
	object  schema.Object // nil when it is not in the model
	// collated: a column has another collation than the default one.
	collated bool
}

// defaultCollation is the oid of pg_catalog."default".
const defaultCollation = 100

// typeName is a type with its modifier.
type typeName struct {
	text      string
	collation uint32
	storage   string
}

// operatorClass is what rendering an index needs to know of one.
type operatorClass struct {
	name      string // qualified unless it is in pg_catalog
	input     uint32
	byDefault bool
}

// Reader is what Scan functions look things up in while a database is read.
type Reader struct {
	Server
	model      *schema.Model
	options    Options
	excluded   map[string]bool
	catalogs   map[string]uint32
	names      map[uint32]string // catalogs by oid
	roles      map[uint32]string
	namespaces map[uint32]string
	members    map[address]uint32
	types      map[[2]int64]typeName
	collations map[uint32]string
	methods    map[uint32]string
	spaces     map[uint32]string
	opclasses  map[uint32]operatorClass
	relations  map[uint32]*relation
	objects    map[address]int32
	alias      map[address]address
	added      []schema.Object
	// current is the address of the row that is being scanned.
	current address
	// acl and owner are the row's, for kinds that need more than the framework does with them.
	acl              []string
	owner            string
	inherits         []inheriting
	indexes          map[uint32]*indexed
	columnCollations map[address]uint32
	// failed is the first thing that went wrong within a row.
	failed error
}

// position is where in the model an object stands.
func (rd *Reader) position(id schema.ID) (int32, bool) { return rd.model.Position(id) }

// Role is a role's name by its oid.
func (rd *Reader) Role(oid uint32) string { return rd.roles[oid] }

// Namespace is a schema's name by its oid.
func (rd *Reader) Namespace(oid uint32) string { return rd.namespaces[oid] }

// Relation looks up a relation of any schema that kedge reads; nil when unknown.
func (rd *Reader) Relation(oid uint32) *relation { return rd.relations[oid] }

// Column is a column's quoted name.
func (rd *Reader) Column(relation uint32, attnum int) string {
	return ddl.QuoteIdent(rd.columnName(relation, attnum))
}

func (rd *Reader) columnName(relation uint32, attnum int) string {
	if r := rd.relations[relation]; r != nil && attnum > 0 && attnum <= len(r.columns) {
		return r.columns[attnum-1]
	}
	return ""
}

// Collation is a collation as SQL takes it, "" for the default one.
func (rd *Reader) Collation(oid uint32) string {
	if oid == 0 || oid == defaultCollation {
		return ""
	}
	return rd.collations[oid]
}

// Also adds an object that a row describes beside the one that Scan returns;
// class and oid name it in pg_depend (0: it has no row of its own).
func (rd *Reader) Also(o schema.Object, class string, oid uint32, sub int32) {
	rd.add(o, address{rd.catalogs[class], oid, sub})
}

// Fold makes dependencies of and on one catalog row those of another.
func (rd *Reader) Fold(class string, oid uint32, sub int32, intoClass string, into uint32, intoSub int32) {
	rd.alias[address{rd.catalogs[class], oid, sub}] = address{rd.catalogs[intoClass], into, intoSub}
}

// Read reads a database's schema in one repeatable-read, read-only transaction,
// which it ends. The connection must not be in a transaction.
func Read(ctx context.Context, conn *pgx.Conn, options Options) (*schema.Model, error) {
	number, err := strconv.Atoi(serverNumber(conn.PgConn().ParameterStatus("server_version")))
	if err != nil {
		return nil, fmt.Errorf("reading the server's version %q: %w", conn.PgConn().ParameterStatus("server_version"), err)
	}
	rd := &Reader{
		Server: Server{Major: number, Roles: options.Roles, Superuser: conn.PgConn().ParameterStatus("is_superuser") == "on"}, options: options, model: schema.NewModel(number),
		excluded: map[string]bool{}, catalogs: map[string]uint32{}, names: map[uint32]string{}, roles: map[uint32]string{},
		namespaces: map[uint32]string{}, members: map[address]uint32{}, types: map[[2]int64]typeName{},
		collations: map[uint32]string{}, methods: map[uint32]string{}, spaces: map[uint32]string{}, opclasses: map[uint32]operatorClass{},
		relations: map[uint32]*relation{}, objects: map[address]int32{}, alias: map[address]address{},
		indexes: map[uint32]*indexed{}, columnCollations: map[address]uint32{},
	}
	for _, s := range options.ExcludeSchemas {
		rd.excluded[s] = true
	}
	if err := rd.read(ctx, conn.PgConn()); err != nil {
		return nil, err
	}
	return rd.model, nil
}

func serverNumber(version string) string {
	end := strings.IndexFunc(version, func(c rune) bool { return c < '0' || c > '9' })
	if end < 0 {
		return version
	}
	return version[:end]
}

// step is one query of the pipeline and what takes its rows.
type step struct {
	what  string
	sql   string
	visit func(*Row)
}

func (rd *Reader) read(ctx context.Context, conn *pgconn.PgConn) (err error) {
	if _, err = conn.Exec(ctx, beginning+"; "+settings).ReadAll(); err != nil {
		return fmt.Errorf("reading the catalogs: %w", err)
	}
	defer func() {
		_, rollback := conn.Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll()
		if err == nil {
			err = rollback
		}
	}()
	steps := rd.lookups()
	for _, kind := range Kinds {
		if sql := kind.Query(rd.Server); sql != "" {
			steps = append(steps, step{string(kind.Name), sql, rd.scanner(kind)})
		}
	}
	steps = append(steps, rd.describing()...)
	var rows []dependency
	steps = append(steps, dependencyStep(&rows, rd.options.ExcludeSchemas))
	second, err := rd.startBeside(ctx, conn, steps)
	if err != nil {
		return fmt.Errorf("reading the catalogs: %w", err)
	}
	defer func() { err = errors.Join(err, second.close(ctx)) }()
	if err := rd.pipeline(ctx, conn, steps, second); err != nil {
		return err
	}
	rd.inherit()
	rd.attachIndexes()
	rd.connect(rows)
	if err := rd.findUnmodelled(ctx, conn, rows); err != nil {
		return fmt.Errorf("reading the catalogs: what no kind covers: %w", err)
	}
	rd.inheritEdges()
	return rd.failed
}

// beginning opens the transaction in which all is read.
const beginning = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

// settings make what the server deparses the same for everybody.
const settings = "SET LOCAL search_path = ''; SET LOCAL quote_all_identifiers = off; SET LOCAL IntervalStyle = postgres; " +
	"SET LOCAL DateStyle = ISO; SET LOCAL extra_float_digits = 1; SET LOCAL enable_nestloop = on; SET LOCAL jit = off"

func (rd *Reader) pipeline(ctx context.Context, conn *pgconn.PgConn, steps []step, second *beside) (err error) {
	pipeline := conn.StartPipeline(ctx)
	defer func() {
		if closing := pipeline.Close(); err == nil {
			err = closing
		}
	}()
	for _, s := range steps {
		if !second.takes(s) {
			pipeline.SendQueryParams(s.sql, nil, nil, nil, nil)
		}
	}
	if err := pipeline.Sync(); err != nil {
		return fmt.Errorf("reading the catalogs: %w", err)
	}
	for _, s := range steps {
		if second.takes(s) {
			if err := second.visit(s.visit); err != nil {
				return fmt.Errorf("reading the catalogs: %s: %w", s.what, err)
			}
			continue
		}
		results, err := pipeline.GetResults()
		if err != nil {
			return fmt.Errorf("reading the catalogs: %s: %w", s.what, err)
		}
		reader, ok := results.(*pgconn.ResultReader)
		if !ok {
			return fmt.Errorf("reading the catalogs: %s: unexpected %T", s.what, results)
		}
		if err := each(reader, s.visit); err != nil {
			return fmt.Errorf("reading the catalogs: %s: %w", s.what, err)
		}
		if rd.failed != nil {
			return fmt.Errorf("reading the catalogs: %s: %w", s.what, rd.failed)
		}
	}
	return nil
}

// lookups are read first, for Scan functions to look things up.
func (rd *Reader) lookups() []step {
	text := func(what, sql string, into map[uint32]string) step {
		return step{what, sql, func(r *Row) { oid := r.OID(); into[oid] = r.Text() }}
	}
	return []step{
		{"the database", `SELECT d.datname, pg_get_userbyid(d.datdba), current_user, (SELECT count(*) FROM pg_largeobject_metadata) FROM pg_database d WHERE d.datname = current_database()`, func(r *Row) {
			rd.model.Database, rd.model.Owner, rd.model.User, rd.model.LargeObjects = r.Text(), r.Text(), r.Text(), r.Int()
		}},
		{"catalogs", `SELECT oid, relname FROM pg_class WHERE relnamespace = 11 AND relkind = 'r'`, func(r *Row) {
			oid, name := r.OID(), r.Text()
			rd.catalogs[name], rd.names[oid] = oid, name
		}},
		text("roles", `SELECT oid, rolname FROM pg_roles`, rd.roles),
		text("schemas", `SELECT oid, nspname FROM pg_namespace`, rd.namespaces),
		{"members of extensions", `SELECT classid, objid, refobjid FROM pg_depend WHERE deptype = 'e'`, func(r *Row) {
			rd.members[address{class: r.OID(), oid: r.OID()}] = r.OID()
		}},
		{"types", `SELECT d.t, d.m, format_type(d.t, d.m), y.typcollation, y.typstorage FROM (
			SELECT DISTINCT atttypid AS t, atttypmod AS m FROM pg_attribute WHERE attnum > 0 AND attrelid >= 16384 AND NOT attisdropped) d
			JOIN pg_type y ON y.oid = d.t`, func(r *Row) {
			rd.types[[2]int64{r.Int(), r.Int()}] = typeName{r.Text(), r.OID(), r.Text()}
		}},
		text("collations", `SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.collname) FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace`, rd.collations),
		text("access methods", `SELECT oid, amname FROM pg_am`, rd.methods),
		text("tablespaces", `SELECT oid, spcname FROM pg_tablespace`, rd.spaces),
		{"operator classes", `SELECT o.oid, CASE WHEN n.nspname = 'pg_catalog' THEN quote_ident(o.opcname) ELSE quote_ident(n.nspname) || '.' || quote_ident(o.opcname) END, o.opcintype, o.opcdefault
			FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace`, func(r *Row) {
			rd.opclasses[r.OID()] = operatorClass{name: r.Text(), input: r.OID(), byDefault: r.Bool()}
		}},
	}
}

// scanner takes the rows of a kind's query.
func (rd *Reader) scanner(kind Kind) func(*Row) {
	var class uint32
	return func(r *Row) {
		if class == 0 {
			class = rd.catalogs[kind.Catalog]
		}
		rd.current = address{class: class, oid: r.OID(), sub: int32(r.Int())}
		rd.owner = rd.roles[r.OID()]
		acl, hasACL := r.Nullable()
		rd.acl = nil
		if hasACL {
			rd.acl = parseArray(acl)
		}
		o := kind.Scan(rd, r)
		if o == nil {
			return
		}
		common := o.Common()
		traits := o.Traits()
		if traits.Owned {
			common.Owner = rd.owner
		}
		if hasACL && traits.Class != "" {
			owner := rd.owner
			if r := rd.relations[rd.current.oid]; rd.current.sub != 0 && r != nil && r.object != nil {
				owner = r.object.Common().Owner
			}
			common.Grants = schema.ParseACL(rd.acl, traits.Class, owner, rd.Major)
		}
		rd.add(o, rd.current)
	}
}

func (rd *Reader) add(o schema.Object, at address) {
	if _, member := rd.members[address{class: at.class, oid: at.oid}]; member {
		return
	}
	id := o.ID()
	if rd.excluded[id.Schema] || id.Kind == "schema" && rd.excluded[id.Name] {
		return
	}
	common := o.Common()
	common.Oid, common.Attnum = at.oid, int16(at.sub)
	if err := rd.model.Add(o); err != nil {
		rd.failed = errors.Join(rd.failed, err)
		return
	}
	position := int32(rd.model.Len() - 1)
	rd.added = append(rd.added, o)
	if at.oid != 0 {
		rd.objects[at] = position
	}
}

// describing reads what every kind can have: comments and labels.
func (rd *Reader) describing() []step {
	return []step{
		{"comments", `SELECT classoid, objoid, objsubid, description FROM pg_description WHERE objoid >= 16384 OR objoid = 2200`, func(r *Row) {
			at := address{r.OID(), r.OID(), int32(r.Int())}
			if o := rd.at(at); o != nil {
				o.Common().Comment = r.Text()
			} else if ix := rd.indexes[at.oid]; ix != nil && at.class == rd.catalogs["pg_class"] && at.sub == 0 {
				ix.body.Comment = r.Text()
			}
		}},
		{"labels", `SELECT classoid, objoid, objsubid, provider, label FROM pg_seclabel ORDER BY provider`, func(r *Row) {
			if o := rd.at(address{r.OID(), r.OID(), int32(r.Int())}); o != nil {
				o.Common().Labels = append(o.Common().Labels, schema.Label{Provider: r.Text(), Text: r.Text()})
			}
		}},
	}
}

// at is the object with exactly that address.
func (rd *Reader) at(a address) schema.Object {
	if i, ok := rd.objects[a]; ok {
		return rd.added[i]
	}
	return nil
}

// quoteAll quotes names and joins them with commas.
func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = ddl.QuoteIdent(n)
	}
	return strings.Join(quoted, ", ")
}
