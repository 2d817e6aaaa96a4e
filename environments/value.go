package environments

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var variable = regexp.MustCompile(`\$?\$\{([^}]*)\}`)

var variableSyntax = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$`)

// expand replaces ${NAME} by the environment variable of that name and ${NAME:-value} by value when it is not set or
// empty; $${ stands for ${.
func expand(value string, environ map[string]string) (string, error) {
	var failure error
	expanded := variable.ReplaceAllStringFunc(value, func(match string) string {
		if strings.HasPrefix(match, "$$") {
			return match[1:]
		}
		inner := match[2 : len(match)-1]
		m := variableSyntax.FindStringSubmatch(inner)
		if m == nil {
			failure = fmt.Errorf("${%s} names no environment variable", inner)
			return ""
		}
		set, ok := environ[m[1]]
		if strings.Contains(inner, ":-") {
			if set == "" {
				return m[2]
			}
		} else if !ok {
			failure = fmt.Errorf("the environment variable %s is not set", m[1])
		}
		return set
	})
	return expanded, failure
}

// parseDuration reads Go's durations, and PostgreSQL's units min and d besides.
// https://www.postgresql.org/docs/current/config-setting.html
func parseDuration(value string) (time.Duration, error) {
	value = strings.TrimSpace(value)
	if digits, ok := strings.CutSuffix(value, "min"); ok {
		value = digits + "m"
	}
	if digits, ok := strings.CutSuffix(value, "d"); ok {
		days, err := strconv.ParseUint(digits, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("reading a duration: %w", err)
		}
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("reading a duration: %w", err)
	}
	if d < 0 {
		return 0, fmt.Errorf("reading a duration: %q is negative", value)
	}
	return d, nil
}

func parseDate(value string) (time.Time, error) { return time.Parse(time.DateOnly, value) }
