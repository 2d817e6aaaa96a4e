package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// Folder is a folder of migrations as a format sees it: the files that may be
// migrations, by path, with leftovers taken out.
type Folder struct {
	FS      fs.FS
	Root    string   // the folder in FS
	Files   []string // relative to Root, with slashes, sorted
	Other   []string // files that are not .sql and no leftovers either, sorted
	Ignored []string // leftovers, sorted
	linked  []string // symbolic links to folders, which are not followed
	disk    string   // the folder's path, where it is one of the operating system's
	env     func(string) (string, bool)
	values  map[string]string        // of placeholders
	inCode  map[migrate.Version]bool // written in Go
	marked  map[string]mark          // by file; nil until it is asked for
	shown   string                   // prefix of a file's name for people
}

// peekSize is how much of a file Peek reads, in bytes.
const peekSize = 8 << 10

// Peek is the beginning of a file.
func (f *Folder) Peek(name string) ([]byte, error) {
	file, err := f.FS.Open(f.inFS(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, peekSize)
	n, err := io.ReadFull(file, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], err
}

// ReadFile is the whole content of a file.
func (f *Folder) ReadFile(name string) ([]byte, error) {
	return fs.ReadFile(f.FS, f.inFS(name))
}

// Shown is the name of a file for people: with the folder before it.
func (f *Folder) Shown(name string) string {
	if f.shown == "" || f.shown == "." {
		return name
	}
	return f.shown + "/" + name
}

// inFS is the name of a file in FS.
func (f *Folder) inFS(name string) string {
	if f.Root == "." || f.Root == "" {
		return name
	}
	return f.Root + "/" + name
}

// openFolder lists a folder.
func openFolder(fsys fs.FS, root, shown string) (*Folder, error) {
	f := &Folder{FS: fsys, Root: root, shown: shown}
	err := fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == root {
			if !d.IsDir() {
				return fmt.Errorf("%s is a file, not a folder of migrations", shown)
			}
			return nil
		}
		rel := name
		if root != "." {
			rel = strings.TrimPrefix(name, root+"/")
		}
		return f.add(rel, d)
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(f.Files)
	return f, nil
}

func (f *Folder) add(rel string, d fs.DirEntry) error {
	base := path.Base(rel)
	switch {
	case d.IsDir() && strings.HasPrefix(base, "."):
		f.Ignored = append(f.Ignored, rel)
		return fs.SkipDir
	case d.IsDir():
		return nil
	case leftover(base):
		f.Ignored = append(f.Ignored, rel)
		return nil
	case d.Type()&fs.ModeSymlink != 0:
		if info, err := fs.Stat(f.FS, f.inFS(rel)); err == nil && info.IsDir() {
			f.linked = append(f.linked, rel)
			return nil
		}
	case !d.Type().IsRegular():
		f.Ignored = append(f.Ignored, rel)
		return nil
	}
	if isSQL(base) {
		f.Files = append(f.Files, rel)
	} else {
		f.Other = append(f.Other, rel)
	}
	return nil
}

func isSQL(name string) bool { return len(name) > 4 && strings.EqualFold(name[len(name)-4:], ".sql") }

// leftovers are the endings of files that editors, merges and people leave
// behind, and of notes.
var leftovers = []string{"~", "#", ".bak", ".old", ".orig", ".rej", ".save", ".tmp", ".swp", ".swo", ".md", ".rst", ".adoc"}

// leftover tells whether a file is passed over because of its name alone: a
// hidden file (.gitkeep, .#lock, ._resource), README and LICENSE whatever follows, and the endings above.
func leftover(base string) bool {
	lower := strings.ToLower(base)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(lower, "readme") || strings.HasPrefix(lower, "license") {
		return true
	}
	return slices.ContainsFunc(leftovers, func(end string) bool { return strings.HasSuffix(lower, end) })
}
