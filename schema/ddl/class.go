package ddl

import "strings"

// TransactionUse says how a statement stands to transactions.
type TransactionUse uint8

const (
	// InTransaction statements may run in a transaction; so is everything that is not known not to.
	InTransaction TransactionUse = iota
	// Outside statements are refused by the server inside a transaction block (SQLSTATE 25001).
	Outside
	// Control statements start, end or divide a transaction.
	Control
	// Maybe statements run in a transaction or not by what they find: DO and CALL may commit, REINDEX and CLUSTER
	// refuse a transaction when their target is partitioned.
	Maybe
)

func (u TransactionUse) String() string {
	return [...]string{"in transaction", "outside", "control", "maybe"}[u]
}

// Class is what the first words of a statement tell about it.
type Class struct {
	// Verb is the kind of statement in upper case: "CREATE INDEX", "ALTER TABLE", "SELECT". It is empty for text that
	// starts no statement PostgreSQL 13 to 18 knows.
	Verb        string
	Transaction TransactionUse
	// Object is the target's name as written, when the verb has one; for CREATE INDEX the index.
	Object string
	// On is the table of an index, trigger, policy or rule, as written.
	On           string
	Concurrently bool
	IfNotExists  bool
	IfExists     bool
	// SetsParsing marks a statement that changes how the text after it is read, which therefore has to reach the server
	// in a later message.
	SetsParsing bool
}

// Classify reads the first words of one statement. It takes any text and refuses none.
func Classify(sql string) Class { return classify(sql, StandardStrings) }

func classify(sql string, syntax StringSyntax) Class {
	c := newCursor(sql, syntax)
	var class Class
	for c.peek().IsPunct('(') {
		c.next()
	}
	head := c.next()
	if head.Kind != Word {
		return class
	}
	for i := range verbRules {
		if rule := &verbRules[i]; head.Is(rule.word) {
			class.Verb = rule.word
			if rule.read != nil {
				rule.read(c, &class)
			}
			return class
		}
	}
	return class
}

// verbRules are the words that a statement can start with (gram.y, rule stmt), with what to read after them.
var verbRules = []struct {
	word string
	read func(*cursor, *Class)
}{
	{"ABORT", classifyRollback},
	{"ALTER", classifyAlter},
	{"ANALYSE", nil},
	{"ANALYZE", nil},
	{"BEGIN", classifyControl},
	{"CALL", classifyCall},
	{"CHECKPOINT", nil},
	{"CLOSE", nil},
	{"CLUSTER", classifyCluster},
	{"COMMENT", nil},
	{"COMMIT", classifyCommit},
	{"COPY", classifyTarget},
	{"CREATE", classifyCreate},
	{"DEALLOCATE", nil},
	{"DECLARE", nil},
	{"DELETE", classifyDML},
	{"DISCARD", classifyDiscard},
	{"DO", func(_ *cursor, k *Class) { k.Transaction = Maybe }},
	{"DROP", classifyDrop},
	{"END", classifyControl},
	{"EXECUTE", nil},
	{"EXPLAIN", nil},
	{"FETCH", nil},
	{"GRANT", nil},
	{"IMPORT", classifyImport},
	{"INSERT", classifyDML},
	{"LISTEN", nil},
	{"LOAD", nil},
	{"LOCK", classifyTarget},
	{"MERGE", classifyDML},
	{"MOVE", nil},
	{"NOTIFY", nil},
	{"PREPARE", classifyPrepare},
	{"REASSIGN", classifyReassign},
	{"REFRESH", classifyRefresh},
	{"REINDEX", classifyReindex},
	{"RELEASE", classifyControl},
	{"RESET", classifySet},
	{"REVOKE", nil},
	{"ROLLBACK", classifyRollback},
	{"SAVEPOINT", classifyControl},
	{"SECURITY", classifySecurity},
	{"SELECT", classifySelect},
	{"SET", classifySet},
	{"SHOW", nil},
	{"START", classifyStart},
	{"TABLE", nil},
	{"TRUNCATE", classifyTarget},
	{"UNLISTEN", nil},
	{"UPDATE", classifyDML},
	{"VACUUM", func(_ *cursor, k *Class) { k.Transaction = Outside }},
	{"VALUES", nil},
	{"WITH", classifyWith},
}

func classifyControl(_ *cursor, k *Class) { k.Transaction = Control }

func classifyCall(c *cursor, k *Class) {
	k.Transaction = Maybe
	k.Object = c.name()
}

func classifyStart(c *cursor, k *Class) {
	if c.skip("TRANSACTION") {
		k.Verb, k.Transaction = "START TRANSACTION", Control
	}
}

