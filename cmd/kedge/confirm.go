package main

import (
	"bufio"
	"fmt"
	"strings"
)

// confirm asks a question on the terminal. Without a terminal the answer is no,
// unless --yes gave it.
func (a *app) confirm(format string, args ...any) (bool, error) {
	if a.flags.yes {
		return true, nil
	}
	if !a.onTerminal(a.in) {
		return false, refusef("%s\nThere is no terminal to ask on: say --yes", fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(a.err, "%s [y/N] ", visible(fmt.Sprintf(format, args...)))
	answer, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil {
		return false, fmt.Errorf("reading the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}
