package judge

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Normalise takes from the output of pg_dump --schema-only what says nothing
// about the schema, and nothing else:
//
//   - \restrict and \unrestrict, whose key is new in each run, the SET lines at
//     the top and the versions of server and pg_dump;
//   - the order of columns within CREATE TABLE and CREATE FOREIGN TABLE, with
//     that of the ALTER COLUMN statements that go with the table: a column can
//     only be added at the end;
//   - the order of the entries ("-- Name: …; Type: …"), which depends on oids
//     where names do not decide it and on the order of columns for comments and
//     grants on them. SET default_tablespace and SET default_table_access_method,
//     which hold for the entries after them, move into these.
func Normalise(dump string) string {
	var entries []string
	var tablespace, method string
	for _, entry := range splitEntries(dump) {
		entry = settings.ReplaceAllStringFunc(entry, func(line string) string {
			name, value, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "SET "), ";\n"), " = ")
			if name == "default_tablespace" {
				tablespace = value
			} else {
				method = value
			}
			return ""
		})
		entry = strings.TrimSpace(preamble.ReplaceAllString(entry, ""))
		if entry == "" {
			continue
		}
		if hasStorage.MatchString(entry) {
			if tablespace != "" && tablespace != "''" {
				entry += "\n-- in tablespace " + tablespace
			}
			if method != "" && !partitioned.MatchString(entry) && hasMethod.MatchString(entry) {
				entry += "\n-- by method " + method
			}
		}
		entries = append(entries, sortColumns(entry))
	}
	slices.Sort(entries)
	return strings.Join(entries, "\n\n") + "\n"
}

var (
	settings    = regexp.MustCompile(`(?m)^SET default_(?:tablespace|table_access_method) = .*;\n`)
	preamble    = regexp.MustCompile(`(?m)^(?:\\(?:un)?restrict .*|SET \w+ = .*;|SELECT pg_catalog\.set_config\('search_path', '', false\);|--|-- Dumped .*|-- PostgreSQL database dump(?: complete)?)$\n?`)
	hasStorage  = regexp.MustCompile(`(?m)^CREATE (?:UNLOGGED )?(?:TABLE|MATERIALIZED VIEW|INDEX|UNIQUE INDEX) |^    ADD CONSTRAINT `)
	hasMethod   = regexp.MustCompile(`(?m)^CREATE (?:UNLOGGED )?(?:TABLE|MATERIALIZED VIEW) `)
	partitioned = regexp.MustCompile(`(?m)^PARTITION BY `)
	entryStart  = regexp.MustCompile(`(?m)^--\n-- Name: `)
	createTable = regexp.MustCompile(`(?s)(CREATE (?:UNLOGGED |FOREIGN )?TABLE [^\n]* \(\n)(.*?)(\n\))`)
	alterColumn = regexp.MustCompile(`(?m)^ALTER (?:FOREIGN )?TABLE (?:ONLY )?.* ALTER COLUMN .*;$`)
)

func splitEntries(dump string) []string {
	var entries []string
	at := 0
	for _, m := range entryStart.FindAllStringIndex(dump, -1) {
		entries = append(entries, dump[at:m[0]])
		at = m[0]
	}
	return append(entries, dump[at:])
}

func sortColumns(entry string) string {
	if !createTable.MatchString(entry) {
		return entry
	}
	entry = createTable.ReplaceAllStringFunc(entry, func(statement string) string {
		m := createTable.FindStringSubmatch(statement)
		lines := strings.Split(m[2], ",\n")
		slices.Sort(lines)
		return m[1] + strings.Join(lines, ",\n") + m[3]
	})
	alters := alterColumn.FindAllString(entry, -1)
	slices.Sort(alters)
	next := 0
	return alterColumn.ReplaceAllStringFunc(entry, func(string) string {
		next++
		return alters[next-1]
	})
}

// Difference compares two dumps after Normalise; it is empty when they agree.
func Difference(wanted, have string) string {
	return string(diff.Diff("wanted", []byte(Normalise(wanted)), "have", []byte(Normalise(have))))
}
