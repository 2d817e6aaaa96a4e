package drift

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Statement is a DDL statement that somebody ran outside of kedge, as the audit
// ledger has it.
type Statement struct {
	At          time.Time `json:"at"`
	Role        string    `json:"role"` // who logged in
	As          string    `json:"as"`   // the role in force
	Client      string    `json:"client,omitempty"`
	Application string    `json:"application,omitempty"`
	Tag         string    `json:"tag"` // ALTER TABLE
	Identity    string    `json:"identity"`
	Command     string    `json:"command"`
	Transaction string    `json:"transaction"`
}

// String says who ran the statement, from where, when, and what it was.
func (s *Statement) String() string {
	who := s.Role
	if s.Client != "" {
		who += " from " + s.Client
	}
	if s.Application != "" {
		who += ", " + s.Application
	}
	return fmt.Sprintf("%sZ by %s: %s", s.At.UTC().Format(time.DateTime), who, brief(s.Command))
}

// auditSQL makes the ledger: a table, a function that never fails the statement
// it is called for, and two event triggers. %[1]s is the schema. Of statements
// that may carry a password only the tag is kept. pg_current_xact_id is of 13.
// https://www.postgresql.org/docs/current/event-triggers.html
const auditSQL = `CREATE SCHEMA IF NOT EXISTS %[1]s;
CREATE TABLE IF NOT EXISTS %[1]s.ddl_audit (
    audit_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    role        text NOT NULL,
    acting_as   text NOT NULL,
    client      text,
    application text,
    tag         text NOT NULL,
    identity    text NOT NULL,
    command     text NOT NULL,
    transaction text NOT NULL
);
COMMENT ON TABLE %[1]s.ddl_audit IS 'Every DDL statement outside of kedge. Rows are only added. kedge drift reads it.';
CREATE OR REPLACE FUNCTION %[1]s.record_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $audit$
DECLARE
    found record;
    statement text := CASE WHEN current_query() ~* 'password|passwd|secret|user\s+mapping|subscription|connection' THEN tg_tag ELSE left(current_query(), 10000) END;
BEGIN
    IF current_setting('application_name') ~ '^kedge( |$)' THEN
        RETURN;
    END IF;
    IF tg_event = 'sql_drop' THEN
        FOR found IN SELECT object_identity FROM pg_event_trigger_dropped_objects() WHERE original AND NOT is_temporary LOOP
            INSERT INTO %[1]s.ddl_audit (role, acting_as, client, application, tag, identity, command, transaction)
            VALUES (session_user, current_setting('role'), inet_client_addr()::text, current_setting('application_name'), tg_tag, found.object_identity,
                    statement, pg_current_xact_id()::text);
        END LOOP;
    ELSE
        FOR found IN SELECT object_identity FROM pg_event_trigger_ddl_commands() WHERE schema_name IS NULL OR schema_name !~ '^pg_temp' LOOP
            INSERT INTO %[1]s.ddl_audit (role, acting_as, client, application, tag, identity, command, transaction)
            VALUES (session_user, current_setting('role'), inet_client_addr()::text, current_setting('application_name'), tg_tag, found.object_identity,
                    statement, pg_current_xact_id()::text);
        END LOOP;
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'kedge: a DDL statement could not be recorded: %%', SQLERRM;
END
$audit$;
DROP EVENT TRIGGER IF EXISTS kedge_audit_ddl;
DROP EVENT TRIGGER IF EXISTS kedge_audit_drop;
CREATE EVENT TRIGGER kedge_audit_ddl ON ddl_command_end EXECUTE FUNCTION %[1]s.record_ddl();
CREATE EVENT TRIGGER kedge_audit_drop ON sql_drop EXECUTE FUNCTION %[1]s.record_ddl();
`

const removeAuditSQL = `DROP EVENT TRIGGER IF EXISTS kedge_audit_ddl;
DROP EVENT TRIGGER IF EXISTS kedge_audit_drop;
DROP FUNCTION IF EXISTS %[1]s.record_ddl();
DROP TABLE IF EXISTS %[1]s.ddl_audit;
`

// Own tells whether an object outside of the history's schema is kedge's: the
// event triggers of the ledger.
func Own(o schema.Object) bool {
	id := o.ID()
	return id.Kind == "event_trigger" && (id.Name == "kedge_audit_ddl" || id.Name == "kedge_audit_drop")
}

// InstallAudit makes the ledger of DDL statements in the history's schema. It
// needs a superuser, as event triggers do.
func InstallAudit(ctx context.Context, conn *pgx.Conn, history string) error {
	return audit(ctx, conn, "installing the audit of DDL statements", auditSQL, history)
}

// RemoveAudit takes the ledger away, with what it holds.
func RemoveAudit(ctx context.Context, conn *pgx.Conn, history string) error {
	return audit(ctx, conn, "removing the audit of DDL statements", removeAuditSQL, history)
}

func audit(ctx context.Context, conn *pgx.Conn, doing, sql, history string) error {
	text := "BEGIN;\n" + fmt.Sprintf(sql, ddl.QuoteIdent(history)) + "COMMIT;"
	if _, err := conn.PgConn().Exec(ctx, text).ReadAll(); err != nil {
		_, rollback := conn.PgConn().Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll()
		return errors.Join(fmt.Errorf("%s: %w", doing, err), rollback)
	}
	return nil
}

// ErrAuditDenied is what [Audited] returns to a role that may not look.
var ErrAuditDenied = errors.New("the audit of DDL statements may not be read")

// Audited are the ledger's statements since a time, oldest first; none when
// there is no ledger.
func Audited(ctx context.Context, conn *pgx.Conn, history string, since time.Time) ([]Statement, error) {
	rows, err := conn.Query(ctx, `SELECT at, role, acting_as, coalesce(client, ''), coalesce(application, ''), tag, identity, command, transaction
		FROM `+ddl.QualifiedName(history, "ddl_audit")+" WHERE at >= $1 ORDER BY audit_id", since)
	if err == nil {
		var list []Statement
		if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Statement]); err == nil {
			return list, nil
		}
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == undefinedTable || refused.Code == invalidSchema) {
		return nil, nil
	}
	if refused != nil && refused.Code == noPrivilege {
		return nil, fmt.Errorf("%w: %w", ErrAuditDenied, err)
	}
	return nil, fmt.Errorf("reading the audit of DDL statements: %w", err)
}

// Attribute names, for each change, the last statement of the ledger about its
// object or about what it is a part of.
func (r *Report) Attribute(statements []Statement) {
	for i := range r.Changes {
		c := &r.Changes[i]
		for _, id := range []schema.ID{c.Object, c.Group} {
			if s := lastAbout(statements, id); s != nil {
				c.Statement = s
				break
			}
		}
	}
}

// lastAbout finds a statement by the identity that PostgreSQL gives an object:
// its quoted, qualified name, for parts "NAME on TABLE" or TABLE.NAME.
func lastAbout(statements []Statement, id schema.ID) *Statement {
	table := ddl.QualifiedName(id.Schema, id.Table)
	identities := []string{ddl.QualifiedName(id.Schema, id.Name) + id.Args}
	if id.Table != "" {
		name := ddl.QuoteIdent(id.Name)
		identities = []string{name + " on " + table, table + "." + name}
	}
	if id.Schema == "" {
		identities = []string{ddl.QuoteIdent(id.Name)}
	}
	for i := len(statements) - 1; i >= 0; i-- {
		for _, identity := range identities {
			if strings.EqualFold(statements[i].Identity, identity) {
				return &statements[i]
			}
		}
	}
	return nil
}
