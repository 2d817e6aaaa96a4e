package lint

import (
	"slices"
	"strings"

	"github.com/kedgedb/kedge/migrate/lint/rules"
	"github.com/kedgedb/kedge/schema/ddl"
)

// ignore is a comment that silences rules for one statement:
//
//	-- kedge:ignore index-not-concurrent,drop-column the table has ten rows
type ignore struct {
	rules     []string
	reason    string
	line, col int              // of the script, from 1
	statement *rules.Statement // nil when none follows
	used      map[string]bool
}

const ignoreMark = "kedge:ignore"

// ignores finds the comments of a script. One belongs to the statement that it stands in, or that ends on its line
// before it, else to the next.
func ignores(s *rules.Script) []*ignore {
	if !strings.Contains(s.Text, ignoreMark) {
		return nil
	}
	var list []*ignore
	line, start := 1, 0
	for t := range ddl.Tokens(s.Text) {
		if t.Kind == ddl.Comment {
			body := strings.TrimSpace(strings.TrimSuffix(strings.TrimLeft(t.Text, "-/* \t"), "*/"))
			if rest, ok := strings.CutPrefix(body, ignoreMark); ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
				names, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
				ig := &ignore{reason: strings.TrimSpace(reason), line: line, col: len([]rune(s.Text[start:t.Offset])) + 1, used: map[string]bool{}}
				for _, name := range strings.Split(names, ",") {
					if name = strings.TrimSpace(name); name != "" {
						ig.rules = append(ig.rules, name)
					}
				}
				ig.statement = statementAt(s, int64(t.Offset), line)
				list = append(list, ig)
			}
		}
		if n := strings.Count(t.Text, "\n"); n > 0 {
			line += n
			start = t.Offset + strings.LastIndexByte(t.Text, '\n') + 1
		}
	}
	return list
}

func statementAt(s *rules.Script, offset int64, line int) *rules.Statement {
	for i, st := range s.Statements {
		switch {
		case st.Offset > offset:
			if i > 0 && s.Statements[i-1].EndLine == line && s.Statements[i-1].Offset < offset {
				return s.Statements[i-1]
			}
			return st
		case offset < st.Offset+int64(len(st.SQL)):
			return st
		}
	}
	if n := len(s.Statements); n > 0 && s.Statements[n-1].EndLine == line {
		return s.Statements[n-1]
	}
	return nil
}

// silenced tells whether a comment with a reason silences the rule for the statement.
func (s *script) silenced(rule string, st *rules.Statement) bool {
	for _, ig := range s.ignores {
		if ig.statement == st && st != nil && ig.reason != "" && slices.Contains(ig.rules, rule) {
			ig.used[rule] = true
			return true
		}
	}
	return false
}
