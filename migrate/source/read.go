package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// loader reads the scripts of one source.
type loader struct {
	options Options
	format  string
	folder  *Folder

	scripts []*migrate.Script // by unit; nil where it could not be read
	hooks   []*migrate.Script

	mu       sync.Mutex
	problems Problems
	warnings Problems
}

func (l *loader) problem(p Problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, p)
}

// read reads all scripts, some at a time.
func (l *loader) read(ctx context.Context, units []Unit, hooks []HookFile) error {
	l.scripts = make([]*migrate.Script, len(units))
	l.hooks = make([]*migrate.Script, len(hooks))
	total := len(units) + len(hooks)
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(max(2, runtime.GOMAXPROCS(0)), total) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= total || ctx.Err() != nil {
					return
				}
				if i < len(units) {
					l.scripts[i] = l.script(&units[i], l.options.Cache)
				} else {
					h := hooks[i-len(units)]
					l.hooks[i-len(units)] = l.script(&Unit{Name: h.Name, Direction: migrate.Up, Path: h.Path}, nil) // a hook is run without a plan that would read it
				}
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// script reads the script of a unit, unless the cache knows it; nil after a problem.
func (l *loader) script(u *Unit, cache *Cache) *migrate.Script {
	s := &migrate.Script{File: l.folder.Shown(u.Path), Format: l.format, Header: u.Settings}
	open := l.folder.opener(u)
	if u.Part != nil {
		s.Offset, s.Line = u.Part.Offset, u.Part.Line
	}
	known, now, ok := cache.lookup(l.folder, u)
	if ok && known.into(s) {
		cache.hit(u, known)
		s.Reader = open
		return s
	}
	if !l.body(s, u.Direction, open) || u.Expand != nil && !l.expand(s, u) {
		return nil
	}
	if !strings.Contains(s.Text, "${") && s.Original == nil && s.Values == nil && s.Size <= migrate.InlineLimit {
		cache.remember(u, now, s)
	}
	return s
}

// expand puts a format's own values into a script.
func (l *loader) expand(s *migrate.Script, u *Unit) bool {
	original := s.Text
	if s.Size > migrate.InlineLimit {
		l.problem(Problem{File: s.File, Line: u.line(), Rule: RulePlaceholder, Message: fmt.Sprintf("values are put into scripts of at most %d bytes", migrate.InlineLimit)})
		return false
	}
	text, values, err := u.Expand(original)
	if err != nil {
		p := Problem{File: s.File, Line: u.line(), Rule: RulePlaceholder, Message: err.Error(), Err: err}
		var at *placeError
		if errors.As(err, &at) {
			p.Line, p.Column = s.FileLine(at.line), at.column
		}
		l.problem(p)
		return false
	}
	s.Text, s.Values, s.Reader = text, values, nil
	s.Original = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(original)), nil }
	return l.options.Depth != Thorough || l.lex(s)
}

// opener opens the bytes of a unit.
func (f *Folder) opener(u *Unit) func() (io.ReadCloser, error) {
	if u.Text != nil {
		text := *u.Text
		return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	}
	name, part := f.inFS(u.Path), u.Part
	return func() (io.ReadCloser, error) {
		file, err := f.FS.Open(name)
		if err != nil || part == nil {
			return file, err
		}
		if seeker, ok := file.(io.Seeker); ok {
			_, err = seeker.Seek(part.Offset, io.SeekStart)
		} else {
			_, err = io.CopyN(io.Discard, file, part.Offset)
		}
		if err != nil {
			_ = file.Close() // the first error counts
			return nil, fmt.Errorf("going to byte %d of %s: %w", part.Offset, name, err)
		}
		return &section{Reader: io.LimitReader(file, part.Size), Closer: file}, nil
	}
}

type section struct {
	io.Reader
	io.Closer
}

// body reads a script to its end, checks it and works out its checksum.
func (l *loader) body(s *migrate.Script, d migrate.Direction, open func() (io.ReadCloser, error)) bool {
	r, err := open()
	if err != nil {
		l.problem(Problem{File: s.File, Rule: RuleRead, Message: "cannot be read: " + reason(err), Err: err})
		return false
	}
	defer r.Close()
	text, err := readUpTo(r, migrate.InlineLimit+1)
	switch {
	case err != nil:
		l.problem(Problem{File: s.File, Rule: RuleRead, Message: "cannot be read to its end: " + reason(err), Err: err})
		return false
	case len(text) > migrate.InlineLimit:
		return l.stream(s, d, text, r, open)
	}
	s.Size = int64(len(text))
	s.Checksum.Text = migrate.TextChecksum(text)
	s.Text = string(text)
	if err := ddl.CheckText(s.Text); err != nil {
		l.badText(s, err)
		return false
	}
	if l.empty(s, s.Text) || !l.header(s, d, s.Text) {
		return false
	}
	if l.replaces(s) && strings.Contains(s.Text, "${") && !l.replaceText(s) {
		return false
	}
	return l.options.Depth != Thorough || l.lex(s)
}

