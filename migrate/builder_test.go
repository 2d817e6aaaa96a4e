package migrate

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// script makes a script of a text, as a source would.
func script(file, text string) *Script {
	return &Script{File: file, Size: int64(len(text)), Checksum: Checksum{Text: TextChecksum([]byte(text))}, Format: "golang-migrate", Text: text}
}

// versioned makes a migration with an up and a down script that say its version.
func versioned(version string) *Migration {
	v, err := ParseVersion(version)
	if err != nil {
		panic(err)
	}
	return &Migration{
		Version: v, Name: "m" + version, Kind: Versioned,
		Up:   script(version+"_m.up.sql", "CREATE TABLE t"+strings.ReplaceAll(version, ".", "_")+" ();"),
		Down: script(version+"_m.down.sql", "DROP TABLE t"+strings.ReplaceAll(version, ".", "_")+";"),
	}
}

func repeatable(name string, depends ...string) *Migration {
	return &Migration{Name: name, Kind: Repeatable, Up: script("R__"+name+".sql", "CREATE OR REPLACE VIEW "+name+" AS SELECT 1;"), Header: Header{Depends: depends}}
}

func baselineOf(version string) *Migration {
	m := versioned(version)
	m.Kind, m.Down, m.Up = Baseline, nil, script("B"+version+"__all.sql", "CREATE TABLE everything ();")
	return m
}

// set makes versioned migrations.
func set(versions ...string) []*Migration {
	var list []*Migration
	for _, v := range versions {
		list = append(list, versioned(v))
	}
	return list
}

func withUp(m *Migration, text string) *Migration {
	m.Up = script(m.Up.File, text)
	return m
}

// streamed makes the script one that is not in memory.
func streamed(s *Script) *Script {
	text := s.Text
	s.Text = ""
	s.Reader = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	return s
}

// ledger writes history rows as an apply would.
type ledger struct{ entries []Entry }

var day = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (l *ledger) add(e Entry) *ledger {
	e.ID = int64(len(l.entries) + 1)
	e.At = day.Add(time.Duration(e.ID) * time.Minute)
	l.entries = append(l.entries, e)
	return l
}

func about(m *Migration, event Event, d Direction) Entry {
	e := Entry{Event: event, Direction: d, Version: m.Version, Name: m.Name, Kind: m.Kind, By: "app"}
	s := m.Up
	if d == Down {
		s = m.Down
	}
	if s != nil {
		sum, err := s.Sum()
		if err != nil {
			panic(err)
		}
		e.Checksum, e.File = sum, s.File
	}
	return e
}

func (l *ledger) up(migrations ...*Migration) *ledger {
	for _, m := range migrations {
		l.add(about(m, Applied, Up))
	}
	return l
}

func (l *ledger) down(migrations ...*Migration) *ledger {
	for _, m := range migrations {
		l.add(about(m, Reverted, Down))
	}
	return l
}

// begun writes an interrupted run with done statements, and one in doubt if doubt is not 0.
func (l *ledger) begun(m *Migration, d Direction, done, doubt, of int) *ledger {
	start := about(m, Started, d)
	start.Statements = of
	l.add(start)
	for n := 1; n <= done; n++ {
		for _, event := range []Event{StatementBegun, StatementDone} {
			e := about(m, event, d)
			e.Statement = n
			l.add(e)
		}
	}
	if doubt > 0 {
		e := about(m, StatementBegun, d)
		e.Statement = doubt
		l.add(e)
	}
	return l
}

func (l *ledger) fold() History { return Fold(l.entries) }

// run writes what a plan's run would.
func (l *ledger) run(p *Plan) *ledger {
	for _, s := range p.Steps {
		event := Applied
		if s.Direction == Down {
			event = Reverted
		}
		l.add(about(s.Migration, event, s.Direction))
	}
	return l
}

// names are a plan's steps in short: +1 for up, -1 for down.
func names(p *Plan) string {
	var list []string
	for _, s := range p.Steps {
		sign := "+"
		if s.Direction == Down {
			sign = "-"
		}
		kind := ""
		if s.Migration.Kind == Baseline {
			kind = "B"
		}
		list = append(list, sign+kind+s.Migration.Key())
	}
	return strings.Join(list, " ")
}

// states are statuses in short.
func states(list []Status) string {
	var out []string
	for _, s := range list {
		key := s.Version.String()
		switch s.Kind {
		case Repeatable:
			key = "R__" + s.Name
		case Baseline:
			key = "B" + key
		}
		out = append(out, fmt.Sprintf("%s:%s", key, s.State))
	}
	return strings.Join(out, " ")
}
