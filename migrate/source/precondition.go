package source

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema/ddl"
)

// preconditions are what has to hold before a changeset of Liquibase runs.
type preconditions struct {
	onFail string // HALT, MARK_RAN or WARN
	checks []string
}

var (
	expectedResult = regexp.MustCompile(`(?i)^expectedResult:(?:"([^"]*)"|'([^']*)'|(\S+))\s+(?:sql:)?(?:"(.*)"|'(.*)'|(.*))$`)
	onFailValue    = regexp.MustCompile(`(?i)\bonFail:(\w+)`)
	tableValue     = regexp.MustCompile(`(?i)\b(?:table|view):"?([^\s"]+)"?`)
	schemaValue    = regexp.MustCompile(`(?i)\bschema:"?([^\s"]+)"?`)
)

// read reads a line --preconditions … or --precondition-… . Its checks become
// conditions in SQL.
func (p *preconditions) read(c *changeset, n int, word, rest string) {
	switch word {
	case "preconditions":
		if m := onFailValue.FindStringSubmatch(rest); m != nil {
			p.onFail = strings.ToUpper(m[1])
		}
		if p.onFail != "" && p.onFail != "HALT" && p.onFail != "MARK_RAN" && p.onFail != "WARN" {
			c.fail(n, "onFail:%s is not possible: kedge knows HALT, MARK_RAN and WARN", p.onFail)
		}
	case "precondition-sql-check":
		m := expectedResult.FindStringSubmatch(rest)
		if m == nil {
			c.fail(n, "expected --precondition-sql-check expectedResult:VALUE SELECT …")
			return
		}
		query := strings.TrimRight(strings.TrimSpace(m[4]+m[5]+m[6]), "; ")
		p.checks = append(p.checks, "("+query+")::text IS NOT DISTINCT FROM "+ddl.QuoteLiteral(m[1]+m[2]+m[3]))
	case "precondition-table-exists", "precondition-view-exists":
		m := tableValue.FindStringSubmatch(rest)
		if m == nil {
			c.fail(n, "expected --%s table:NAME", word)
			return
		}
		name := ddl.QuoteIdent(m[1])
		if s := schemaValue.FindStringSubmatch(rest); s != nil {
			name = ddl.QualifiedName(s[1], m[1])
		}
		p.checks = append(p.checks, "to_regclass("+ddl.QuoteLiteral(name)+") IS NOT NULL")
	default:
		c.fail(n, "the precondition %s is not SQL: kedge knows sql-check, table-exists and view-exists", strings.TrimPrefix(word, "precondition-"))
	}
}

// guard puts the checks before a script, or around it. Lines stay where they are
// but for those of a script that is only to be marked as run.
func (p *preconditions) guard(c *changeset, script string) (string, bool) {
	if len(p.checks) == 0 || p.onFail == "WARN" {
		return "", false
	}
	condition := strings.Join(p.checks, " AND ")
	if p.onFail != "MARK_RAN" {
		return do(fmt.Sprintf("BEGIN IF NOT (%s) THEN RAISE EXCEPTION USING MESSAGE = %s; END IF; END", condition, ddl.QuoteLiteral("a precondition of "+c.unit.Name+" does not hold"))) + "; " + script, true
	}
	statements, err := ddl.Split(script)
	if err != nil {
		c.fail(c.from, "under onFail:MARK_RAN: %v", err)
		return "", false
	}
	var b strings.Builder
	fmt.Fprintf(&b, "BEGIN IF (%s) THEN ", condition)
	for _, s := range statements {
		if s.Copy || s.Class.Transaction != ddl.InTransaction || c.unit.Settings.Transaction == migrate.Off {
			c.fail(c.from, "onFail:MARK_RAN is not possible with %s", s.Class.Verb)
			return "", false
		}
		b.WriteString("EXECUTE " + ddl.QuoteLiteral(s.SQL) + "; ")
	}
	b.WriteString("END IF; END")
	return do(b.String()), true
}

// do is an anonymous block with this body.
func do(body string) string {
	tag := "$kedge$"
	for strings.Contains(body, tag) {
		tag = strings.Replace(tag, "kedge", "kedge_", 1)
	}
	return "DO " + tag + body + tag
}
