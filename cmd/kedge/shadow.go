package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/environments"
	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/migrate/drift"
	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
	"github.com/kedgedb/kedge/schema/ddl"
)

// likeness is what a shadow takes from the database that it stands in for, so
// that what is built on it comes out the same. The zero value is any server.
type likeness struct {
	major       int      // 0: the project's, else the newest
	user, owner string   // who connects, who owns the database; "" is postgres
	roles       []string // all that exist there
	logical     bool     // wal_level is logical
	identity    string   // names the database; "" for one on a shadow, whose oids mean nothing, and where it may not be asked
}

// likenessOf asks a database what a shadow of it must be like.
func likenessOf(ctx context.Context, conn *pgx.Conn) (likeness, error) {
	var l likeness
	var version int
	var level string
	var identified bool // it may be asked which one it is
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_user,
		(SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()),
		(SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'), current_setting('wal_level'),
		has_function_privilege('pg_catalog.pg_control_system()', 'execute')`).
		Scan(&version, &l.user, &l.owner, &l.roles, &level, &identified)
	if err != nil {
		return l, fmt.Errorf("asking the database for its version and roles: %w", err)
	}
	l.major, l.logical = version/10000, level == "logical"
	if !identified {
		return l, nil
	}
	err = conn.QueryRow(ctx, `SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()) || '/' ||
		(SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&l.identity)
	if err != nil {
		return l, fmt.Errorf("asking the database which one it is: %w", err)
	}
	return l, nil
}

// likenessOfModel is what a shadow must be like to hold a model.
func likenessOfModel(m *schema.Model) likeness {
	return likeness{major: m.Server, user: m.User, owner: m.Owner}
}

// host is a throw-away server, opened when it is first needed and closed at the
// end of the run.
type host struct {
	*environments.Shadow
	roles map[string]bool // those that are known to be there
	made  int             // databases so far
	aside int             // roles that made way so far
}

// shadow is a throw-away server as the databases on it are to be made.
type shadow struct {
	app    *app
	server *host
	like   likeness
}

// shadow opens a server like the one described, or returns the one that is open.
func (a *app) shadow(ctx context.Context, like likeness) (*shadow, error) {
	for _, server := range a.shadows {
		if like.major == 0 || server.Major() == like.major {
			s := &shadow{app: a, server: server, like: like}
			return s, s.ensureRoles(ctx, append(slices.Clone(like.roles), like.user, like.owner))
		}
	}
	find := a.findOptions(like.major)
	settings := map[string]string{"wal_level": "replica"}
	if like.logical {
		settings["wal_level"] = "logical"
	}
	server, err := environments.OpenShadow(ctx, environments.ShadowOptions{
		Dir: find.Dir, Major: find.Major, Cache: find.Cache, Settings: settings, Progress: a.installProgress(),
	})
	if err != nil {
		return nil, err
	}
	s := &shadow{app: a, server: &host{Shadow: server}, like: like}
	a.shadows = append(a.shadows, s.server)
	return s, s.ensureRoles(ctx, append(slices.Clone(like.roles), like.user, like.owner))
}

// closeShadows ends the servers that a run opened.
func (a *app) closeShadows() error {
	var err error
	for _, server := range a.shadows {
		err = errors.Join(err, server.Close())
	}
	a.shadows = nil
	return err
}

// ensureRoles makes the roles that are not there. On a shadow all are superusers.
func (s *shadow) ensureRoles(ctx context.Context, roles []string) error {
	known := func(role string) bool { return role == "" || s.server.roles[role] }
	if s.server.roles != nil && !slices.ContainsFunc(roles, func(role string) bool { return !known(role) }) {
		return nil
	}
	conn, err := s.connect(ctx, "template1", "")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	have, err := pgx.CollectRows(must(conn.Query(ctx, "SELECT rolname::text FROM pg_roles")), pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("asking the shadow for its roles: %w", err)
	}
	s.server.roles = map[string]bool{}
	for _, role := range have {
		s.server.roles[role] = true
	}
	for _, role := range roles {
		if known(role) {
			continue
		}
		if _, err := conn.Exec(ctx, "CREATE ROLE "+ddl.QuoteIdent(role)+" SUPERUSER LOGIN"); err != nil {
			return fmt.Errorf("making role %s on the shadow: %w", role, err)
		}
		s.server.roles[role] = true
	}
	return nil
}

// setAside gives a role that is there another name, so that a migration can
// make it: roles are of the whole server, and the databases before, or the
// likeness, have made it already.
func (s *shadow) setAside(ctx context.Context, role string) error {
	conn, err := s.connect(ctx, "template1", "")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	s.server.aside++
	other := fmt.Sprintf("kedge_aside_%d", s.server.aside)
	if _, err := conn.Exec(ctx, "ALTER ROLE "+ddl.QuoteIdent(role)+" RENAME TO "+other); err != nil {
		return fmt.Errorf("setting role %s aside on the shadow: %w", role, err)
	}
	s.server.roles = nil
	return nil
}

