package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var narrowingCast = Rule{
	Name: "narrowing-cast", Family: Loss, Severity: finding.Error, LosesData: true,
	Check: func(p *Pass) {
		p.Alter(func(n *ddl.AlterTable, c *ddl.Command) {
			if c.Action != ddl.AlterColumnType {
				return
			}
			known := p.Known(n.Name).Column(c.Column)
			if known == nil || !narrows(known.Type, c.Type) {
				return
			}
			p.Report(Found{Span: c.Span, Object: n.Name, Lock: ddl.AccessExclusive, Work: Rewrites,
				Message: fmt.Sprintf("not every value of %s fits %s: the change fails, or values of %s are cut", known.Type.Text, c.Type.Text, ddl.QuoteIdent(c.Column))})
		})
	},
}

// ranks order types of a kind by how much they hold.
var ranks = map[string]int{"int2": 1, "int4": 2, "int8": 3, "numeric": 4, "float4": 11, "float8": 12, "date": 21, "timestamp": 22, "timestamptz": 23, "json": 31, "bpchar": 41, "varchar": 42, "text": 43}

// narrows tells whether some value of from is none of to.
func narrows(from, to ddl.TypeName) bool {
	if from.Array != to.Array {
		return false
	}
	f, t := ranks[from.Name], ranks[to.Name]
	switch {
	case f == 0 || t == 0:
		return false
	case f/10 != t/10:
		return f/10 == 1 && t/10 == 0 || f == 43 && t < 30
	case from.Name == to.Name || f/10 == 4:
		return limit(to, 0) != 0 && (limit(from, 0) == 0 && from.Name != "bpchar" || limit(from, 0) > limit(to, 0)) ||
			to.Name == "numeric" && limit(to, 0) != 0 && limit(from, 1) > limit(to, 1)
	case to.Name == "numeric":
		digits := map[string]int{"int2": 5, "int4": 10, "int8": 19}[from.Name]
		return limit(to, 0) != 0 && limit(to, 0)-limit(to, 1) < digits
	}
	return t < f
}

// limit is the type's modifier at the index, 0 for none.
func limit(t ddl.TypeName, i int) int {
	if i >= len(t.Modifiers) {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(t.Modifiers[i]))
	if err != nil {
		return 0
	}
	return n
}
