package ddl

import (
	"slices"
	"strings"
)

// objectKinds are the words that name a kind of object after CREATE, ALTER and DROP, the longer ones first.
var objectKinds = [][]string{
	{"TEXT", "SEARCH", "CONFIGURATION"}, {"TEXT", "SEARCH", "DICTIONARY"}, {"TEXT", "SEARCH", "PARSER"},
	{"TEXT", "SEARCH", "TEMPLATE"}, {"FOREIGN", "DATA", "WRAPPER"}, {"FOREIGN", "TABLE"},
	{"ACCESS", "METHOD"}, {"DEFAULT", "PRIVILEGES"}, {"EVENT", "TRIGGER"}, {"LARGE", "OBJECT"},
	{"MATERIALIZED", "VIEW"}, {"OPERATOR", "CLASS"}, {"OPERATOR", "FAMILY"}, {"USER", "MAPPING"},
	{"AGGREGATE"}, {"ASSERTION"}, {"CAST"}, {"COLLATION"}, {"CONVERSION"}, {"DATABASE"}, {"DOMAIN"}, {"EXTENSION"},
	{"FUNCTION"}, {"GROUP"}, {"INDEX"}, {"LANGUAGE"}, {"OPERATOR"}, {"OWNED"}, {"POLICY"}, {"PROCEDURE"},
	{"PUBLICATION"}, {"ROLE"}, {"ROUTINE"}, {"RULE"}, {"SCHEMA"}, {"SEQUENCE"}, {"SERVER"}, {"STATISTICS"},
	{"SUBSCRIPTION"}, {"SYSTEM"}, {"TABLE"}, {"TABLESPACE"}, {"TRANSFORM"}, {"TRIGGER"}, {"TYPE"}, {"USER"}, {"VIEW"},
}

// createModifiers stand between CREATE and the kind of object.
var createModifiers = []string{
	"GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "UNIQUE", "RECURSIVE", "CONSTRAINT", "DEFAULT", "TRUSTED",
	"PROCEDURAL",
}

func isModifier(t Token) bool { return slices.ContainsFunc(createModifiers, t.Is) }

func (c *cursor) objectKind() string {
	first := c.peek()
	for _, kind := range objectKinds {
		if first.Is(kind[0]) && c.skip(kind...) {
			return strings.Join(kind, " ")
		}
	}
	return ""
}

func classifyCreate(c *cursor, k *Class) {
	c.skip("OR", "REPLACE")
	for isModifier(c.peek()) {
		c.next()
	}
	kind := c.objectKind()
	if kind == "" {
		return
	}
	k.Verb = "CREATE " + kind
	switch kind {
	case "DATABASE", "TABLESPACE":
		k.Transaction = Outside
	case "SUBSCRIPTION":
		k.Transaction = Outside
		if c.clone().findOption("WITH", "CONNECT", "false") || c.clone().findOption("WITH", "CREATE_SLOT", "false") {
			k.Transaction = InTransaction
		}
	case "INDEX":
		if k.Concurrently = c.skip("CONCURRENTLY"); k.Concurrently {
			k.Transaction = Outside
		}
	case "USER MAPPING", "CAST", "TRANSFORM":
		return
	}
	k.IfNotExists = c.skip("IF", "NOT", "EXISTS")
	if kind == "SCHEMA" && c.peek().Is("AUTHORIZATION") {
		return
	}
	if kind != "INDEX" || !c.peek().Is("ON") {
		k.Object = c.name()
	}
	switch kind {
	case "INDEX", "POLICY", "TRIGGER":
		k.On = c.tableAfter("ON")
	case "RULE":
		k.On = c.tableAfter("TO")
	}
}

func classifyAlter(c *cursor, k *Class) {
	c.skip("PROCEDURAL")
	kind := c.objectKind()
	if kind == "" {
		return
	}
	k.Verb = "ALTER " + kind
	switch kind {
	case "SYSTEM":
		k.Transaction = Outside
		return
	case "DEFAULT PRIVILEGES", "LARGE OBJECT", "USER MAPPING":
		return
	}
	k.IfExists = c.skip("IF", "EXISTS")
	if kind == "TABLE" || kind == "FOREIGN TABLE" {
		c.skip("ONLY")
	}
	if c.peek().Is("ALL") && c.clone().skip("ALL", "IN", "TABLESPACE") {
		return
	}
	k.Object = c.name()
	switch kind {
	case "DATABASE":
		if c.skip("SET", "TABLESPACE") {
			k.Transaction = Outside
		}
	case "SUBSCRIPTION":
		k.Transaction = alterSubscription(c)
	case "POLICY", "TRIGGER", "RULE":
		k.On = c.tableAfter("ON")
	case "TABLE":
		if c.peek().Text == "*" {
			c.next()
		}
		if c.skip("DETACH", "PARTITION") && c.name() != "" && c.skip("CONCURRENTLY") {
			k.Transaction, k.Concurrently = Outside, true
		}
	}
}

func alterSubscription(c *cursor) TransactionUse {
	switch {
	case c.skip("REFRESH", "PUBLICATION"):
		return Outside
	case c.skip("SET", "PUBLICATION"), c.skip("ADD", "PUBLICATION"), c.skip("DROP", "PUBLICATION"):
		if c.findOption("WITH", "REFRESH", "false") {
			return InTransaction
		}
		return Outside
	case c.skip("SET"):
		if c.clone().findOption("", "FAILOVER", "") || c.clone().findOption("", "TWO_PHASE", "") {
			return Outside
		}
	}
	return InTransaction
}

func classifyDrop(c *cursor, k *Class) {
	c.skip("PROCEDURAL")
	kind := c.objectKind()
	if kind == "" {
		return
	}
	k.Verb = "DROP " + kind
	switch kind {
	case "DATABASE", "TABLESPACE", "SUBSCRIPTION":
		k.Transaction = Outside
	case "INDEX":
		if k.Concurrently = c.skip("CONCURRENTLY"); k.Concurrently {
			k.Transaction = Outside
		}
	case "OWNED", "CAST", "TRANSFORM", "USER MAPPING":
		return
	}
	k.IfExists = c.skip("IF", "EXISTS")
	k.Object = c.name()
	switch kind {
	case "POLICY", "TRIGGER", "RULE":
		k.On = c.tableAfter("ON")
	}
}
