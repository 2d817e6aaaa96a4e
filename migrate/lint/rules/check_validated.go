package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var checkValidated = Rule{
	Name: "check-validated", Family: Blocking, Severity: finding.Error,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			con := addedConstraint(c, ddl.Check)
			if con == nil || con.NotValid || con.NotEnforced {
				return
			}
			name := ddl.QuoteIdent(constraintName(n.Name, con))
			f := Found{
				Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Reads,
				Message: fmt.Sprintf("every row of %s is checked while nobody reads or writes it", n.Name),
				Fix:     sql("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s CHECK %[3]s NOT VALID;\n-- in a later migration, or another transaction:\nALTER TABLE %[1]s VALIDATE CONSTRAINT %[2]s;", n.Name, name, parenthesized(con.Expr.Text)),
			}
			if con.Name != "" && c.Action == ddl.AddConstraint && len(n.Commands) == 1 && !p.InBlock {
				f.Edits, f.Alone = p.validateLater(n.Name, name), true
			}
			p.Report(f)
		})
	},
}

func parenthesized(expr string) string {
	if strings.HasPrefix(expr, "(") && strings.HasSuffix(expr, ")") {
		return expr
	}
	return "(" + expr + ")"
}
