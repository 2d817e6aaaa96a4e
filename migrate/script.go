package migrate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/kedgedb/kedge/schema/ddl"
)

// Sum is the script's checksum with both parts, its tokens read where SQL was
// not worked out yet; the answer is kept. It is not safe for concurrent use of one Script.
func (s *Script) Sum() (Checksum, error) {
	if s.Checksum.SQL != "" || s.Run != nil {
		return s.Checksum, nil
	}
	open := s.Original
	if open == nil {
		open = s.Open
	}
	r, err := open()
	if err != nil {
		return Checksum{}, fmt.Errorf("opening %s: %w", s.File, err)
	}
	defer r.Close()
	sum, err := SQLChecksum(r)
	if err != nil {
		return Checksum{}, s.locate(err)
	}
	s.Checksum.SQL = sum
	return s.Checksum, nil
}

// differs tells whether the script's SQL is not the one with this checksum.
func (s *Script) differs(c Checksum) (bool, error) {
	if c.Text == "" || c.Text == s.Checksum.Text {
		return false, nil
	}
	if c.SQL == "" {
		return true, nil
	}
	sum, err := s.Sum()
	return sum.SQL != c.SQL, err
}

// TextChecksum is the Text part of a script's Checksum.
func TextChecksum(text []byte) string {
	h := NewTextHash()
	_, _ = h.Write(text) // a hash takes everything
	return h.Sum()
}

// TextHash works out Checksum.Text of what is written to it: a byte order mark
// at the start is left out, CR LF and a lone CR count as LF.
type TextHash struct {
	hash    hash.Hash
	head    []byte // the first bytes, while they may be a byte order mark
	started bool
	cr      bool // the last byte was a CR, written as LF
}

// NewTextHash returns a TextHash of nothing.
func NewTextHash() *TextHash { return &TextHash{hash: sha256.New()} }

var byteOrderMark = []byte("\ufeff")

// Write adds to the text. It never fails.
func (h *TextHash) Write(p []byte) (int, error) {
	n := len(p)
	if !h.started {
		h.head = append(h.head, p...)
		if len(h.head) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, h.head) {
			return n, nil
		}
		h.started = true
		p = bytes.TrimPrefix(h.head, byteOrderMark)
		h.head = nil
	}
	h.write(p)
	return n, nil
}

var lineFeed = []byte{'\n'}

func (h *TextHash) write(p []byte) {
	for len(p) > 0 {
		if h.cr && p[0] == '\n' {
			p = p[1:]
		}
		h.cr = false
		i := bytes.IndexByte(p, '\r')
		if i < 0 {
			_, _ = h.hash.Write(p)
			return
		}
		_, _ = h.hash.Write(p[:i])
		_, _ = h.hash.Write(lineFeed)
		h.cr, p = true, p[i+1:]
	}
}

// Sum is the checksum of what was written, in hexadecimal.
func (h *TextHash) Sum() string {
	if !h.started {
		h.started = true
		h.write(h.head)
	}
	return hex.EncodeToString(h.hash.Sum(nil))
}

// SQLChecksum is the SQL part of a script's Checksum, read as a stream: over the
// fingerprint of every statement, and over the rows of COPY … FROM stdin, in which every byte counts.
func SQLChecksum(r io.Reader) (string, error) {
	sum := newSQLHash()
	scanner := ddl.NewScanner(r)
	for {
		p, err := scanner.Next()
		switch {
		case errors.Is(err, io.EOF):
			return sum.text(), nil
		case err != nil:
			return "", err
		}
		sum.add(p, p.Statement().SQL)
	}
}

// sqlHash works out Checksum.SQL of the pieces of a script.
type sqlHash struct{ hash hash.Hash }

func newSQLHash() *sqlHash { return &sqlHash{sha256.New()} }

func (h *sqlHash) text() string { return hex.EncodeToString(h.hash.Sum(nil)) }

// add takes the next piece; sql is its statement, if it has one.
func (h *sqlHash) add(p ddl.Piece, sql string) {
	switch p.Kind {
	case ddl.StatementPiece:
		_, _ = io.WriteString(h.hash, ddl.Fingerprint(sql)+";")
	case ddl.CopyData:
		_, _ = io.WriteString(h.hash, p.Rows())
		if !p.More {
			_, _ = io.WriteString(h.hash, ";")
		}
	}
}

// ScriptError is a place in a script that cannot be run, found by reading it.
type ScriptError struct {
	File         string
	Line, Column int // of File, from 1; 0 when there is no such place
	Err          error
}

func (e *ScriptError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Column, e.Err)
}

// Unwrap is what is wrong there.
func (e *ScriptError) Unwrap() error { return e.Err }

// locate puts the script's file and the line in that file to an error of ddl.
func (s *Script) locate(err error) error {
	located := &ScriptError{File: s.File, Err: err}
	var syntax *ddl.SyntaxError
	var meta *ddl.MetaCommandError
	switch {
	case errors.As(err, &syntax):
		located.Line, located.Column, located.Err = s.FileLine(syntax.Line), syntax.Column, errors.New(syntax.Message)
	case errors.As(err, &meta):
		located.Line, located.Column = s.FileLine(meta.Line), meta.Column
		located.Err = fmt.Errorf(`psql command \%s: %s`, meta.Command, meta.Reason)
	}
	return located
}

