package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var updateWithoutWhere = Rule{
	Name: "update-without-where", Family: Loss, Severity: finding.Warning,
	Check: func(p *Pass) {
		n, ok := p.Node.(*ddl.Query)
		if !ok {
			return
		}
		for _, w := range n.Writes {
			if w.Verb == "UPDATE" && (!w.Where || p.everyRow()) && !p.New(w.Table) {
				p.Report(Found{Object: w.Table, Lock: ddl.RowExclusive, Work: Rewrites,
					Message: fmt.Sprintf("every row of %s is changed in one transaction: its rows stay locked, the table grows to twice its size, replicas fall behind", w.Table),
					Fix:     "-- in batches, each committed by itself"})
			}
		}
	},
}

// everyRow tells whether the statement's WHERE, its last clause, plainly holds for every row: TRUE, 1 = 1, NOT FALSE,
// NULL IS NULL.
func (p *Pass) everyRow() bool {
	words := p.words()
	for i, t := range words {
		if !t.Is("WHERE") {
			continue
		}
		var rest []string
		for _, w := range words[i+1:] {
			rest = append(rest, strings.ToUpper(w.Text))
		}
		switch strings.Join(rest, " ") {
		case "TRUE", "( TRUE )", "NOT FALSE", "NULL IS NULL":
			return true
		}
		return len(rest) == 3 && rest[1] == "=" && rest[0] == rest[2] && (words[i+1].Kind == ddl.Number || words[i+1].Kind == ddl.String)
	}
	return false
}
