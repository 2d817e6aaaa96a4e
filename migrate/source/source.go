// Package source knows where migrations are kept and how they are named: it
// reads a folder, an fs.FS or a golang-migrate source into one list of
// migrations, checked and with checksums. It does not know what a database has
// of them; see package migrate for that.
package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	gomigrate "github.com/golang-migrate/migrate/v4/source"

	"github.com/kedgedb/kedge/migrate"
)

// Location is where migrations are. One of Path, FS, URL and Driver is set; Path
// may also name the folder inside FS.
type Location struct {
	Path   string           // a folder
	FS     fs.FS            // a file system, embedded for example
	URL    string           // a golang-migrate source URL; file:// is read as a folder
	Driver gomigrate.Driver // an opened golang-migrate source, which the caller closes
	Shown  string           // how file names begin for people; Path when empty
	// Code are migrations written in Go that stand beside the files; see migrate.InCode.
	Code []*migrate.Migration
}

// Locate tells a URL from a folder.
func Locate(text string) Location {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case !ok || strings.ContainsAny(scheme, `/\`):
		return Location{Path: text}
	case scheme == "file":
		return Location{Path: rest}
	}
	return Location{URL: text}
}

// folder is the file system and the folder in it.
func (w Location) folder() (fsys fs.FS, root, shown string, err error) {
	shown = w.Shown
	switch {
	case w.FS != nil:
		root = path.Clean(w.Path)
		if shown == "" && root != "." {
			shown = root
		}
		return w.FS, root, shown, nil
	case w.Path != "":
		if shown == "" {
			shown = filepath.ToSlash(filepath.Clean(w.Path))
		}
		return os.DirFS(w.Path), ".", shown, nil
	}
	return nil, "", "", errors.New("no folder of migrations is given")
}

// Options say how migrations are read. The zero value works.
type Options struct {
	Format       string // the name of a format; "" looks at the files
	Formats      []Format
	Placeholders Placeholders
	Empty        Empty
	Hooks        HookMode
	Depth        Depth
	Cache        *Cache // remembers checksums between runs; nil reads every file
	// Environ looks up an environment variable for formats that put them into
	// their scripts (goose's ENVSUB, tern.conf); nil is os.LookupEnv.
	Environ func(name string) (string, bool)
}

// Empty says what an empty script is.
type Empty string

// The two ways. A script of comments only is deliberate and never empty.
const (
	RefuseEmpty Empty = ""
	AcceptEmpty Empty = "accept"
)

// HookMode says what becomes of callbacks.
type HookMode string

// The two ways.
const (
	RefuseHooks HookMode = ""     // a callback is a problem: nobody would run it
	KeepHooks   HookMode = "keep" // they are in Set.Hooks, and the caller runs them
)

// Depth says how far scripts are read.
type Depth string

// The two ways. Quick reads every byte and checks text, headers and
// placeholders; what a plan runs is cut into statements when it is planned.
// Thorough does that for every script at once.
const (
	Quick    Depth = ""
	Thorough Depth = "thorough"
)

// Set is what a source holds.
type Set struct {
	Migrations []*migrate.Migration // in the order of migrate.Sort
	Hooks      []Hook
	Format     string   // the naming format's name; "golang-migrate" for a URL
	Ignored    []string // files passed over, sorted, relative to the source
	Warnings   Problems // what is worth saying and no error
	Uncached   error    // why Options.Cache could not be used; every file was read

	close func() error
}

// Hook is a script that runs around migrations.
type Hook struct {
	Event  string
	Name   string
	Script *migrate.Script
}

// Close ends the connection of a source that has one. Scripts that are not in
// memory cannot be read afterwards.
func (s *Set) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// Load reads every migration of a source: every body to its end, checked and
// with its checksum. All that is wrong comes back together as Problems.
func Load(ctx context.Context, where Location, opt Options) (*Set, error) {
	set, err := loadFiles(ctx, where, opt)
	if err != nil {
		return nil, err
	}
	return set.withCode(where.Code)
}

// withCode adds migrations that are written in Go.
func (s *Set) withCode(code []*migrate.Migration) (*Set, error) {
	var problems Problems
	there := make(map[string]*migrate.Migration, len(s.Migrations))
	for _, m := range s.Migrations {
		there[m.Key()] = m
	}
	for _, m := range code {
		if m.Up == nil {
			problems = append(problems, Problem{File: m.Key(), Rule: RuleDown, Message: "a migration in Go without an up function"})
			continue
		}
		if first := there[m.Key()]; first != nil {
			problems = append(problems, Problem{File: m.Up.File, Rule: RuleDuplicate, Message: fmt.Sprintf("the up script of %s is also in %s", m.Key(), first.Up.File)})
			continue
		}
		there[m.Key()] = m
		s.Migrations = append(s.Migrations, m)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems.sorted(), s.Close())
	}
	migrate.Sort(s.Migrations)
	return s, nil
}

// loadFiles reads the files of a source.
func loadFiles(ctx context.Context, where Location, opt Options) (*Set, error) {
	if where.Driver != nil || where.URL != "" {
		return loadDriver(ctx, where, opt)
	}
	fsys, root, shown, err := where.folder()
	if err != nil {
		return nil, err
	}
	folder, err := openFolder(fsys, root, shown)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("listing migrations: there is no folder %s: %w", orRoot(shown), fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("listing migrations: %w", err)
	}
	format, err := choose(opt.Formats, folder, opt.Format)
	if err != nil {
		return nil, err
	}
	folder.env, folder.values = opt.Environ, opt.Placeholders.Values
	if folder.env == nil {
		folder.env = os.LookupEnv
	}
	folder.inCode = make(map[migrate.Version]bool, len(where.Code))
	for _, m := range where.Code {
		folder.inCode[m.Version] = true
	}
	reading := read(format, folder)
	if where.FS != nil || opt.Depth == Thorough || opt.Empty == AcceptEmpty {
		opt.Cache = nil
	}
	folder.disk = where.Path
	opt.Cache.open(folder, format.Name())
	l := &loader{options: opt, format: format.Name(), folder: folder, problems: reading.Problems, warnings: reading.Warnings}
	for _, name := range folder.linked {
		l.problems = append(l.problems, Problem{File: folder.Shown(name), Rule: RuleRead, Message: "a symbolic link to a folder is not followed: move the files, or configure its target"})
	}
	if opt.Hooks == RefuseHooks {
		for _, h := range reading.Hooks {
			l.problems = append(l.problems, Problem{File: folder.Shown(h.Path), Rule: RuleHook, Message: "the callback " + h.Event + " would not be run here: move its SQL into a migration, or the file out of the folder"})
		}
		reading.Hooks = nil
	}
	for _, h := range reading.Hooks {
		if !slices.Contains(migrate.HookEvents, h.Event) {
			l.problems = append(l.problems, Problem{File: folder.Shown(h.Path), Rule: RuleHook, Message: "kedge has no event " + h.Event + " to run the callback at: move its SQL into a migration, or the file out of the folder"})
		}
	}
	if err := l.read(ctx, reading.Units, reading.Hooks); err != nil {
		return nil, err
	}
	set := &Set{Format: format.Name(), Ignored: append(append([]string(nil), folder.Ignored...), reading.Ignored...)}
	return l.finish(set, reading)
}

func orRoot(shown string) string {
	if shown == "" {
		return "."
	}
	return shown
}
