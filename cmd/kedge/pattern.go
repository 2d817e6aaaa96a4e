package main

import (
	"fmt"
	"regexp"
	"strings"
)

// patterns reads name patterns as pg_dump and psql take them: * is any text, ?
// any character, letters outside of double quotes are lower case.
// https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-PATTERNS
func patterns(texts []string) ([]*regexp.Regexp, error) {
	var list []*regexp.Regexp
	for _, text := range texts {
		var b strings.Builder
		quoted := false
		for _, r := range text {
			switch {
			case r == '"':
				quoted = !quoted
			case quoted:
				b.WriteString(regexp.QuoteMeta(string(r)))
			case r == '*':
				b.WriteString(".*")
			case r == '?':
				b.WriteByte('.')
			default:
				b.WriteString(regexp.QuoteMeta(strings.ToLower(string(r))))
			}
		}
		if quoted {
			return nil, fmt.Errorf("pattern %s: a quote is not closed", text)
		}
		re, err := regexp.Compile("^(?s:" + b.String() + ")$")
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", text, err)
		}
		list = append(list, re)
	}
	return list, nil
}

func matchAny(list []*regexp.Regexp, name string) bool {
	for _, re := range list {
		if re.MatchString(name) {
			return true
		}
	}
	return false
}
