package environments

import (
	"fmt"
	"strings"
)

// ConfigError says what is wrong with the configuration, and where. No secret is in it.
type ConfigError struct {
	File    string // empty when it is in no file
	Line    int    // 1-based; 0 when it is about the whole file
	Key     string // dotted name; empty when it is about none
	Message string
	Hint    string // what to do about it; may be empty
}

// Error is one line: file:line: message (hint).
func (e *ConfigError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line != 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}