func classifyCommit(c *cursor, k *Class) {
	k.Transaction = Control
	if c.skip("PREPARED") {
		k.Verb, k.Transaction = "COMMIT PREPARED", Outside
	}
}

func classifyRollback(c *cursor, k *Class) {
	k.Transaction = Control
	if k.Verb == "ROLLBACK" && c.skip("PREPARED") {
		k.Verb, k.Transaction = "ROLLBACK PREPARED", Outside
		return
	}
	_ = c.skip("WORK") || c.skip("TRANSACTION")
	if k.Verb == "ROLLBACK" && c.skip("TO") {
		k.Verb = "ROLLBACK TO"
	}
}

func classifyPrepare(c *cursor, k *Class) {
	if c.skip("TRANSACTION") && c.peek().Kind == String {
		k.Verb, k.Transaction = "PREPARE TRANSACTION", Control
	}
}

func classifyDiscard(c *cursor, k *Class) {
	if c.skip("ALL") {
		k.Transaction, k.SetsParsing = Outside, true
	}
}

func classifyImport(c *cursor, k *Class) {
	if c.skip("FOREIGN", "SCHEMA") {
		k.Verb, k.Object = "IMPORT FOREIGN SCHEMA", c.name()
	}
}

func classifyReassign(c *cursor, k *Class) {
	if c.skip("OWNED") {
		k.Verb = "REASSIGN OWNED"
	}
}

func classifySecurity(c *cursor, k *Class) {
	if c.skip("LABEL") {
		k.Verb = "SECURITY LABEL"
	}
}

func classifyRefresh(c *cursor, k *Class) {
	if c.skip("MATERIALIZED", "VIEW") {
		k.Verb = "REFRESH MATERIALIZED VIEW"
		k.Concurrently = c.skip("CONCURRENTLY")
		k.Object = c.name()
	}
}

func classifyCluster(c *cursor, k *Class) {
	c.skip("VERBOSE")
	c.skipParens()
	if k.Object = c.name(); k.Object == "" {
		k.Transaction = Outside
		return
	}
	k.Transaction = Maybe
}

func classifyReindex(c *cursor, k *Class) {
	k.Concurrently = c.optionIsOn("CONCURRENTLY")
	kind := strings.ToUpper(c.next().Text)
	k.Concurrently = c.skip("CONCURRENTLY") || k.Concurrently
	k.Object = c.name()
	switch kind {
	case "SCHEMA", "DATABASE", "SYSTEM":
		k.Transaction = Outside
	default:
		k.Transaction = Maybe
	}
	k.Verb = "REINDEX " + kind
	if k.Concurrently {
		k.Transaction = Outside
	}
}

func classifySet(c *cursor, k *Class) {
	if k.Verb == "SET" {
		switch {
		case c.skip("CONSTRAINTS"):
			k.Verb = "SET CONSTRAINTS"
			return
		case c.skip("TRANSACTION"), c.skip("SESSION", "CHARACTERISTICS"):
			k.Verb = "SET TRANSACTION"
			return
		}
		_ = c.skip("SESSION") || c.skip("LOCAL")
	}
	k.Object = c.name()
	switch strings.ToLower(unquoteIdent(k.Object)) {
	case "standard_conforming_strings", "client_encoding", "names", "backslash_quote":
		k.SetsParsing = true
	case "all":
		k.SetsParsing = k.Verb == "RESET"
	}
}

func classifySelect(c *cursor, k *Class) {
	c.skipName("pg_catalog")
	if c.skip("SET_CONFIG") && c.peek().IsPunct('(') {
		c.next()
		switch strings.ToLower(unquote(c.next().Text)) {
		case "standard_conforming_strings", "client_encoding", "backslash_quote":
			k.SetsParsing = true
		}
	}
}

func classifyDML(c *cursor, k *Class) {
	_ = c.skip("INTO") || c.skip("FROM")
	c.skip("ONLY")
	k.Object = c.name()
}

func classifyTarget(c *cursor, k *Class) {
	if k.Verb == "COPY" {
		c.skip("BINARY")
	} else {
		c.skip("TABLE")
	}
	c.skip("ONLY")
	k.Object = c.name()
}

// classifyWith steps over the common table expressions to the statement that uses them.
func classifyWith(c *cursor, k *Class) {
	for t := c.next(); t.Kind != EOF; t = c.next() {
		if t.IsPunct('(') {
			c.skipToClose()
			continue
		}
		for _, verb := range [...]string{"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"} {
			if t.Is(verb) {
				k.Verb = verb
				if verb != "SELECT" && verb != "VALUES" && verb != "TABLE" {
					classifyDML(c, k)
				}
				return
			}
		}
	}
}
