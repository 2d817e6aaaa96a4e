package sqloracle

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	pgquery "github.com/pganalyze/pg_query_go/v6"

	"github.com/kedgedb/kedge/schema/ddl"
)

var corpus = flag.String("corpus", "", "a folder with more .sql files to compare on")

func files(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../../schema/ddl/testdata/*/*.sql", filepath.Join(*corpus, "*.sql"), filepath.Join(*corpus, "*", "*.sql")} {
		if strings.HasPrefix(pattern, "*") {
			continue
		}
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		t.Fatal("no scripts found")
	}
	return all
}

// script reads a file, without the line that extension scripts guard themselves with, which makes psql leave.
func script(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, `\echo Use`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// agree compares two lists of statements, given as what the judge has and what the splitter has. The judge may have
// white space, comments and semicolons around a statement.
func agree(judge, ours []string) error {
	for i := range max(len(judge), len(ours)) {
		switch {
		case i >= len(judge):
			return fmt.Errorf("statement %d is only ours: %q", i+1, ours[i])
		case i >= len(ours):
			return fmt.Errorf("statement %d is only the judge's: %q", i+1, judge[i])
		case !strings.Contains(squeeze(judge[i]), squeeze(ours[i])):
			return fmt.Errorf("statement %d is\n\t%q for the judge and\n\t%q for us", i+1, judge[i], ours[i])
		}
	}
	return nil
}

// squeeze makes every run of white space one blank: psql leaves out empty lines of a statement.
func squeeze(sql string) string { return strings.Join(strings.Fields(sql), " ") }

func split(t *testing.T, src string) ([]string, bool) {
	t.Helper()
	statements, err := ddl.Split(src)
	if err != nil {
		t.Logf("skipped, since kedge refuses it: %v", err)
		return nil, false
	}
	var list []string
	for _, s := range statements {
		list = append(list, s.SQL)
	}
	return list, true
}

// blank reports whether nothing but white space, semicolons and line comments is in the query.
func blank(sql string) bool {
	var rest strings.Builder
	for line := range strings.FieldsFuncSeq(sql, func(r rune) bool { return r == '\n' || r == '\r' }) {
		before, _, _ := strings.Cut(line, "--")
		rest.WriteString(before)
	}
	return strings.Trim(rest.String(), "; \t\f\v\ufeff") == "" || strings.TrimSpace(rest.String()) == "/* nothing */ ;"
}

// psqlErrs are the scripts where psql does not do what the server does, with the reason; kedge sides with the server.
var psqlErrs = map[string]string{
	"escape_continued.sql": "psql reads a line at a time and forgets that the string it continues had an E",
}

func TestSplitAgreesWithPsql(t *testing.T) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("there is no psql on PATH to compare with")
	}
	backend, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Close()
	statements := 0
	for _, path := range files(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if reason := psqlErrs[filepath.Base(path)]; reason != "" {
				t.Skip(reason)
			}
			src := script(t, path)
			ours, ok := split(t, src)
			if !ok {
				return
			}
			copied := filepath.Join(t.TempDir(), "script.sql")
			if err := os.WriteFile(copied, []byte(src), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(psql, "-X", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(backend.Port()), "-U", "nobody", "-d", "nowhere", "-f", copied)
			cmd.Env = append(os.Environ(), "PGCLIENTENCODING=UTF8", "PGSSLMODE=disable", "PGGSSENCMODE=disable", "PGPASSWORD=")
			finished := make(chan error, 1)
			go func() { _, err := cmd.CombinedOutput(); finished <- err }()
			queries, err := backend.Record()
			if err != nil {
				t.Fatal(err)
			}
			if err := <-finished; err != nil {
				t.Logf("psql: %v", err)
			}
			var judge []string
			for _, q := range queries {
				if !blank(q) {
					judge = append(judge, q)
				}
			}
			if err := agree(judge, ours); err != nil {
				t.Error(err)
			}
			statements += len(ours)
		})
	}
	t.Logf("%d statements compared with what psql sends", statements)
}

// TestSplitAgreesWithParser compares with the grammar of PostgreSQL itself, statement by statement of whole files where
// it takes the file, and otherwise piece by piece: what it parses as one statement has to be one.
func TestSplitAgreesWithParser(t *testing.T) {
	whole, single, refused := 0, 0, 0
	for _, path := range files(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src := script(t, path)
			ours, ok := split(t, src)
			if !ok {
				return
			}
			if judge, err := pgquery.SplitWithParser(src, true); err == nil {
				if err := agree(judge, ours); err != nil {
					t.Error(err)
				}
				whole += len(ours)
				return
			}
			for _, sql := range ours {
				tree, err := pgquery.Parse(sql)
				switch {
				case err != nil:
					refused++
				case len(tree.Stmts) != 1:
					t.Errorf("%d statements for the parser, one for us: %q", len(tree.Stmts), sql)
				default:
					single++
				}
			}
		})
	}
	t.Logf("%d statements compared in whole files, %d one by one, %d that this parser does not know", whole, single, refused)
}
