package ddl

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// PieceKind is what a piece of a script is.
type PieceKind uint8

const (
	// StatementPiece is one statement with the white space and comments before it and its semicolon. A COPY … FROM
	// stdin also has the rest of its line.
	StatementPiece PieceKind = iota
	// CopyData is rows that follow a COPY … FROM stdin, or a part of them, up to and with the line \. that ends them.
	CopyData
	// Meta is a psql backslash command with the rest of its line.
	Meta
	// Blank holds no statement: white space, comments, and at most a semicolon.
	Blank
)

// Piece is a part of a script. The Texts of all pieces joined are the script, byte for byte.
type Piece struct {
	Kind         PieceKind
	Text         string
	Offset       int64 // of Text's first byte, from the start of the script
	Line, Column int   // of Text's first character, from 1; columns count characters
	More         bool  // CopyData only: more of the same rows follow

	start       position
	first, last int // where the statement, the rows or the meta-command start and end in Text
	strings     StringSyntax
	copy        bool
}

// Rows returns the rows of a CopyData piece: its text without the line \. that ends them.
func (p Piece) Rows() string {
	if p.Kind != CopyData {
		return ""
	}
	return p.Text[p.first:p.last]
}

// Statement returns the statement of a StatementPiece that a Scanner returned; of any other piece, one without SQL.
func (p Piece) Statement() Statement {
	if p.Kind != StatementPiece {
		return Statement{}
	}
	first := p.start.after(p.Text[:p.first])
	sql := p.Text[p.first:p.last]
	return Statement{
		SQL:     sql,
		Offset:  first.offset,
		Line:    first.line,
		Column:  first.column,
		EndLine: first.after(sql).line,
		Class:   classify(sql, p.strings),
		Copy:    p.copy,
		Strings: p.strings,
	}
}

// Refusal returns a *MetaCommandError for a Meta piece, and nil for any other piece and for \restrict and
// \unrestrict, which pg_dump writes around its output and which have no meaning outside psql.
func (p Piece) Refusal() error {
	if p.Kind != Meta {
		return nil
	}
	if reason := metaRefusal(p.command()); reason != "" {
		at := p.start.after(p.Text[:p.first])
		return &MetaCommandError{Line: at.line, Column: at.column, Offset: at.offset, Command: p.command(), Reason: reason}
	}
	return nil
}

// command returns the name of the meta-command, without its backslash.
func (p Piece) command() string {
	name := p.Text[p.first+1 : p.last]
	if end := strings.IndexAny(name, " \t\r\n\f\v\\"); end >= 0 {
		name = name[:end]
	}
	return name
}

// Scanner cuts a script into pieces where psql would, without holding more of it than one statement or, inside COPY
// data, a few hundred kilobytes.
type Scanner struct {
	r        io.Reader
	window   string // what is read and not yet returned
	complete bool   // nothing follows window
	chunk    []byte
	at       position
	settings stringSettings
	inCopy   bool
	midLine  bool // the last CopyData piece ended inside a line
	read     int  // how much to read at a time, in bytes
	err      error
}

const (
	firstRead = 64 << 10
	// maxRows bounds a CopyData piece, in bytes.
	maxRows = 256 << 10
)

// NewScanner returns a Scanner that reads a script in UTF-8 from r.
func NewScanner(r io.Reader) *Scanner { return &Scanner{r: r, at: startPosition(), read: firstRead} }

func newStringScanner(src string) *Scanner {
	return &Scanner{window: src, complete: true, at: startPosition()}
}

// Next returns the next piece, and io.EOF after the last. A quote or comment without an end gives a *SyntaxError, a
// psql meta-command inside a statement a *MetaCommandError, a failing reader its error. After an error Next returns
// it again.
func (s *Scanner) Next() (Piece, error) {
	if s.err != nil {
		return Piece{}, s.err
	}
	var p Piece
	var err error
	if s.inCopy {
		p, err = s.nextRows()
	} else {
		p, err = s.nextStatement()
	}
	if err != nil {
		s.err = err
		return Piece{}, err
	}
	return p, nil
}

