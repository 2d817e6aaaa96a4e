package finding

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// writeText shows each finding with its place, the source line and a caret.
func writeText(w io.Writer, r Report) error {
	paint := r.Paint
	if paint == nil {
		paint = func(_ Severity, text string) string { return text }
	}
	sources := map[string][]string{}
	var b strings.Builder
	for i, f := range r.Findings {
		if i > 0 {
			b.WriteByte('\n')
		}
		place := printable(f.File)
		if f.Line > 0 {
			place += fmt.Sprintf(":%d:%d", f.Line, max(f.Column, 1))
		}
		fmt.Fprintf(&b, "%s: %s %s\n", place, paint(f.Severity, f.Severity.String()), f.Rule)
		b.WriteString(r.excerpt(sources, f))
		for _, line := range strings.Split(printable(f.Message), "\n") {
			b.WriteString("  " + line + "\n")
		}
		if f.Estimate != "" {
			b.WriteString("  " + printable(f.Estimate) + "\n")
		}
		if f.Fix != "" {
			b.WriteString("  instead:\n")
			for _, line := range strings.Split(strings.TrimRight(printable(f.Fix), "\n"), "\n") {
				b.WriteString("    " + line + "\n")
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// excerpt is the finding's source line with a caret under its column.
func (r Report) excerpt(sources map[string][]string, f Finding) string {
	if r.Source == nil || f.Line == 0 {
		return ""
	}
	lines, ok := sources[f.File]
	if !ok {
		if text, found := r.Source(f.File); found {
			lines = strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
		}
		sources[f.File] = lines
	}
	if f.Line > len(lines) {
		return ""
	}
	line := []rune(printable(strings.TrimPrefix(lines[f.Line-1], "\ufeff")))
	column := max(f.Column, 1)
	const width = 120
	start := 0
	if column > width-20 {
		start = column - width/2
	}
	if start > len(line) {
		start = len(line)
	}
	shown := line[start:min(len(line), start+width)]
	var pad strings.Builder
	for i := range min(column-1-start, len(shown)) {
		if shown[i] == '\t' {
			pad.WriteByte('\t')
		} else {
			pad.WriteByte(' ')
		}
	}
	return fmt.Sprintf("%6d | %s\n       | %s^\n", f.Line, string(shown), pad.String())
}

// printable shows what could act on a terminal, or hide in it, as a question mark of one column.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' || unicode.IsPrint(c) {
			return c
		}
		return '\ufffd'
	}, text)
}
