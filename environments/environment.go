package environments

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// EmbeddedURL is the url of an environment whose database is on kedge's own PostgreSQL.
const EmbeddedURL = "embedded"

// ApplicationName is what kedge calls itself in pg_stat_activity.
const ApplicationName = "kedge"

// Environment is a named target: its connection and its rules.
type Environment struct {
	Name             string            // empty for a database that was named by its URL alone
	File             string            // its file; empty when it has none
	Protected        bool              // down, data loss, out-of-order and unlinted plans need an explicit allowance and a reason
	Role             string            // SET ROLE before any statement; empty: none
	SearchPath       string            // what every migration starts with; empty: the server's
	LockTimeout      time.Duration     // how long one statement waits for a lock
	LockRetry        time.Duration     // how long a migration that did not get its locks is tried again
	StatementTimeout time.Duration     // how long one statement may run; 0 is for ever
	ConnectTimeout   time.Duration     // how long connecting may take; 0 is for ever
	RefreshSnapshot  bool              // up and down write the snapshot anew
	Placeholders     map[string]string // values for ${name} in migrations
	Settings         map[string]string // configuration parameters that every migration starts with
	Throttle         Throttle
	Drift            Drift

	project *Project
	address address
}

// Throttle says when to wait between steps.
type Throttle struct {
	ReplicationLag time.Duration // while a standby is further behind; 0 is never
}

// Drift says what is no drift.
type Drift struct {
	Ignore []Ignore
}

// Ignore is an exception from drift: every field that is set must match. Patterns have * and ?.
type Ignore struct {
	Kind      string    // kind of object
	Name      string    // pattern of its name
	Schema    string    // pattern of its schema
	Owner     string    // pattern of its owner
	Extension string    // the extension it belongs to
	Property  string    // the property that differs
	Reason    string    // why
	Until     time.Time // first day on which it no longer holds; zero is never
	File      string    // where it is written
	Line      int
}

func (i Ignore) matchesAll() bool {
	return i.Kind == "" && i.Name == "" && i.Schema == "" && i.Owner == "" && i.Extension == "" && i.Property == ""
}

// Expired tells whether the exception no longer holds.
func (i Ignore) Expired(now time.Time) bool { return !i.Until.IsZero() && !now.Before(i.Until) }

// address is how an environment names its database: a url or a file that holds one, unexpanded.
type address struct {
	url, urlFile string
	at           place
}