// load takes a small script into memory that a source left on disk, and makes
// sure that it is still the one with the checksum.
func (s *Script) load() error {
	if s.Text != "" || s.Reader == nil || s.Size > InlineLimit {
		return nil
	}
	r, err := s.Reader()
	if err != nil {
		return fmt.Errorf("opening %s: %w", s.File, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, InlineLimit+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", s.File, err)
	}
	if TextChecksum(text) != s.Checksum.Text {
		return &ScriptError{File: s.File, Err: errors.New("the file has changed while it was being read")}
	}
	s.Text = string(text)
	return nil
}

// FileLine is the line of File for a line of the script itself, both from 1.
func (s *Script) FileLine(line int) int { return line + max(s.Line, 1) - 1 }

// read looks at the step's statements: how many there are, whether they can run
// in one transaction, and the script's Checksum.SQL, which history is to keep.
func (s *Step) read() error {
	script := s.Script
	if script == nil {
		return &Refusal{Rule: ErrMissing, Items: []RefusedItem{{Key: s.Migration.Key(), File: s.Migration.file(), Detail: "it has no " + string(s.Direction) + " script"}}}
	}
	if script.Run != nil {
		s.Transactional = script.Run.Conn == nil
		if !s.Transactional {
			s.Reason = "a Go function that takes a connection"
		}
		return nil
	}
	if err := script.load(); err != nil {
		return err
	}
	shape, err := script.shape()
	if err != nil {
		return err
	}
	return s.decide(shape)
}

// shape reads the script's statements and its Checksum.SQL, once: a run plans
// before and after it has the lock. Of a script that is not in memory the
// checksum vouches for it that what is run is what was read here.
func (s *Script) shape() (shape, error) {
	if s.read != nil && s.readText == s.Text && (s.Text != "" || s.Checksum.Text != "") {
		return *s.read, nil
	}
	r, err := s.Open()
	if err != nil {
		return shape{}, fmt.Errorf("opening %s: %w", s.File, err)
	}
	defer r.Close()
	shape, err := survey(r, s.Text != "")
	if err != nil {
		return shape, s.locate(err)
	}
	if s.Original == nil && s.Checksum.SQL == "" {
		s.Checksum.SQL = shape.sum
	}
	if _, err := s.Sum(); err != nil {
		return shape, err
	}
	s.read, s.readText = &shape, s.Text
	return shape, nil
}

// shape is what a script's statements tell of transactions. telling are the
// first, the last, and those that control a transaction or cannot be part of
// one: all that ddl.Enclosure looks at.
type shape struct {
	statements []ddl.Statement // all of them, when they are kept
	telling    []ddl.Statement
	count      int
	sum        string // Checksum.SQL of what was read
}

func survey(r io.Reader, keep bool) (shape, error) {
	var s shape
	var last ddl.Statement
	sum := newSQLHash()
	scanner := ddl.NewScanner(r)
	for {
		p, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.Refusal()
		}
		if err != nil {
			return s, err
		}
		st := p.Statement()
		sum.add(p, st.SQL)
		if p.Kind != ddl.StatementPiece {
			continue
		}
		last = st
		s.count++
		if keep {
			s.statements = append(s.statements, last)
		}
		if s.count == 1 || last.Class.Transaction == ddl.Outside || last.Class.Transaction == ddl.Control {
			s.telling = append(s.telling, last)
		}
	}
	if n := len(s.telling); n > 0 && s.telling[n-1].Offset != last.Offset {
		s.telling = append(s.telling, last)
	}
	s.sum = sum.text()
	return s, nil
}

// decide works out whether a script runs in a transaction, from its header and its statements.
func (s *Step) decide(sh shape) error {
	_, s.Enclosed = ddl.Enclosure(sh.telling)
	s.Statements, s.Count = sh.statements, sh.count
	if s.Enclosed {
		s.Count -= 2
		if s.Statements != nil {
			s.Statements = s.Statements[1 : len(s.Statements)-1]
		}
	}
	reason := s.obstacle(sh)
	switch s.Script.Header.Transaction {
	case Off:
		s.Transactional, s.Reason = false, "transaction=off in its header"
		if s.Enclosed { // its own pair is then the only transaction there is
			s.Enclosed, s.Statements, s.Count = false, sh.statements, sh.count
		}
	case On:
		if reason != "" {
			return &Refusal{Rule: ErrTransaction, Items: []RefusedItem{{Key: s.Migration.Key(), File: s.Script.File, Detail: reason}}, Advice: "its header says transaction=on: take that out, or move the statement to a migration of its own"}
		}
		s.Transactional = true
	default:
		s.Transactional, s.Reason = reason == "", reason
	}
	return nil
}

// obstacle is the first thing that keeps the script from running in one transaction.
func (s *Step) obstacle(sh shape) string {
	if s.Enclosed {
		return ""
	}
	for _, want := range []ddl.TransactionUse{ddl.Outside, ddl.Control} {
		for _, st := range sh.telling {
			if st.Class.Transaction != want {
				continue
			}
			verb := st.Class.Verb
			if st.Class.Concurrently {
				verb += " CONCURRENTLY"
			}
			return fmt.Sprintf("%s on line %d", verb, s.Script.FileLine(st.Line))
		}
	}
	return ""
}