// reason is an error without the path that the problem names already.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// readUpTo reads at most limit bytes.
func readUpTo(r io.Reader, limit int) ([]byte, error) {
	size := 512
	if file, ok := r.(fs.File); ok {
		if info, err := file.Stat(); err == nil {
			size = int(min(info.Size()+1, int64(limit)))
		}
	}
	text := make([]byte, 0, max(size, 1))
	for len(text) < limit {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		n, err := r.Read(text[len(text):min(cap(text), limit)])
		text = text[:len(text)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return text, nil
}

// stream checks a script that is too large to keep: head is read already.
func (l *loader) stream(s *migrate.Script, d migrate.Direction, head []byte, rest io.Reader, open func() (io.ReadCloser, error)) bool {
	sum := migrate.NewTextHash()
	check := &textChecker{line: 1, column: 1}
	n, err := io.Copy(io.MultiWriter(sum, check), io.MultiReader(bytes.NewReader(head), rest))
	if err == nil {
		err = check.end()
	}
	var bad *ddl.SyntaxError
	switch {
	case errors.As(err, &bad):
		l.badText(s, bad)
		return false
	case err != nil:
		l.problem(Problem{File: s.File, Rule: RuleRead, Message: "cannot be read to its end: " + reason(err), Err: err})
		return false
	}
	s.Size, s.Checksum.Text = n, sum.Sum()
	s.Reader = verified(s.File, s.Checksum.Text, open)
	if !l.header(s, d, string(head[:len(head)-partialRune(head)])) {
		return false
	}
	if l.replaces(s) && check.placeholder {
		return l.replaceStream(s)
	}
	return l.options.Depth != Thorough || l.lex(s)
}

// verified opens a script anew each time and tells at its end whether it still
// is the one that was checked.
func verified(file, sum string, open func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		return &verifier{ReadCloser: r, file: file, want: sum, hash: migrate.NewTextHash()}, nil
	}
}

type verifier struct {
	io.ReadCloser
	file, want string
	hash       *migrate.TextHash
}

// Vouches tells that reading to the end fails unless the text has this Checksum.Text.
func (v *verifier) Vouches(sum string) bool { return v.want == sum }

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	_, _ = v.hash.Write(p[:n]) // a hash takes everything
	if errors.Is(err, io.EOF) && v.hash.Sum() != v.want {
		return n, fmt.Errorf("%s: the file has changed since it was checked", v.file)
	}
	return n, err
}

// partialRune is how many bytes at the end are the beginning of a character.
func partialRune(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if utf8.RuneStart(text[len(text)-n]) {
			if utf8.FullRune(text[len(text)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}

// textChecker finds bytes that cannot stand in SQL in what is written to it,
// and whether "${" stands anywhere.
type textChecker struct {
	line, column int // of the next character
	offset       int64
	rest         []byte // the beginning of a character
	placeholder  bool
	dollar       bool // the last byte was a $
}

func (c *textChecker) Write(p []byte) (int, error) {
	n := len(p)
	if !c.placeholder {
		c.placeholder = c.dollar && p[0] == '{' || bytes.Contains(p, []byte("${"))
		c.dollar = p[n-1] == '$'
	}
	if len(c.rest) > 0 {
		p = append(c.rest, p...)
	}
	cut := partialRune(p)
	text := string(p[:len(p)-cut])
	c.rest = bytes.Clone(p[len(p)-cut:])
	return n, c.check(text)
}

func (c *textChecker) end() error { return c.check(string(c.rest)) }

func (c *textChecker) check(text string) error {
	if err := ddl.CheckText(text); err != nil {
		var bad *ddl.SyntaxError
		if !errors.As(err, &bad) {
			return err
		}
		at := *bad
		if at.Line == 1 {
			at.Column += c.column - 1
		}
		at.Line += c.line - 1
		at.Offset += c.offset
		return &at
	}
	c.offset += int64(len(text))
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		c.line += strings.Count(text, "\n")
		c.column, text = 1, text[i+1:]
	}
	c.column += utf8.RuneCountInString(text)
	return nil
}

func (l *loader) badText(s *migrate.Script, err error) {
	p := Problem{File: s.File, Rule: RuleText, Message: err.Error(), Err: err}
	var bad *ddl.SyntaxError
	if errors.As(err, &bad) {
		p.Line, p.Column, p.Message = s.FileLine(bad.Line), bad.Column, bad.Message
	}
	l.problem(p)
}

// empty tells whether nothing is written in a script, and says so.
func (l *loader) empty(s *migrate.Script, text string) bool {
	if l.options.Empty == AcceptEmpty || strings.Trim(text, " \t\r\n\f\v;\ufeff") != "" {
		return false
	}
	l.problem(Problem{File: s.File, Rule: RuleEmpty, Message: "the script is empty: write its SQL, or a comment that says why there is none"})
	return true
}

// header reads the script's header into it.
func (l *loader) header(s *migrate.Script, d migrate.Direction, text string) bool {
	if !strings.Contains(text, headerMark) {
		return true
	}
	h, problems := parseHeader(text, d)
	for _, p := range problems {
		l.problem(Problem{File: s.File, Line: s.FileLine(p.line), Column: p.column, Rule: RuleHeader, Message: p.message})
	}
	merge(&s.Header, h)
	return len(problems) == 0
}

// merge puts what a header asks for over a format's own settings.
func merge(settings *migrate.Header, h migrate.Header) {
	if h.Transaction != migrate.Auto {
		settings.Transaction = h.Transaction
	}
	if h.LockTimeout != nil {
		settings.LockTimeout = h.LockTimeout
	}
	if h.StatementTimeout != nil {
		settings.StatementTimeout = h.StatementTimeout
	}
	if len(h.Environments) > 0 {
		settings.Environments = h.Environments
	}
	if h.Placeholders != nil {
		settings.Placeholders, settings.Everywhere = h.Placeholders, h.Everywhere
	}
	settings.Depends = append(settings.Depends, h.Depends...)
	settings.Allow = append(settings.Allow, h.Allow...)
}

// replaces tells whether placeholders are replaced in the script.
func (l *loader) replaces(s *migrate.Script) bool {
	if on := s.Header.Placeholders; on != nil {
		return *on
	}
	return len(l.options.Placeholders.Values) > 0
}

func (l *loader) replacer(s *migrate.Script) *replacer {
	r := &replacer{values: l.options.Placeholders.Values, inside: l.options.Placeholders.Inside}
	if s.Header.Everywhere {
		r.inside = Everywhere
	}
	return r
}

// replaceText puts values into a script that is in memory.
func (l *loader) replaceText(s *migrate.Script) bool {
	original := s.Text
	r := l.replacer(s)
	var b strings.Builder
	if err := r.replaceAll(strings.NewReader(original), &b); err != nil {
		l.badSQL(s, err)
		return false
	}
	if !l.replaced(s, r) {
		return false
	}
	s.Text = b.String()
	s.Original = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(original)), nil }
	return true
}