// environment works out an environment from kedge.yaml, its own file and what is stronger.
func (p *Project) environment(name string, layers ...*layer) (*Environment, error) {
	layers = append([]*layer{p.file}, layers...)
	s, err := p.settings(layers...)
	if err != nil {
		return nil, err
	}
	e := &Environment{
		Name:             name,
		Protected:        s.boolean("protected"),
		Role:             s.text("role"),
		SearchPath:       s.text("search_path"),
		LockTimeout:      s.duration("lock_timeout"),
		LockRetry:        s.duration("lock_retry"),
		StatementTimeout: s.duration("statement_timeout"),
		ConnectTimeout:   s.duration("connect_timeout"),
		RefreshSnapshot:  s.boolean("refresh_snapshot"),
		Placeholders:     s.texts("placeholders"),
		Settings:         s.texts("settings"),
		Throttle:         Throttle{ReplicationLag: s.duration("throttle.replication_lag")},
		project:          p,
	}
	if file := p.environmentFile(name); name != "" && isFile(file) {
		e.File = file
	}
	for _, l := range layers {
		e.Drift.Ignore = append(e.Drift.Ignore, l.ignores["drift.ignore"]...)
		if err := e.address.takeFrom(l); err != nil {
			return nil, err
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	return e, nil
}

// takeFrom replaces the address by a stronger layer's, if that one has any.
func (a *address) takeFrom(l *layer) error {
	direct, file := l.values["url"], l.values["url_file"]
	switch {
	case direct != "" && file != "":
		at := l.places["url_file"]
		return &ConfigError{File: at.file, Line: at.line, Key: "url_file", Message: "url and url_file are both set", Hint: "keep one of them"}
	case direct != "":
		*a = address{url: direct, at: l.places["url"]}
	case file != "":
		*a = address{urlFile: file, at: l.places["url_file"]}
	}
	return nil
}

func (a address) fail(key, hint, format string, args ...any) error {
	return &ConfigError{File: a.at.file, Line: a.at.line, Key: key, Message: Redact(fmt.Sprintf(format, args...)), Hint: hint}
}

// Embedded tells whether the environment's database is on kedge's own PostgreSQL.
func (e *Environment) Embedded() bool {
	text, err := e.url()
	return err == nil && text == EmbeddedURL
}

// url returns the database's URL, with its password. It is empty when the libpq variables name the database.
func (e *Environment) url() (string, error) {
	a := e.address
	switch {
	case a.url != "":
		text, err := expand(a.url, e.project.environ)
		if err != nil {
			return "", a.fail("url", e.urlHint(), "url of environment %q: %v", e.Name, err)
		}
		if strings.TrimSpace(text) == "" {
			return "", a.fail("url", e.urlHint(), "url of environment %q: %s is empty", e.Name, a.url)
		}
		return strings.TrimSpace(text), nil
	case a.urlFile != "":
		return e.readURLFile()
	}
	for _, name := range []string{"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"} {
		if e.project.environ[name] != "" {
			return "", nil
		}
	}
	if e.Name == "" || e.File == "" {
		return "", &ConfigError{Message: "no database is named",
			Hint: "give --url, or make " + filepath.Join(e.project.EnvironmentsDir, e.project.DefaultEnvironment+".yaml") + " (kedge init does)"}
	}
	return "", &ConfigError{File: e.File, Key: "url", Message: fmt.Sprintf("environment %q has no url", e.Name), Hint: "add url: postgres://… or url: embedded"}
}

func (e *Environment) urlHint() string {
	return "set it, or give --url"
}

func (e *Environment) readURLFile() (string, error) {
	a := e.address
	path, err := expand(a.urlFile, e.project.environ)
	if err != nil {
		return "", a.fail("url_file", e.urlHint(), "url_file of environment %q: %v", e.Name, err)
	}
	base := e.project.Root
	if strings.HasPrefix(a.at.file, "--") || strings.HasPrefix(a.at.file, "KEDGE_") {
		base = e.project.opt.Dir
	}
	content, err := os.ReadFile(absolute(base, path))
	if err != nil {
		return "", a.fail("url_file", "", "url_file of environment %q: %v", e.Name, err)
	}
	text := strings.TrimSpace(string(content))
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return "", a.fail("url_file", "", "url_file of environment %q: %s must hold one line, the URL", e.Name, path)
	}
	return text, nil
}

// DevServer returns the project's own PostgreSQL, which `url: embedded` is on. It starts nothing.
func (p *Project) DevServer(progress Progress) (*DevServer, error) {
	return Dev(DevOptions{Project: p.Root, Dir: p.Postgres.Bin, Major: p.Postgres.Major, Cache: p.environ["KEDGE_CACHE"], Progress: progress})
}

// Database returns the name of the environment's database on kedge's own PostgreSQL.
func (e *Environment) Database() string {
	if e.Name == "" {
		return e.project.DefaultEnvironment
	}
	return e.Name
}

// ConnConfig returns how to connect to the environment's database. For an embedded one it starts kedge's own
// PostgreSQL and makes the database, unless they are there; progress is told when that has to be fetched, and may be
// nil. Errors are a *ConfigError when the configuration is at fault.
func (e *Environment) ConnConfig(ctx context.Context, progress Progress) (*pgx.ConnConfig, error) {
	text, err := e.url()
	if err != nil {
		return nil, err
	}
	var cfg *pgx.ConnConfig
	if text == EmbeddedURL {
		dev, err := e.project.DevServer(progress)
		if err != nil {
			return nil, err
		}
		if cfg, err = dev.Open(ctx, e.Database()); err != nil {
			return nil, err
		}
	} else if cfg, err = ParseURL(text); err != nil {
		var config *ConfigError
		if errors.As(err, &config) {
			config.File, config.Line = e.address.at.file, e.address.at.line
		}
		return nil, err
	}
	if e.ConnectTimeout != 0 && !strings.Contains(text, "connect_timeout") && e.project.environ["PGCONNECT_TIMEOUT"] == "" {
		cfg.ConnectTimeout = e.ConnectTimeout
	}
	return cfg, nil
}

// ParseURL reads a URL or key=value connection string, with libpq's variables, service and password files for what it
// leaves out, and calls the session kedge's. The error is a *ConfigError without secrets.
func ParseURL(text string) (*pgx.ConnConfig, error) {
	if scheme, _, ok := strings.Cut(text, "://"); ok && scheme != "postgres" && scheme != "postgresql" && !strings.ContainsAny(scheme, "= ") {
		return nil, &ConfigError{Key: "url", Message: fmt.Sprintf("url: %q is no PostgreSQL URL", Redact(text)), Hint: "it begins with postgres://"}
	}
	cfg, err := pgx.ParseConfig(text)
	if err == nil && urlPassword.MatchString(text) && !hasPassword(text) {
		err = errors.New("an @ stands where no user name ends")
	}
	if err != nil {
		return nil, &ConfigError{Key: "url", Message: "url: " + parseReason(text, err), Hint: "for example postgres://user@host:5432/database; characters such as @ : / in a password are written %40 %3A %2F"}
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = ApplicationName
	}
	return cfg, nil
}

// hasPassword tells whether a URL has a password where one belongs. A password with a / in it, unescaped, would
// otherwise be taken for a port and a database, and be shown as such.
func hasPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return true // several hosts: pgx has read it
	}
	_, ok := u.User.Password()
	return ok
}

// parseReason is why a URL cannot be read. Other libraries quote the URL, in whole or in part, and a part that stands
// in the wrong place may be one of the password: where there is a password, no reason is passed on that could quote it.
func parseReason(text string, err error) string {
	if _, err := url.Parse(text); errors.As(err, new(url.EscapeError)) {
		return "a % in it is not followed by two hexadecimal digits"
	}
	if len(secretsOf(text)) > 0 {
		return "it cannot be read"
	}
	inner := err
	for next := errors.Unwrap(inner); next != nil; next = errors.Unwrap(inner) {
		inner = next
	}
	return Redact(inner.Error())
}