// take cuts the next n bytes off as a piece; its statement, rows or command are the bytes from first to last.
func (s *Scanner) take(kind PieceKind, n, first, last int) Piece {
	p := Piece{
		Kind: kind, Text: s.window[:n], Offset: s.at.offset, Line: s.at.line, Column: s.at.column,
		start: s.at, first: first, last: last, strings: s.settings.current(),
	}
	s.at = s.at.after(p.Text)
	s.window = s.window[n:]
	return p
}

// fill adds input to the window, as much again as it holds, so that looking at a long token several times costs no
// more than a few times its length.
func (s *Scanner) fill() error { return s.fillBy(max(s.read, len(s.window))) }

// fillBy adds this many bytes of input to the window, or as many as there are.
func (s *Scanner) fillBy(size int) error {
	held := len(s.window)
	s.chunk = append(slices.Grow(s.chunk[:0], held+size), s.window...)
	n, err := io.ReadFull(s.r, s.chunk[held:held+size])
	if n > 0 {
		s.window = string(s.chunk[:held+n])
	}
	if cap(s.chunk) > 4*maxRows {
		s.chunk = nil
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		s.complete = true
		return nil
	case err != nil:
		return fmt.Errorf("reading script at line %d: %w", s.at.after(s.window).line, err)
	}
	return nil
}

// token returns the token at pos of the window, with as much input read as it takes to be sure of it.
func (s *Scanner) token(pos int) (lexeme, error) {
	for {
		lx := lex(s.window, pos, s.settings.current())
		if pos == 0 && s.at.offset == 0 && strings.HasPrefix(s.window, byteOrderMark) {
			lx = done(Space, len(byteOrderMark))
		}
		if s.complete || lx.reached < len(s.window) {
			return lx, nil
		}
		if err := s.fill(); err != nil {
			return lexeme{}, err
		}
	}
}

func (s *Scanner) nextStatement() (Piece, error) {
	var st shape
	first, last := -1, 0
	for pos := 0; ; {
		lx, err := s.token(pos)
		if err != nil {
			return Piece{}, err
		}
		if lx.unterminated {
			return Piece{}, s.unterminated(lx.kind, pos)
		}
		switch lx.kind {
		case Space, Comment:
			pos = lx.end
			continue
		case EOF:
			return s.end(first, last)
		case Backslash:
			if first >= 0 {
				return Piece{}, s.metaInside(pos)
			}
			return s.meta(pos)
		case Punct:
			if s.window[pos] == ';' && st.complete() {
				if first < 0 {
					return s.take(Blank, lx.end, lx.end, lx.end), nil
				}
				return s.statement(&st, first, last, lx.end)
			}
		}
		st.add(lx.kind, s.window[pos:lx.end])
		if first < 0 {
			first = pos
		}
		pos, last = lx.end, lx.end
	}
}

func (s *Scanner) end(first, last int) (Piece, error) {
	n := len(s.window)
	switch {
	case n == 0:
		return Piece{}, io.EOF
	case first < 0:
		return s.take(Blank, n, n, n), nil
	}
	return s.take(StatementPiece, n, first, last), nil
}

func (s *Scanner) statement(st *shape, first, last, end int) (Piece, error) {
	if st.copiesFromStdin() {
		rest, err := s.restOfLine(end)
		if err != nil {
			return Piece{}, err
		}
		p := s.take(StatementPiece, rest, first, last)
		p.copy, s.inCopy = true, true
		return p, nil
	}
	p := s.take(StatementPiece, end, first, last)
	if st.mayChangeStrings() {
		s.settings.follow(p.Text[first:last])
	}
	return p, nil
}

