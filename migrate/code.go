package migrate

import (
	"fmt"
	"strings"
)

// Code is a migration written in Go, as a program declares it.
type Code struct {
	Version string // as in a file's name
	Name    string
	// Checksum is any text that its author changes when the function does
	// something else. Empty is the version and the name.
	Checksum string
	Up       Function
	Down     Function // the zero value: it cannot be reverted
	Depends  []string // as in a header
}

// InCode makes a migration of functions. A function that takes a pgx.Tx runs in
// the transaction that records it; one that takes a *pgx.Conn runs outside of one.
//
//	migrate.InCode(migrate.Code{Version: "20260301", Name: "fill_totals", Checksum: "1",
//		Up: migrate.Function{Tx: func(ctx context.Context, tx pgx.Tx) error { … }}})
func InCode(c Code) (*Migration, error) {
	version, err := ParseVersion(c.Version)
	if err != nil {
		return nil, err
	}
	if (c.Up.Tx == nil) == (c.Up.Conn == nil) || c.Down.Tx != nil && c.Down.Conn != nil {
		return nil, fmt.Errorf("the migration %s in Go: exactly one of Tx and Conn is set", version)
	}
	script := func(f Function, d Direction) *Script {
		sum := c.Checksum
		if sum == "" {
			sum = c.Version + " " + c.Name
		}
		return &Script{
			File: fmt.Sprintf("%s_%s.%s.go", c.Version, strings.ReplaceAll(c.Name, " ", "_"), d), Format: "go", Run: &f,
			Checksum: Checksum{Text: TextChecksum([]byte(sum + "\n" + string(d)))},
			Header:   Header{Depends: c.Depends},
		}
	}
	m := &Migration{Version: version, Name: c.Name, Kind: Versioned, Up: script(c.Up, Up), Header: Header{Depends: c.Depends}}
	if c.Down.Tx != nil || c.Down.Conn != nil {
		m.Down = script(c.Down, Down)
		m.Down.Header.Depends = nil
	}
	return m, nil
}
