package source

import (
	"errors"
	"fmt"
	"math/big"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/kedgedb/kedge/migrate"
)

const (
	upTemplate         = "-- What this changes, and why.\n\n"
	downTemplate       = "-- Takes back what the up script did.\n\n"
	repeatableTemplate = "-- Runs again whenever this file changes: write CREATE OR REPLACE.\n\n"
	baselineTemplate   = "-- Everything up to this version, for a database without history.\n\n"
)

// New is the files that make a new migration in a folder: in the format and the
// numbering that the folder uses, after its highest version. It writes nothing.
func New(where Location, format string, d Draft) ([]NewFile, error) {
	fsys, root, shown, err := where.folder()
	if err != nil {
		return nil, err
	}
	folder, err := openFolder(fsys, root, shown)
	if err != nil {
		return nil, fmt.Errorf("listing migrations: %w", err)
	}
	f, err := choose(nil, folder, format)
	if err != nil {
		return nil, err
	}
	files, err := f.New(folder, d)
	if err != nil {
		return nil, fmt.Errorf("naming a new migration: %w", err)
	}
	for _, file := range files {
		if !file.Replaces && slices.Contains(folder.Files, file.Path) {
			return nil, fmt.Errorf("naming a new migration: %s is already there", folder.Shown(file.Path))
		}
	}
	return files, nil
}

// fileName makes words into a part of a file's name: letters and digits of any
// script and dashes stay, everything else becomes an underscore.
func fileName(words string) (string, error) {
	var b strings.Builder
	gap := false
	for _, r := range words {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('_')
			gap = false
		}
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return "", errors.New("a migration needs a name of letters or digits")
	}
	return b.String(), nil
}

const stampLayout = "20060102150405"

// next is the version of a new migration as it is written in a file's name.
// number reads the version as written from a file's name.
func (d Draft) next(f *Folder, number func(base string) (string, bool)) (string, error) {
	highest, text, width := migrate.Version(""), "", 0
	for _, name := range f.Files {
		n, ok := number(path.Base(name))
		if !ok {
			continue
		}
		if v, err := migrate.ParseVersion(n); err == nil && v.Compare(highest) > 0 {
			highest, text = v, n
		}
		if !strings.ContainsAny(n, "._") {
			width = max(width, len(n))
		}
	}
	if d.After.Compare(highest) > 0 {
		padded := strings.HasPrefix(text, "0")
		highest, text = d.After, string(d.After)
		if padded {
			text = strings.Repeat("0", max(0, width-len(text))) + text
		}
	}
	scheme := d.Scheme
	if scheme == FollowFolder {
		scheme = Sequential
		if text == "" || isStamp(text) {
			scheme = Timestamp
		}
	}
	switch scheme {
	case Timestamp:
		return d.stamp(highest), nil
	case Sequential:
		if text == "" {
			return "000001", nil
		}
		return following(text, width), nil
	}
	return "", fmt.Errorf("unknown numbering %q: there are %s and %s", scheme, Timestamp, Sequential)
}

func isStamp(text string) bool {
	_, err := time.Parse(stampLayout, text)
	return err == nil
}

// stamp is the time, or a second after the highest version when that is not in the past.
func (d Draft) stamp(highest migrate.Version) string {
	stamp := d.Now.UTC().Format(stampLayout)
	if migrate.Version(stamp).Compare(highest) > 0 {
		return stamp
	}
	if last, err := time.Parse(stampLayout, string(highest)); err == nil {
		return last.Add(time.Second).Format(stampLayout)
	}
	return following(string(highest), 0)
}

// following is the version after text: its first part plus one, as wide as width.
func following(text string, width int) string {
	first, _, _ := strings.Cut(strings.ReplaceAll(text, "_", "."), ".")
	n, _ := new(big.Int).SetString(first, 10) // ParseVersion took it: digits
	next := n.Add(n, big.NewInt(1)).String()
	if len(next) < width && strings.HasPrefix(first, "0") {
		next = strings.Repeat("0", width-len(next)) + next
	}
	return next
}
