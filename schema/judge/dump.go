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
//   - the order of columns in CREATE STATISTICS and in the column list of a
//     publication, which is that of the table;
//   - the order of the entries ("-- Name: …; Type: …"), which depends on oids
//     where names do not decide it and on the order of columns for comments and
//     grants on them. SET default_tablespace and SET default_table_access_method,
//     which hold for the entries after them, move into these;
//   - the order of GRANT statements in a row and that of the storage parameters
//     in WITH (…), which both tell only what was said first;
//   - the blank in "FROM ( VALUES", which is there or not after pg_dump's own
//     output was loaded again;
//   - whether a default stands in CREATE TABLE or in an entry of its own, which
//     oids decide where defaults and owned sequences need each other in a ring.
func Normalise(dump string) string {
	var entries []string
	var tablespace, method string
	for _, entry := range splitEntries(dump) {
		// What an entry's text ends with holds for the next one.
		nextTablespace, nextMethod := tablespace, method
		entry = settings.ReplaceAllStringFunc(entry, func(line string) string {
			name, value, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "SET "), ";\n"), " = ")
			if name == "default_tablespace" {
				nextTablespace = value
			} else {
				nextMethod = value
			}
			return ""
		})
		entry = strings.TrimSpace(preamble.ReplaceAllString(entry, ""))
		if hasStorage.MatchString(entry) {
			if tablespace != "" && tablespace != "''" {
				entry += "\n-- in tablespace " + tablespace
			}
			if method != "" && !partitioned.MatchString(entry) && hasMethod.MatchString(entry) {
				entry += "\n-- by method " + method
			}
		}
		tablespace, method = nextTablespace, nextMethod
		if entry != "" {
			entries = append(entries, sortWithin(entry))
		}
	}
	entries = takeDefaultsIn(entries)
	slices.Sort(entries)
	return strings.Join(entries, "\n\n") + "\n"
}

var (
	settings      = regexp.MustCompile(`(?m)^SET default_(?:tablespace|table_access_method) = .*;\n`)
	preamble      = regexp.MustCompile(`(?m)^(?:\\(?:un)?restrict .*|SET \w+ = .*;|SELECT pg_catalog\.set_config\('search_path', '', false\);|--|-- Dumped .*|-- PostgreSQL database dump(?: complete)?)$\n?`)
	hasStorage    = regexp.MustCompile(`(?m)^CREATE (?:UNLOGGED )?(?:TABLE|MATERIALIZED VIEW|INDEX|UNIQUE INDEX) |^    ADD CONSTRAINT `)
	hasMethod     = regexp.MustCompile(`(?m)^CREATE (?:UNLOGGED )?(?:TABLE|MATERIALIZED VIEW) `)
	partitioned   = regexp.MustCompile(`(?m)^PARTITION BY `)
	entryStart    = regexp.MustCompile(`(?m)^--\n-- Name: `)
	createTable   = regexp.MustCompile(`(?s)(CREATE (?:UNLOGGED |FOREIGN )?TABLE [^\n]* \(\n)(.*?)(\n\))`)
	grants        = regexp.MustCompile(`(?m)(?:^GRANT .*;(?:\n|$))+`)
	withOptions   = regexp.MustCompile(`(?m)((?:^| )WITH \()([a-z_.]+='[^()\n]*)(\))`)
	statisticsOn  = regexp.MustCompile(`(?m)(^CREATE STATISTICS .* ON )(.*)( FROM .*;$)`)
	publicationOf = regexp.MustCompile(`(?m)(^ALTER PUBLICATION .* ADD TABLE ONLY \S+ \()([^()\n]*)(\)(?: WHERE .*)?;$)`)
	alterColumn   = regexp.MustCompile(`(?m)^ALTER (?:FOREIGN )?TABLE (?:ONLY )?.* ALTER COLUMN .*;$`)
)

var (
	defaultApart = regexp.MustCompile(`\A-- Name: .*; Type: DEFAULT; .*\n\nALTER (?:FOREIGN )?TABLE ONLY (.+?) ALTER COLUMN (.+?) SET DEFAULT (.+);\z`)
	afterDefault = regexp.MustCompile(`(?:(?: CONSTRAINT (?:"[^"]+"|\S+))? NOT NULL| COLLATE ).*$`)
)

// takeDefaultsIn writes the defaults that have entries of their own where their
// columns are created.
func takeDefaultsIn(entries []string) []string {
	var apart []string
	rest := make([]string, 0, len(entries))
	for _, entry := range entries {
		if defaultApart.MatchString(entry) {
			apart = append(apart, entry)
		} else {
			rest = append(rest, entry)
		}
	}
	for _, entry := range apart {
		m := defaultApart.FindStringSubmatch(entry)
		column := regexp.MustCompile(`(?s)( TABLE ` + regexp.QuoteMeta(m[1]) + ` \(\n(?:    [^\n]*,\n)*?    ` + regexp.QuoteMeta(m[2]) + ` [^\n]*?)(,?\n)`)
		at := slices.IndexFunc(rest, column.MatchString)
		if at < 0 {
			rest = append(rest, entry) // the column of a view or of a parent table
			continue
		}
		found := column.FindStringSubmatchIndex(rest[at])
		line := rest[at][:found[3]]
		start := strings.LastIndexByte(line, '\n')
		follows := afterDefault.FindString(line[start:])
		rest[at] = strings.TrimSuffix(line, follows) + " DEFAULT " + m[3] + follows + rest[at][found[4]:]
	}
	return rest
}

func splitEntries(dump string) []string {
	var entries []string
	at := 0
	for _, m := range entryStart.FindAllStringIndex(dump, -1) {
		entries = append(entries, dump[at:m[0]])
		at = m[0]
	}
	return append(entries, dump[at:])
}

func sortWithin(entry string) string {
	entry = strings.ReplaceAll(entry, "FROM ( VALUES", "FROM (VALUES")
	entry = grants.ReplaceAllStringFunc(entry, func(run string) string {
		lines := strings.SplitAfter(strings.TrimSuffix(run, "\n")+"\n", "\n")
		slices.Sort(lines)
		return strings.Join(lines, "")
	})
	entry = sortMatches(entry, withOptions, ", ")
	entry = sortMatches(entry, statisticsOn, ", ")
	entry = sortMatches(entry, publicationOf, ", ")
	if !createTable.MatchString(entry) {
		return entry
	}
	entry = sortMatches(entry, createTable, ",\n")
	alters := alterColumn.FindAllString(entry, -1)
	slices.Sort(alters)
	next := 0
	return alterColumn.ReplaceAllStringFunc(entry, func(string) string {
		next++
		return alters[next-1]
	})
}

// sortMatches sorts the list in the second group of each match.
func sortMatches(text string, pattern *regexp.Regexp, separator string) string {
	return pattern.ReplaceAllStringFunc(text, func(match string) string {
		m := pattern.FindStringSubmatch(match)
		list := strings.Split(m[2], separator)
		slices.Sort(list)
		return m[1] + strings.Join(list, separator) + m[3]
	})
}

// Difference compares two dumps after Normalise; it is empty when they agree.
func Difference(wanted, have string) string {
	return string(diff.Diff("wanted", []byte(Normalise(wanted)), "have", []byte(Normalise(have))))
}
