package catalog

import (
	"unicode/utf8"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/ddl"
)

// NotNull is what a NOT NULL constraint says beyond forbidding nulls, on the
// servers where it is a constraint with a name (18 and newer); nil when it has
// the name that the server gives and nothing else to say.
// https://www.postgresql.org/docs/18/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL
type NotNull struct {
	// Name is empty for the one that the server gives.
	Name      string `json:"name,omitempty"`
	NotValid  bool   `json:"not_valid,omitempty"`
	NoInherit bool   `json:"no_inherit,omitempty"`
}

// notNullColumns are what the columns' query takes of NOT NULL constraints.
func notNullColumns(s Server) (columns, join string) {
	if s.Major < 18 {
		return "NULL, false, false", ""
	}
	return "nn.conname, NOT nn.convalidated, nn.connoinherit",
		" LEFT JOIN pg_constraint nn ON a.attnotnull AND nn.contype = 'n' AND nn.conrelid = a.attrelid AND nn.conkey = ARRAY[a.attnum]"
}

func scanNotNull(r *Row, column schema.ID) *NotNull {
	n := NotNull{Name: r.Text(), NotValid: r.Bool(), NoInherit: r.Bool()}
	if n.Name == defaultNotNullName(column) {
		n.Name = ""
	}
	if n == (NotNull{}) {
		return nil
	}
	return &n
}

// defaultNotNullName is makeObjectName(table, column, "not_null") of the server.
func defaultNotNullName(column schema.ID) string {
	const room = 63 - len("__not_null")
	table, name := len(column.Table), len(column.Name)
	for table+name > room {
		if table > name {
			table--
		} else {
			name--
		}
	}
	cut := func(s string, n int) string {
		for n < len(s) && n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		return s[:n]
	}
	return cut(column.Table, table) + "_" + cut(column.Name, name) + "_not_null"
}

// notNull is never nil.
func (c *Column) notNull() NotNull {
	if c.NotNullConstraint == nil {
		return NotNull{}
	}
	return *c.NotNullConstraint
}

// notNullName is the constraint's name, quoted.
func (c *Column) notNullName() string {
	name := c.notNull().Name
	if name == "" {
		name = defaultNotNullName(c.Ident)
	}
	return ddl.QuoteIdent(name)
}

// forbidNulls is NOT NULL as a column's definition takes it, "" when nulls are
// allowed or the constraint must be added apart.
func (c *Column) forbidNulls(implied bool, x schema.Context) string {
	n := c.notNull()
	if !c.NotNull || n.NotValid || implied && n == (NotNull{}) {
		return ""
	}
	text := " NOT NULL"
	if n.Name != "" && x.Major() >= 18 {
		text = " CONSTRAINT " + ddl.QuoteIdent(n.Name) + text
	}
	if n.NoInherit {
		text += " NO INHERIT"
	}
	return text
}

// addNotNull adds the constraint to a table of rows without looking at them.
func (c *Column) addNotNull() schema.Statement {
	text := "ADD CONSTRAINT " + c.notNullName() + " NOT NULL " + ddl.QuoteIdent(c.Ident.Name)
	if c.notNull().NoInherit {
		text += " NO INHERIT"
	}
	s := c.alter(text + " NOT VALID")
	s.Lock = "AccessExclusiveLock"
	return s
}

func (c *Column) validateNotNull() schema.Statement {
	s := c.alter("VALIDATE CONSTRAINT " + c.notNullName())
	s.Lock = "ShareUpdateExclusiveLock"
	return s
}

// alterNotNull changes the constraint of a column that is NOT NULL before and after.
func (c *Column) alterNotNull(to *Column, x schema.Context) []schema.Statement {
	if x.Major() < 18 || to.follows(x) {
		return nil
	}
	a, b := c.notNull(), to.notNull()
	if !a.NotValid && b.NotValid {
		return []schema.Statement{c.alter("DROP CONSTRAINT " + c.notNullName()), to.addNotNull()}
	}
	var out []schema.Statement
	if a.Name != b.Name {
		out = append(out, c.alter("RENAME CONSTRAINT "+c.notNullName()+" TO "+to.notNullName()))
	}
	if a.NoInherit != b.NoInherit {
		action := " INHERIT"
		if b.NoInherit {
			action = " NO INHERIT"
		}
		out = append(out, c.alter("ALTER CONSTRAINT "+to.notNullName()+action))
	}
	if a.NotValid && !b.NotValid {
		out = append(out, to.validateNotNull())
	}
	return out
}
