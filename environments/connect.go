package environments

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ConnectFailure is the class of a failure to connect.
type ConnectFailure string

// Why connecting fails.
const (
	FailedPassword   ConnectFailure = "password"        // the server does not accept the user or the password
	FailedNotAllowed ConnectFailure = "not allowed"     // no rule of the server lets this user in from here
	FailedHost       ConnectFailure = "host"            // there is no host of that name
	FailedRefused    ConnectFailure = "refused"         // nobody listens there
	FailedTimeout    ConnectFailure = "timeout"         // no answer in time
	FailedTLS        ConnectFailure = "tls"             // encryption, or the server's certificate
	FailedDatabase   ConnectFailure = "database"        // there is no database of that name
	FailedTooMany    ConnectFailure = "too many"        // the server has no connection left
	FailedStarting   ConnectFailure = "starting"        // the server is starting, stopping or recovering
	FailedOther      ConnectFailure = "cannot connect"  // anything else
	FailedCancelled  ConnectFailure = "cancelled"       // the caller gave up
	FailedReadOnly   ConnectFailure = "not the primary" // no server of the list is what target_session_attrs asks for
)

// ConnectError says why a database could not be connected to. No secret is in it.
type ConnectError struct {
	Failure  ConnectFailure
	Host     string // host name, address or socket folder
	Port     uint16
	Database string
	User     string
	SQLState string // the server's, if it was the server that refused
	Message  string // what the server, the system or the TLS library said
	Hint     string // what to do about it; may be empty

	err error
}

// Error is one line, with the hint in parentheses.
func (e *ConnectError) Error() string {
	text := fmt.Sprintf("connecting to database %q on %s as %q: %s", e.Database, e.server(), e.User, e.Message)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func (e *ConnectError) server() string {
	if strings.HasPrefix(e.Host, "/") {
		return "socket " + e.Host
	}
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// Unwrap returns the reason, for errors.Is and errors.As. Its text may hold more than e's.
func (e *ConnectError) Unwrap() error { return e.err }

// Connect connects to a database. The error is a *ConnectError.
func Connect(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, ExplainConnect(ctx, cfg, err)
	}
	return conn, nil
}

// ExplainConnect turns an error of connecting, such as a pool's, into a *ConnectError.
func ExplainConnect(ctx context.Context, cfg *pgx.ConnConfig, err error) error {
	e := &ConnectError{Failure: FailedOther, Host: cfg.Host, Port: cfg.Port, Database: cfg.Database, User: cfg.User, err: err}
	if e.Database == "" {
		e.Database = cfg.User // as libpq does
	}
	e.Message = redactSecret(lastReason(err), cfg.Password)
	e.classify(ctx, cfg)
	return e
}

// lastReason is the text of the reason behind a chain of errors that each say "failed to connect to".
func lastReason(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Message
	}
	var host *net.DNSError
	if errors.As(err, &host) {
		return host.Error()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Error()
	}
	for {
		joined, ok := err.(interface{ Unwrap() []error })
		if ok && len(joined.Unwrap()) > 0 {
			err = joined.Unwrap()[0]
			continue
		}
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// sqlStates are the server's reasons. https://www.postgresql.org/docs/current/errcodes-appendix.html
var sqlStates = map[string]struct {
	failure ConnectFailure
	hint    string
}{
	"28P01": {FailedPassword, "check the user and the password in the url, PGPASSWORD or ~/.pgpass"},
	"28000": {FailedNotAllowed, "check the user's name, and the server's pg_hba.conf: it decides who may come from where, and with which encryption"},
	"3D000": {FailedDatabase, "check the name, or create it: createdb"},
	"53300": {FailedTooMany, "close some, raise max_connections, or go through a connection pool"},
	"57P03": {FailedStarting, "try again in a moment"},
	"57P01": {FailedStarting, "the server is stopping; try again in a moment"},
	"42501": {FailedNotAllowed, "the user lacks the CONNECT privilege on the database: GRANT CONNECT ON DATABASE"},
}

func (e *ConnectError) classify(ctx context.Context, cfg *pgx.ConnConfig) {
	var pg *pgconn.PgError
	var host *net.DNSError
	var timeout net.Error
	switch err := e.err; {
	case errors.As(err, &pg):
		e.SQLState = pg.Code
		if known, ok := sqlStates[pg.Code]; ok {
			e.Failure, e.Hint = known.failure, known.hint
		}
		if e.Failure == FailedPassword && cfg.Password == "" {
			e.Hint = "no password was given: put it in the url, PGPASSWORD or ~/.pgpass"
		}
	case errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled):
		e.Failure = FailedCancelled
	case isTLS(err):
		e.Failure, e.Hint = FailedTLS, tlsHint(err)
	case errors.As(err, &host) && !host.IsTimeout:
		e.Failure, e.Hint = FailedHost, "check the host's name in the url"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		e.Failure, e.Hint = FailedRefused, "is the server running, and is this its port?"
		if strings.HasPrefix(cfg.Host, "/") {
			e.Hint = "no server has its socket there: is it running, and is this its unix_socket_directories?"
		}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.Failure, e.Hint = FailedTimeout, "check host and port, and that no firewall is in between; connect_timeout sets how long to wait"
	case errors.As(err, new(*pgconn.NotPreferredError)), errors.Is(err, pgconn.ErrReadOnlyConnection), errors.Is(err, pgconn.ErrReadWriteConnection):
		e.Failure, e.Hint = FailedReadOnly, "no host of the url is what its target_session_attrs asks for"
	}
}

// refusedTLS is pgconn's only word for a server without TLS: it has no value of its own to compare with.
const refusedTLS = "server refused TLS connection"

func isTLS(err error) bool {
	var (
		authority   x509.UnknownAuthorityError
		hostname    x509.HostnameError
		invalid     x509.CertificateInvalidError
		verify      *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		systemRoots x509.SystemRootsError
	)
	return errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) || errors.As(err, &verify) ||
		errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &systemRoots) || lastReason(err) == refusedTLS
}

func tlsHint(err error) string {
	var hostname x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case lastReason(err) == refusedTLS:
		return "the server does not offer TLS: turn it on there, or set sslmode=prefer or sslmode=disable"
	case errors.As(err, &hostname):
		return "the certificate is for another host: connect by a name in it"
	case errors.As(err, &authority):
		return "set sslrootcert to the certificate of the authority that signed the server's"
	}
	return "check sslmode, sslrootcert, sslcert and sslkey"
}
