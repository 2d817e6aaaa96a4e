package migrate

import (
	"fmt"
	"strings"
)

// Version orders versioned migrations: dotted decimal numbers compared part by
// part as numbers, so 1.10 comes after 1.9 and 000002 equals 2. Its text is
// canonical (no leading zeros, no trailing ".0" parts), which makes it usable
// as a map key. The zero value, "", stands before every version.
type Version string

// ParseVersion reads a version as it stands in a file name or on a command
// line. Parts may be separated by "." or "_".
func ParseVersion(text string) (Version, error) {
	if text == "" {
		return "", fmt.Errorf("an empty version: expected dotted numbers such as 20260101120000 or 1.2.3")
	}
	parts := strings.Split(strings.ReplaceAll(text, "_", "."), ".")
	for i, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return "", fmt.Errorf("version %q: expected dotted numbers such as 20260101120000 or 1.2.3", text)
		}
		if parts[i] = strings.TrimLeft(part, "0"); parts[i] == "" {
			parts[i] = "0"
		}
	}
	for len(parts) > 1 && parts[len(parts)-1] == "0" {
		parts = parts[:len(parts)-1]
	}
	return Version(strings.Join(parts, ".")), nil
}

// Compare is negative, zero or positive as v stands before, at or after w.
func (v Version) Compare(w Version) int {
	a, b := string(v), string(w)
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

// String is the canonical text.
func (v Version) String() string { return string(v) }
