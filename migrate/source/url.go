package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	gomigrate "github.com/golang-migrate/migrate/v4/source"

	"github.com/kedgedb/kedge/migrate"
)

// loadDriver reads a golang-migrate source, which lists its versions and hands
// out a body for each direction. What such a source leaves out of its list
// because of its name cannot be seen here.
func loadDriver(ctx context.Context, where Location, opt Options) (*Set, error) {
	driver, shown := where.Driver, where.Shown
	set := &Set{Format: golangMigrate{}.Name()}
	if driver == nil {
		var err error
		if driver, err = gomigrate.Open(where.URL); err != nil {
			return nil, fmt.Errorf("opening the source %s: %w (this kedge knows %s)", redacted(where.URL), withoutURL(err), strings.Join(schemes(), ", "))
		}
		set.close = driver.Close
		if shown == "" {
			shown = redacted(where.URL)
		}
	}
	l := &loader{options: opt, format: set.Format, folder: &Folder{shown: shown}}
	l.options.Cache = nil // only files can be looked up by their size and time
	r, err := l.list(ctx, driver)
	if err == nil {
		set, err = l.finish(set, r)
	}
	if err != nil {
		if where.Driver == nil {
			_ = driver.Close() // the first error counts
		}
		return nil, err
	}
	return set, nil
}

// list reads every version of a golang-migrate source.
func (l *loader) list(ctx context.Context, driver gomigrate.Driver) (Reading, error) {
	var r Reading
	version, err := driver.First()
	for err == nil {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		l.version(driver, version, &r)
		version, err = driver.Next(version)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("listing the source's versions: %w", err)
	}
	return r, nil
}

// version reads both directions of one version.
func (l *loader) version(driver gomigrate.Driver, version uint, r *Reading) {
	v, err := migrate.ParseVersion(fmt.Sprint(version))
	if err != nil { // digits always parse
		l.problem(Problem{File: fmt.Sprint(version), Rule: RuleName, Message: err.Error()})
		return
	}
	for _, d := range []migrate.Direction{migrate.Up, migrate.Down} {
		read := driver.ReadUp
		if d == migrate.Down {
			read = driver.ReadDown
		}
		body, name, err := read(version)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		file := fmt.Sprintf("%d_%s.%s.sql", version, name, d)
		if err != nil {
			l.problem(Problem{File: l.folder.Shown(file), Rule: RuleRead, Message: "cannot be read: " + reason(err), Err: err})
			continue
		}
		s := &migrate.Script{File: l.folder.Shown(file), Format: l.format}
		open := func() (io.ReadCloser, error) {
			if first := body; first != nil {
				body = nil
				return first, nil
			}
			again, _, err := read(version)
			return again, err
		}
		if !l.body(s, d, open) {
			s = nil
		}
		r.Units = append(r.Units, Unit{Version: v, Name: name, Kind: migrate.Versioned, Direction: d, Path: file})
		l.scripts = append(l.scripts, s)
	}
}

// schemes are the kinds of source URLs that this binary can open.
func schemes() []string {
	list := append(gomigrate.List(), "file")
	slices.Sort(list)
	return slices.Compact(list)
}

// redacted is a URL without the password and the query, which may hold keys.
func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		scheme, _, _ := strings.Cut(text, "://")
		return scheme + "://…"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	u.RawQuery, u.Fragment = "", ""
	return u.String()
}

// withoutURL is an error without the URL that net/url puts into its own.
func withoutURL(err error) error {
	var parse *url.Error
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}
