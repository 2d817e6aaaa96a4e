package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/finding"
)

// header reads what the pages use of headers.
func header(text string) migrate.Header {
	var h migrate.Header
	if strings.Contains(text, "-- kedge: transaction=off") {
		h.Transaction = migrate.Off
	}
	return h
}

func file(name, text string) File {
	return File{Name: name, Text: text, Header: header(text), Direction: migrate.Up}
}

// places are where a rule found something, each line once.
func places(findings []finding.Finding, rule string) []string {
	var list []string
	for _, f := range findings {
		if place := fmt.Sprintf("%s:%d", f.File, f.Line); f.Rule == rule && !slices.Contains(list, place) {
			list = append(list, place)
		}
	}
	return list
}
