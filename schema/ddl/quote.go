package ddl

import "strings"

// QuoteIdent returns name as an SQL identifier, in double quotes when it would otherwise be read as something else:
// when it holds anything but a-z, 0-9 and underscore, starts with a digit, is empty, or is a key word that a
// supported version does not take as a name everywhere. It follows quote_identifier in PostgreSQL's ruleutils.c.
func QuoteIdent(name string) string {
	if plainIdent(name) && KeywordOf(name) == NotKeyword {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// QualifiedName returns schema.name with both parts quoted where needed, or name alone when schema is empty.
func QualifiedName(schema, name string) string {
	if schema == "" {
		return QuoteIdent(name)
	}
	return QuoteIdent(schema) + "." + QuoteIdent(name)
}

// QuoteLiteral returns value as an SQL string constant that means the same whatever standard_conforming_strings is:
// in single quotes, with an E before them and backslashes doubled when value holds a backslash. It follows
// PostgreSQL's quote_literal.
func QuoteLiteral(value string) string {
	quoted := strings.ReplaceAll(value, "'", "''")
	if strings.Contains(value, `\`) {
		return `E'` + strings.ReplaceAll(quoted, `\`, `\\`) + `'`
	}
	return "'" + quoted + "'"
}

func plainIdent(name string) bool {
	if name == "" || (name[0] >= '0' && name[0] <= '9') {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
