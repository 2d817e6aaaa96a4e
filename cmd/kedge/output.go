package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kedgedb/kedge/schema/ddl"
)

// paint is a colour of the terminal, by its SGR parameter.
type paint string

const (
	bold   paint = "1"
	dim    paint = "2"
	red    paint = "31"
	green  paint = "32"
	yellow paint = "33"
	cyan   paint = "36"
)

// colored tells whether w gets colours: only a terminal does, and not when the
// person said no (https://no-color.org).
func (a *app) colored(w io.Writer) bool {
	if a.flags.noColor {
		return false
	}
	if v, ok := a.lookup("NO_COLOR"); ok && v != "" {
		return false
	}
	return a.onTerminal(w)
}

func (a *app) paint(w io.Writer, p paint, text string) string {
	if text == "" || !a.colored(w) {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}

// result prints a line of the command's result on standard output.
func (a *app) result(format string, args ...any) {
	fmt.Fprintf(a.out, format+"\n", args...)
}

// say prints a line for the person who watches, unless they asked for quiet.
func (a *app) say(format string, args ...any) {
	if !a.flags.quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

// detail prints a line only when the person asked for more.
func (a *app) detail(format string, args ...any) {
	if a.flags.verbose && !a.flags.quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

// warn prints a warning; quiet does not silence it.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.err, "%s %s\n", a.paint(a.err, yellow, "warning:"), visible(fmt.Sprintf(format, args...)))
}

func (a *app) printError(err error) {
	fmt.Fprintf(a.err, "%s %s\n", a.paint(a.err, red, "error:"), visible(explain(err, a.dir)))
}

// document prints v as the one JSON document of a run.
func (a *app) document(v any) error {
	w := bufio.NewWriter(a.out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing the JSON document: %w", err)
	}
	return w.Flush()
}

// visible is text from elsewhere, safe to show.
func visible(s string) string { return ddl.Visible(s) }

// cell is a table's cell with a colour of its own.
type cell struct {
	text  string
	color paint
}

func plain(text string) cell { return cell{text: text} }

// table prints rows in columns as wide as their widest cell.
func (a *app) table(header []string, rows [][]cell) {
	widths := make([]int, len(header))
	for i, h := range header {
		widths[i] = utf8.RuneCountInString(h)
	}
	for _, row := range rows {
		for i := range row {
			row[i].text = strings.ReplaceAll(visible(row[i].text), "\n", " ")
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	w := bufio.NewWriter(a.out)
	defer func() { _ = w.Flush() }() // a table that cannot be printed has nobody to tell
	line := func(cells []cell) {
		var b strings.Builder
		for i, c := range cells {
			text := c.text
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if c.color != "" {
				text = a.paint(a.out, c.color, text)
			}
			b.WriteString(text)
			if i < len(cells)-1 {
				b.WriteString(pad + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	head := make([]cell, len(header))
	for i, h := range header {
		head[i] = cell{h, dim}
	}
	line(head)
	for _, row := range rows {
		line(row)
	}
}

// brief is a duration for people: 12ms, 3.4s, 2m05s, 3h12m.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// count writes a number with its noun: 1 migration, 3 migrations.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// bytesShown is a size for people, in powers of 1024 as PostgreSQL writes them.
func bytesShown(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	if unit == 0 || size >= 100 {
		return fmt.Sprintf("%.0f %s", size, units[unit])
	}
	return fmt.Sprintf("%.1f %s", size, units[unit])
}
