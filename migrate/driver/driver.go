// Package driver is kedge as a database driver of golang-migrate, under the scheme
// kedge://: a program that embeds golang-migrate changes its URL's scheme and has
// kedge's atomic history, lock and detection of what cannot run in a transaction. It does
// not know where migrations come from, nor their names: golang-migrate does not tell its drivers.
//
//	import _ "github.com/kedgedb/kedge/migrate/driver"
//	…
//	m, err := migrate.New("file://migrations", "kedge://user@host/db")
//
// The query parameter x-history-schema names the schema of kedge's history; all
// others are PostgreSQL's.
package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-migrate/migrate/v4/database"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/apply"
	"github.com/kedgedb/kedge/schema/ddl"
)

// Scheme is the scheme of the driver's URLs.
const Scheme = "kedge"

// golang-migrate finds drivers by a registry that their packages fill when they are imported.
func init() { database.Register(Scheme, &Driver{}) } //nolint:gochecknoinits // the registry is golang-migrate's, and this is its contract

// Driver is a database.Driver. Make one with New, or let golang-migrate open one by its URL.
type Driver struct {
	to apply.Connector
	o  apply.Options

	mu      sync.Mutex
	session *apply.Session // holds the lock
	pending *int           // the version that Run is for
	ran     bool
}

var _ database.Driver = (*Driver)(nil)

// lockWait is shorter than golang-migrate's own LockTimeout (15 seconds), after
// which it would leave the driver waiting behind its back.
const lockWait = 10 * time.Second

// New is a driver for a database, for migrate.NewWithInstance and its like.
func New(to apply.Connector, o apply.Options) *Driver {
	if o.RunWait == 0 {
		o.RunWait = lockWait
	}
	if o.Tool == "" {
		o.Tool = "kedge driver of golang-migrate"
	}
	return &Driver{to: to, o: o}
}

// Open reads kedge://user@host/db?x-history-schema=kedge and connects once.
func (*Driver) Open(text string) (database.Driver, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the kedge:// URL does not parse") // the error would hold the password
	}
	var o apply.Options
	query := u.Query()
	for key := range query {
		switch {
		case key == "x-history-schema":
			o.History.Schema = query.Get(key)
		case strings.HasPrefix(key, "x-"):
			return nil, fmt.Errorf("%s is not a parameter of kedge://: there is x-history-schema", key)
		default:
			continue
		}
		query.Del(key)
	}
	u.Scheme, u.RawQuery = "postgres", query.Encode()
	d := New(apply.URL(u.String()), o)
	if _, err := d.history(); err != nil {
		return nil, err
	}
	return d, nil
}

// Close ends the lock, if it is held.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil {
		d.session.Close()
		d.session = nil
	}
	return nil
}

// Lock takes kedge's run lock; database.ErrLocked when another run holds it.
func (d *Driver) Lock() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil {
		return database.ErrLocked
	}
	session, err := apply.Open(context.Background(), d.to, d.o)
	if errors.Is(err, apply.ErrLocked) {
		return fmt.Errorf("%w: %w", database.ErrLocked, err)
	}
	d.session = session
	return err
}

// Unlock gives the lock back. A migration that was announced and not run is forgotten.
func (d *Driver) Unlock() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil {
		return database.ErrNotLocked
	}
	d.session.Close()
	d.session, d.pending, d.ran = nil, nil, false
	return nil
}

// locked does something with the session, or with one of its own where golang-migrate has taken no lock.
func (d *Driver) locked(what func(*apply.Session) error) error {
	if d.session != nil {
		return what(d.session)
	}
	session, err := apply.Open(context.Background(), d.to, d.o)
	if err != nil {
		return err
	}
	defer session.Close()
	return what(session)
}