// replaceStream tries the replacement of a streamed script to its end once, and
// makes the script's reader do it each time.
func (l *loader) replaceStream(s *migrate.Script) bool {
	original := s.Reader
	file, err := original()
	if err != nil {
		l.problem(Problem{File: s.File, Rule: RuleRead, Message: "cannot be read: " + reason(err), Err: err})
		return false
	}
	defer file.Close()
	r := l.replacer(s)
	if err := r.replaceAll(file, io.Discard); err != nil {
		l.badSQL(s, err)
		return false
	}
	if !l.replaced(s, r) {
		return false
	}
	s.Original = original
	s.Reader = func() (io.ReadCloser, error) {
		file, err := original()
		if err != nil {
			return nil, err
		}
		return &replacing{Closer: file, scanner: ddl.NewScanner(file), r: l.replacer(s)}, nil
	}
	return true
}

// replaced takes over what a replacer found.
func (l *loader) replaced(s *migrate.Script, r *replacer) bool {
	for _, e := range r.errs {
		l.problem(Problem{File: s.File, Line: s.FileLine(e.line), Column: e.column, Rule: RulePlaceholder, Message: e.message})
	}
	l.mu.Lock()
	for _, e := range r.kept {
		l.warnings = append(l.warnings, Problem{File: s.File, Line: s.FileLine(e.line), Column: e.column, Rule: RulePlaceholder, Message: e.message})
	}
	l.mu.Unlock()
	s.Values = r.used
	return len(r.errs) == 0
}

// lex reads the script's statements to find quotes without end and psql commands.
func (l *loader) lex(s *migrate.Script) bool {
	r, err := s.Open()
	if err != nil {
		l.problem(Problem{File: s.File, Rule: RuleRead, Message: "cannot be read: " + reason(err), Err: err})
		return false
	}
	defer r.Close()
	scanner := ddl.NewScanner(r)
	for {
		p, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err == nil {
			err = p.Refusal()
		}
		if err != nil {
			l.badSQL(s, err)
			return false
		}
	}
}

func (l *loader) badSQL(s *migrate.Script, err error) {
	p := Problem{File: s.File, Rule: RuleSQL, Message: err.Error(), Err: err}
	var syntax *ddl.SyntaxError
	var meta *ddl.MetaCommandError
	switch {
	case errors.As(err, &syntax):
		p.Line, p.Column, p.Message = s.FileLine(syntax.Line), syntax.Column, syntax.Message
	case errors.As(err, &meta):
		p.Line, p.Column, p.Message = s.FileLine(meta.Line), meta.Column, fmt.Sprintf(`psql command \%s: %s`, meta.Command, meta.Reason)
	}
	l.problem(p)
}

// finish pairs the scripts, sorts everything and tells what is wrong.
func (l *loader) finish(set *Set, r Reading) (*Set, error) {
	set.Migrations = l.pair(r.Units)
	for i, h := range r.Hooks {
		if l.hooks[i] != nil {
			set.Hooks = append(set.Hooks, Hook{Event: h.Event, Name: h.Name, Script: l.hooks[i]})
		}
	}
	slices.Sort(set.Ignored)
	set.Warnings = l.warnings.sorted()
	if len(l.problems) > 0 {
		return nil, l.problems.sorted()
	}
	set.Uncached = l.options.Cache.save()
	return set, nil
}