// restOfLine returns where the line ends on which a COPY … FROM stdin does; the rows start after it.
func (s *Scanner) restOfLine(pos int) (int, error) {
	for {
		lx, err := s.token(pos)
		if err != nil {
			return 0, err
		}
		switch {
		case lx.kind == EOF:
			return pos, nil
		case lx.kind == Space:
			if nl := strings.IndexByte(s.window[pos:lx.end], '\n'); nl >= 0 {
				return pos + nl + 1, nil
			}
		case lx.kind != Comment, lx.unterminated, strings.IndexByte(s.window[pos:lx.end], '\n') >= 0:
			return 0, s.at.after(s.window[:pos]).syntaxError(
				"COPY … FROM stdin must be the last thing on its line: the rows start on the next one")
		}
		pos = lx.end
	}
}

// nextRows returns rows up to the line \., or as many whole lines as a piece may hold.
func (s *Scanner) nextRows() (Piece, error) {
	if !s.complete && len(s.window) < maxRows {
		if err := s.fillBy(maxRows); err != nil {
			return Piece{}, err
		}
	}
	if start, end := s.endOfRows(); start >= 0 && start < maxRows {
		s.inCopy, s.midLine = false, false
		return s.take(CopyData, end, 0, start), nil
	}
	end := 0
	if len(s.window) >= maxRows {
		end = maxRows + strings.IndexByte(s.window[maxRows-1:], '\n')
	}
	if end < maxRows { // there is no end of a line that far
		end = strings.LastIndexByte(s.window, '\n') + 1
	}
	if end == 0 || s.complete && end < maxRows {
		end = len(s.window)
	}
	if end == 0 {
		return Piece{}, io.EOF
	}
	s.midLine = s.window[end-1] != '\n'
	p := s.take(CopyData, end, 0, end)
	if s.window == "" && !s.complete {
		if err := s.fill(); err != nil {
			return Piece{}, err
		}
	}
	p.More = !s.complete || s.window != ""
	if !p.More {
		s.inCopy = false
	}
	return p, nil
}

// endOfRows returns where in the window the first line \. starts and ends, and -1 when there is none that is whole.
func (s *Scanner) endOfRows() (start, end int) {
	const mark = `\.`
	at := -1
	if !s.midLine && strings.HasPrefix(s.window, mark) {
		at = 0
	}
	for from := 0; ; from = at + len(mark) {
		if at < 0 || from > 0 {
			next := strings.Index(s.window[from:], "\n"+mark)
			if next < 0 {
				return -1, -1
			}
			at = from + next + 1
		}
		line, _, whole := strings.Cut(s.window[at:], "\n")
		if (whole || s.complete) && strings.TrimRight(line, "\r") == mark {
			end = at + len(line)
			if whole {
				end++
			}
			return at, end
		}
	}
}

func (s *Scanner) unterminated(kind Kind, pos int) error {
	message := "this quoted string has no end"
	switch kind {
	case Comment:
		message = "this /* comment has no end"
	case QuotedIdent:
		message = "this quoted identifier has no end"
	case DollarString:
		message = "this dollar-quoted string has no end"
	}
	return s.at.after(s.window[:pos]).syntaxError(message)
}

// meta takes a psql command, from the white space and comments before it to the end of its line.
func (s *Scanner) meta(pos int) (Piece, error) {
	for {
		if nl := strings.IndexByte(s.window[pos:], '\n'); nl >= 0 {
			return s.take(Meta, pos+nl+1, pos, pos+nl+1), nil
		}
		if s.complete {
			return s.take(Meta, len(s.window), pos, len(s.window)), nil
		}
		if err := s.fill(); err != nil {
			return Piece{}, err
		}
	}
}

func (s *Scanner) metaInside(pos int) error {
	at := s.at.after(s.window[:pos])
	p, err := s.meta(pos)
	if err != nil {
		return err
	}
	return &MetaCommandError{Line: at.line, Column: at.column, Offset: at.offset, Command: p.command(),
		Reason: "it stands inside a statement; end the statement with a semicolon and take the command out"}
}