// Run runs a migration's SQL. After SetVersion it is that version's up script
// or, when the version is below the current one, the current one's down script, and
// goes into history in its transaction. Without, it is run as it is.
func (d *Driver) Run(migration io.Reader) error {
	text, err := io.ReadAll(migration)
	if err != nil {
		return fmt.Errorf("reading the migration: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending == nil {
		return d.execute(string(text))
	}
	if err := ddl.CheckText(string(text)); err != nil {
		return err
	}
	err = d.locked(func(s *apply.Session) error { return run(s, *d.pending, string(text)) })
	d.ran = err == nil
	return err
}

func (d *Driver) execute(text string) error {
	ctx := context.Background()
	conn, err := d.to(ctx)
	if err != nil {
		return err
	}
	_, err = conn.PgConn().Exec(ctx, text).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// run carries one migration out.
func run(s *apply.Session, target int, text string) error {
	h := s.History()
	script := &migrate.Script{Text: text, Size: int64(len(text)), Format: "golang-migrate", Checksum: migrate.Checksum{Text: migrate.TextChecksum([]byte(text))}}
	everything := migrate.Allowances{OutOfOrder: true, Changed: true, Missing: true}
	if v := version(target); target >= 0 && v.Compare(h.Current()) > 0 {
		script.File = fmt.Sprintf("%d.up.sql", target)
		m := &migrate.Migration{Version: v, Kind: migrate.Versioned, Up: script}
		_, err := s.Run(context.Background(), []*migrate.Migration{m}, migrate.Request{To: &v, Allow: everything})
		return err
	}
	record, ok := h.Applied(h.Current().String())
	if !ok {
		return fmt.Errorf("going down to %d: %s is not in the history as a migration of its own", target, h.Current())
	}
	script.File = record.Entry.Version.String() + ".down.sql"
	m := &migrate.Migration{
		Version: record.Entry.Version, Name: record.Entry.Name, Kind: migrate.Versioned, Down: script,
		Up: &migrate.Script{File: record.Entry.File, Checksum: record.Checksum, Text: "--"},
	}
	_, err := s.Run(context.Background(), []*migrate.Migration{m}, migrate.Request{Direction: migrate.Down, Steps: 1, Allow: everything})
	return err
}

func version(n int) migrate.Version {
	v, _ := migrate.ParseVersion(strconv.Itoa(n)) // digits, or -1, which is no version
	return v
}

// SetVersion with dirty announces the migration that Run is about to run: it is
// remembered here and nowhere else, since it will be applied and recorded or
// neither. Without dirty it ends that, or forces the history to the version.
func (d *Driver) SetVersion(version int, dirty bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if dirty {
		d.pending, d.ran = &version, false
		return nil
	}
	done := d.ran
	d.pending, d.ran = nil, false
	if done {
		return nil
	}
	return d.locked(func(s *apply.Session) error { return force(s, version) })
}

// force makes the history say that the database is at a version.
func force(s *apply.Session, target int) error {
	const note = "golang-migrate set the version"
	h, v := s.History(), version(target)
	var entries []migrate.Entry
	for _, i := range h.Interrupted() {
		e := i.Entry
		e.Event, e.Note = migrate.Resolved, "undone: "+note
		if e.Version.Compare(v) <= 0 {
			e.Note = "done: " + note
		}
		entries = append(entries, e)
	}
	for _, r := range h.InOrder() {
		if r.Entry.Kind == migrate.Versioned && r.Entry.Version.Compare(v) > 0 {
			entries = append(entries, migrate.Entry{Event: migrate.Forgotten, Version: r.Entry.Version, Name: r.Entry.Name, Kind: migrate.Versioned, Checksum: r.Checksum, Note: note})
		}
	}
	covered := h.Covers(v)
	if b, ok := h.Baseline(); ok && b.Entry.Version.Compare(v) > 0 {
		covered = false
		entries = append(entries, migrate.Entry{Event: migrate.Forgotten, Version: b.Entry.Version, Kind: migrate.Baseline, Note: note})
	}
	if _, applied := h.Applied(v.String()); target >= 0 && !applied && !covered {
		entries = append(entries, migrate.Entry{Event: migrate.Adopted, Direction: migrate.Up, Version: v, Kind: migrate.Versioned, Note: note})
	}
	return s.Record(context.Background(), entries...)
}

// history is the state of the database.
func (d *Driver) history() (migrate.History, error) {
	if d.session != nil {
		return d.session.History(), nil
	}
	entries, err := apply.History(context.Background(), d.to, d.o)
	return migrate.Fold(entries), err
}

// Version is the current version, database.NilVersion for none. It is dirty from
// SetVersion to the end of that migration, and where a migration that cannot run in a transaction was interrupted.
func (d *Driver) Version() (int, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending != nil {
		return *d.pending, true, nil
	}
	h, err := d.history()
	if err != nil {
		return 0, false, err
	}
	current, dirty := h.Current(), false
	if list := h.Interrupted(); len(list) > 0 {
		current, dirty = list[0].Entry.Version, true
	}
	if current == "" {
		return database.NilVersion, dirty, nil
	}
	n, err := strconv.Atoi(current.String())
	if err != nil {
		return 0, dirty, fmt.Errorf("version %s of the history is no whole number, and golang-migrate knows no others", current)
	}
	return n, dirty, nil
}

// dropSQL drops the tables of the search path's first schema, as golang-migrate's own driver does.
const dropSQL = `DO $kedge$ DECLARE t text; BEGIN
 FOR t IN SELECT format('%I.%I', schemaname, tablename) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() LOOP
  EXECUTE 'DROP TABLE IF EXISTS ' || t || ' CASCADE';
 END LOOP; END $kedge$`

// Drop drops every table of the current schema, and kedge's history.
func (d *Driver) Drop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.execute("BEGIN;\n" + dropSQL + ";\nDROP TABLE IF EXISTS " + d.o.History.String() + ";\nCOMMIT")
}
