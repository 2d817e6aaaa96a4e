package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
)

// Main is the file of a folder that includes all others in loading order.
const Main = "schema.sql"

// File is one file of a snapshot, its path with slashes.
type File struct {
	Path, Text string
}

// Files writes a model as a file an object, in folders by kind, and one that
// includes them for psql. An object that must be completed after others are
// there has a second file, NAME.2.sql.
func Files(m *schema.Model, o Options) ([]File, error) {
	list, err := blocks(m, o)
	if err != nil {
		return nil, err
	}
	var main strings.Builder
	main.WriteString(preamble(list))
	var files []File
	parts := map[string]int{}
	for _, b := range list {
		stem := fileStem(b.of)
		parts[stem]++
		name := stem + ".sql"
		if n := parts[stem]; n > 1 {
			name = fmt.Sprintf("%s.%d.sql", stem, n)
		}
		var text strings.Builder
		b.write(&text)
		files = append(files, File{name, text.String()})
		fmt.Fprintf(&main, "\\ir %s\n", name)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return append(files, File{Main, main.String()}), nil
}

// fileStem is a path for an object that every file system takes: letters that
// some treat alike, reserved characters and long names get a digest.
func fileStem(id schema.ID) string {
	_, name, _ := strings.Cut(id.String(), ":")
	var b strings.Builder
	exact := true
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r - 'A' + 'a')
			exact = false
		default:
			b.WriteByte('-')
			exact = false
		}
	}
	text := strings.Trim(strings.ReplaceAll(b.String(), "..", "--"), ".-")
	if len(text) > 120 {
		text, exact = text[:120], false
	}
	if !exact || text != name || reserved(text) {
		sum := sha256.Sum256([]byte(name))
		text += "-" + hex.EncodeToString(sum[:4])
	}
	return path.Join(folderOf(id.Kind), text)
}

// reserved are the names that Windows keeps for devices.
func reserved(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt"))
}

func folderOf(kind schema.Kind) string {
	name := string(kind)
	switch {
	case strings.HasSuffix(name, "y"):
		return name[:len(name)-1] + "ies"
	case strings.HasSuffix(name, "s"), strings.HasSuffix(name, "x"):
		return name + "es"
	}
	return name + "s"
}

// Write makes dir hold these files. What the main file of an earlier snapshot
// included and the new one does not is removed; anything else stays. Nothing
// outside of dir is touched, whatever links it holds.
func Write(dir string, files []File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	defer root.Close()
	old, err := listed(root.FS())
	if err != nil {
		return fmt.Errorf("looking for stale files of the snapshot: %w", err)
	}
	fresh := map[string]bool{}
	for _, f := range files {
		fresh[f.Path] = true
		if old, err := root.ReadFile(f.Path); err == nil && string(old) == f.Text {
			continue
		}
		if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
			return fmt.Errorf("writing the snapshot: %w", err)
		}
		if err := root.WriteFile(f.Path, []byte(f.Text), 0o644); err != nil {
			return fmt.Errorf("writing the snapshot: %w", err)
		}
	}
	for _, name := range old {
		if fresh[name] {
			continue
		}
		if err := root.Remove(name); err != nil {
			return fmt.Errorf("removing a stale file of the snapshot: %w", err)
		}
	}
	return nil
}

// listed are the files of a folder that a snapshot made: those that its main
// file includes and that are there.
func listed(fsys fs.FS) ([]string, error) {
	text, err := fs.ReadFile(fsys, Main)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), `\ir `)
		if !ok || !fs.ValidPath(name) || path.Ext(name) != ".sql" {
			continue
		}
		if info, err := fs.Stat(fsys, name); err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Kept reads the files of a snapshot folder.
func Kept(dir string) ([]File, error) {
	fsys := os.DirFS(dir)
	names, err := listed(fsys)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	var files []File
	for _, name := range append(names, Main) {
		text, err := fs.ReadFile(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the snapshot: %w", err)
		}
		files = append(files, File{name, string(text)})
	}
	return files, nil
}

// ReadSQL reads an SQL script with the files that it includes by \i and \ir put
// in their place. Included files stand in the script's folder or below.
func ReadSQL(file string) (string, error) {
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return "", err
	}
	defer root.Close()
	var out strings.Builder
	if err := include(root, filepath.Base(file), nil, &out); err != nil {
		return "", err
	}
	return out.String(), nil
}

func include(root *os.Root, name string, above []string, out *strings.Builder) error {
	if slices.Contains(above, name) {
		return fmt.Errorf("%s includes itself", name)
	}
	text, err := root.ReadFile(name)
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), `\i`) {
		out.Write(text)
		return nil
	}
	for line := range strings.Lines(string(text)) {
		command, argument, _ := strings.Cut(strings.TrimSpace(line), " ")
		if command != `\ir` && command != `\i` {
			out.WriteString(line)
			continue
		}
		argument = strings.Trim(strings.TrimSpace(argument), "'")
		if err := include(root, path.Join(path.Dir(filepath.ToSlash(name)), argument), append(above, name), out); err != nil {
			return err
		}
		if s := out.String(); !strings.HasSuffix(s, "\n") {
			out.WriteByte('\n')
		}
	}
	return nil
}