// must hands rows on to pgx.CollectRows, which reports the error that they carry.
func must(rows pgx.Rows, _ error) pgx.Rows { return rows }

// connect opens a session of the role that the likeness names; role "" is the
// shadow's superuser.
func (s *shadow) connect(ctx context.Context, database, role string) (*pgx.Conn, error) {
	config, err := s.server.Config(database)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	if role != "" {
		config.RuntimeParams["session_authorization"] = role
	}
	return environments.Connect(ctx, config)
}

// create makes an empty database and returns its name.
func (s *shadow) create(ctx context.Context) (string, error) {
	s.server.made++
	name := fmt.Sprintf("shadow_%d", s.server.made)
	if _, err := s.server.Create(ctx, name); err != nil {
		return "", err
	}
	if s.like.owner == "" {
		return name, nil
	}
	conn, err := s.connect(ctx, name, "")
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+name+" OWNER TO "+ddl.QuoteIdent(s.like.owner)); err != nil {
		return "", fmt.Errorf("preparing the shadow: %w", err)
	}
	return name, nil
}

// connector connects to a shadow database as the likeness's user.
func (s *shadow) connector(database string) apply.Connector {
	return func(ctx context.Context) (*pgx.Conn, error) { return s.connect(ctx, database, s.like.user) }
}

// missingRole and presentRole are what PostgreSQL says of a role that is not
// there, or is; the shadow's messages are in English.
var (
	missingRole = regexp.MustCompile(`^role "(.+)" does not exist$`)
	presentRole = regexp.MustCompile(`^role "(.+)" already exists$`)
)

// run applies migrations to a shadow database. Roles that they take for granted
// are made on the way, and those that they make themselves are not there before.
func (s *shadow) run(ctx context.Context, database string, migrations []*migrate.Migration, request migrate.Request, o apply.Options) error {
	o.Observer, o.Throttle = nil, apply.Throttle{}
	for tried := map[string]bool{}; ; {
		_, err := apply.Run(ctx, s.connector(database), migrations, request, o)
		s.server.roles = nil // a migration may have made or dropped some
		var refused *pgconn.PgError
		if !errors.As(err, &refused) {
			return err
		}
		if m := missingRole.FindStringSubmatch(refused.Message); m != nil && !tried[m[0]] {
			tried[m[0]] = true
			if err := s.ensureRoles(ctx, m[1:]); err != nil {
				return err
			}
			continue
		}
		m := presentRole.FindStringSubmatch(refused.Message)
		if m == nil || tried[m[0]] || m[1] == s.like.user || m[1] == s.like.owner {
			return err
		}
		tried[m[0]] = true
		if err := s.setAside(ctx, m[1]); err != nil {
			return err
		}
	}
}

// model reads a shadow database.
func (s *shadow) model(ctx context.Context, database, history string) (*schema.Model, error) {
	conn, err := s.connect(ctx, database, s.like.user)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return readModel(ctx, conn, history, nil)
}

// readModel reads a database's schema without kedge's own, whose history is in
// the schema named; "" where there is none.
func readModel(ctx context.Context, conn *pgx.Conn, history string, another apply.Connector) (*schema.Model, error) {
	options := catalog.Options{Another: another}
	if history != "" {
		options.ExcludeSchemas = []string{history}
	}
	m, err := catalog.Read(ctx, conn, options)
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	return m.Filter(func(o schema.Object) bool { return !drift.Own(o) }), nil
}

// execute runs SQL on a shadow database as the likeness's user.
func (s *shadow) execute(ctx context.Context, database string, statements []schema.Statement) error {
	conn, err := s.connect(ctx, database, s.like.user)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if text := schema.Preamble(statements); text != "" {
		if _, err := conn.Exec(ctx, text); err != nil {
			return &shadowError{text, err}
		}
	}
	for _, st := range statements {
		if _, err := conn.PgConn().Exec(ctx, st.SQL).ReadAll(); err != nil {
			return &shadowError{st.SQL, err}
		}
	}
	return nil
}

// shadowError is a statement that a shadow refused.
type shadowError struct {
	sql string
	err error
}

func (e *shadowError) Error() string { return fmt.Sprintf("%v\n  %s", e.err, firstLine(e.sql, 300)) }
func (e *shadowError) Unwrap() error { return e.err }

// lacking tells whether the shadow's installation lacks an extension or a
// library, or is not set up for it: no fault of the statement.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func (e *shadowError) lacking() bool {
	var refused *pgconn.PgError
	if !errors.As(e.err, &refused) {
		return true // the server went away
	}
	return refused.Code == "58P01" || refused.Code == "0A000" && strings.HasPrefix(e.sql, "CREATE EXTENSION")
}
