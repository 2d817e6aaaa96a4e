package ddl

import "strings"

func parseAlterTable(p *parser) Node {
	p.skip("ALTER")
	a := &AlterTable{Kind: p.oneOf("FOREIGN TABLE", "MATERIALIZED VIEW", "TABLE", "INDEX", "VIEW", "SEQUENCE")}
	if p.is("ALL IN TABLESPACE") {
		return &Alter{Kind: a.Kind, Rest: p.rest()}
	}
	a.IfExists = p.ifExists()
	a.Only = p.skip("ONLY")
	a.Name = p.name()
	p.punct('*')
	for !p.done() {
		a.Commands = append(a.Commands, p.command(a.Kind))
		if !p.punct(',') {
			break
		}
	}
	return a
}

// commandRule reads a subcommand of ALTER TABLE that starts with the words.
type commandRule struct {
	words  string
	action Action
	read   func(*parser, *Command)
}

// command reads one subcommand, up to the comma that ends it.
func (p *parser) command(kind string) Command {
	start := p.start()
	var c Command
	rules := commandRules
	if kind == "SEQUENCE" {
		rules = sequenceCommandRules
	}
	for _, rule := range rules {
		if !p.skip(rule.words) {
			continue
		}
		c.Action = rule.action
		if rule.read != nil {
			rule.read(p, &c)
		}
		break
	}
	if c.Action == UnknownAction && kind == "SEQUENCE" {
		c.Action, c.Options = SequenceOptions, p.sequenceOptions()
	}
	for !p.done() && !p.peek().IsPunct(',') {
		p.expr()
		if p.peek().IsPunct(')') {
			p.next()
		}
	}
	c.Span = p.since(start)
	return c
}

func object(p *parser, c *Command) { c.Object = p.ident() }

func table(p *parser, c *Command) { c.Table = p.name() }

func newName(p *parser, c *Command) { c.NewName = p.ident() }

func options(p *parser, c *Command) { c.Options = p.options() }

func dropped(p *parser, c *Command) {
	c.IfExists = p.ifExists()
	c.Object = p.ident()
	c.Behavior = p.behavior()
}

// sequenceCommandRules are the subcommands of ALTER SEQUENCE that are not options of the sequence.
var sequenceCommandRules = []commandRule{
	{"RENAME TO", RenameTo, newName},
	{"SET SCHEMA", SetSchema, object},
	{"OWNER TO", OwnerTo, object},
	{"SET LOGGED", SetLogged, nil},
	{"SET UNLOGGED", SetUnlogged, nil},
}

// commandRules are the subcommands, the longer ones first where one starts like another.
var commandRules = []commandRule{
	{"ADD CONSTRAINT", AddConstraint, func(p *parser, c *Command) { p.pos--; addConstraint(p, c) }},
	{"ADD COLUMN", AddColumn, addColumn},
	{"ADD ATTRIBUTE", AddAttribute, addColumn},
	{"ADD", AddColumn, func(p *parser, c *Command) {
		if p.startsTableConstraint() {
			c.Action = AddConstraint
			addConstraint(p, c)
			return
		}
		addColumn(p, c)
	}},
	{"DROP CONSTRAINT", DropConstraint, dropped},
	{"DROP ATTRIBUTE", DropAttribute, dropColumn},
	{"DROP COLUMN", DropColumn, dropColumn},
	{"DROP", DropColumn, dropColumn},
	{"ALTER CONSTRAINT", AlterConstraint, func(p *parser, c *Command) {
		con := Constraint{Name: p.ident()}
		c.Object = con.Name
		start := p.start()
		p.constraintAttributes(&con)
		p.skip("INHERIT")
		con.Span = p.since(start)
		c.Constraint = &con
	}},
	{"ALTER ATTRIBUTE", AlterAttributeType, func(p *parser, c *Command) {
		c.Column = p.ident()
		p.skip("SET DATA")
		if p.skip("TYPE") {
			c.Type = p.typeName()
		}
	}},
	{"ALTER COLUMN", UnknownAction, alterColumn},
	{"ALTER", UnknownAction, alterColumn},
	{"VALIDATE CONSTRAINT", ValidateConstraint, object},
	{"RENAME CONSTRAINT", RenameConstraint, renamed},
	{"RENAME TO", RenameTo, newName},
	{"RENAME COLUMN", RenameColumn, renamedColumn},
	{"RENAME ATTRIBUTE", RenameColumn, renamedColumn},
	{"RENAME", RenameColumn, renamedColumn},
	{"SET SCHEMA", SetSchema, object},
	{"OWNER TO", OwnerTo, object},
	{"SET TABLESPACE", SetTablespace, object},
	{"SET ACCESS METHOD", SetAccessMethod, object},
	{"SET LOGGED", SetLogged, nil},
	{"SET UNLOGGED", SetUnlogged, nil},
	{"SET WITHOUT CLUSTER", SetWithoutCluster, nil},
	{"SET WITHOUT OIDS", SetWithoutOIDs, nil},
	{"SET", SetOptions, options},
	{"RESET", ResetOptions, options},
	{"CLUSTER ON", ClusterOn, object},
	{"INHERIT", Inherit, table},
	{"NO INHERIT", NoInherit, table},
	{"OF", OfType, table},
	{"NOT OF", NotOf, nil},
	{"REPLICA IDENTITY", ReplicaIdentity, func(p *parser, c *Command) {
		if p.skip("USING INDEX") {
			c.Object = p.ident()
			return
		}
		c.NewName = strings.ToUpper(p.next().Text)
	}},
	{"ENABLE ROW LEVEL SECURITY", EnableRowSecurity, nil},
	{"DISABLE ROW LEVEL SECURITY", DisableRowSecurity, nil},
	{"FORCE ROW LEVEL SECURITY", ForceRowSecurity, nil},
	{"NO FORCE ROW LEVEL SECURITY", NoForceRowSecurity, nil},
	{"ENABLE TRIGGER", EnableTrigger, object},
	{"ENABLE ALWAYS TRIGGER", EnableTrigger, object},
	{"ENABLE REPLICA TRIGGER", EnableTrigger, object},
	{"DISABLE TRIGGER", DisableTrigger, object},
	{"ENABLE RULE", EnableRule, object},
	{"ENABLE ALWAYS RULE", EnableRule, object},
	{"ENABLE REPLICA RULE", EnableRule, object},
	{"DISABLE RULE", DisableRule, object},
	{"ATTACH PARTITION", AttachPartition, func(p *parser, c *Command) {
		c.Table = p.name()
		if !p.done() {
			c.Bound = p.bound()
		}
	}},
	{"DETACH PARTITION", DetachPartition, func(p *parser, c *Command) {
		c.Table = p.name()
		c.Concurrently, c.Finalize = p.skip("CONCURRENTLY"), p.skip("FINALIZE")
	}},
	{"DEPENDS ON EXTENSION", DependsOnExtension, object},
	{"NO DEPENDS ON EXTENSION", DependsOnExtension, object},
	{"OPTIONS", ForeignOptions, options},
}

func addConstraint(p *parser, c *Command) {
	con := p.constraint()
	c.Constraint, c.Object = &con, con.Name
}

func addColumn(p *parser, c *Command) {
	c.IfNotExists = p.ifNotExists()
	col := p.column()
	col.IfNotExists = c.IfNotExists
	c.Definition, c.Column = &col, col.Name
	if c.Action == AddAttribute {
		c.Behavior = p.behavior()
	}
}

func dropColumn(p *parser, c *Command) {
	c.IfExists = p.ifExists()
	c.Column = p.ident()
	c.Behavior = p.behavior()
}

func renamed(p *parser, c *Command) {
	c.Object = p.ident()
	p.skip("TO")
	c.NewName = p.ident()
}

func renamedColumn(p *parser, c *Command) {
	c.Column = p.ident()
	p.skip("TO")
	c.NewName = p.ident()
}

// alterColumnRules read on after ALTER COLUMN name.
var alterColumnRules = []commandRule{
	{"SET DATA TYPE", AlterColumnType, columnType},
	{"TYPE", AlterColumnType, columnType},
	{"SET DEFAULT", SetDefault, func(p *parser, c *Command) { c.Expr = p.expr() }},
	{"DROP DEFAULT", DropDefault, nil},
	{"SET NOT NULL", SetNotNull, nil},
	{"DROP NOT NULL", DropNotNull, nil},
	{"SET EXPRESSION AS", SetExpression, func(p *parser, c *Command) { c.Expr = p.parens() }},
	{"DROP EXPRESSION", DropExpression, func(p *parser, c *Command) { c.IfExists = p.ifExists() }},
	{"ADD GENERATED", AddIdentity, func(p *parser, c *Command) {
		con := Constraint{}
		parseGenerated(p, &con)
		c.Constraint, c.Options = &con, con.Options
	}},
	{"DROP IDENTITY", DropIdentity, func(p *parser, c *Command) { c.IfExists = p.ifExists() }},
	{"SET GENERATED", AlterIdentity, nil},
	{"RESTART", AlterIdentity, nil},
	{"SET STATISTICS", SetStatistics, func(p *parser, c *Command) { c.Object = p.expr().Text }},
	{"SET STORAGE", SetStorage, func(p *parser, c *Command) { c.NewName = strings.ToUpper(p.next().Text) }},
	{"SET COMPRESSION", SetCompression, newName},
	{"RESET", ResetColumnOptions, options},
}

func columnType(p *parser, c *Command) {
	c.Type = p.typeName()
	if p.skip("COLLATE") {
		c.Collation = p.name()
	}
	if p.skip("USING") {
		c.Using = p.expr()
	}
	c.Behavior = p.behavior()
}

func alterColumn(p *parser, c *Command) {
	if t := p.peek(); t.Kind == Number {
		c.Column = p.next().Text
	} else {
		c.Column = p.ident()
	}
	if p.is("SET") && p.at(1).IsPunct('(') {
		p.next()
		c.Action, c.Options = SetColumnOptions, p.options()
		return
	}
	for _, rule := range alterColumnRules {
		if p.skip(rule.words) {
			c.Action = rule.action
			if rule.read != nil {
				rule.read(p, c)
			}
			return
		}
	}
	if p.skip("SET") || p.is("OPTIONS") {
		// ALTER COLUMN … SET INCREMENT and the like are options of an identity column's sequence.
		c.Action = AlterIdentity
		if p.is("OPTIONS") {
			c.Action = ForeignOptions
		}
	}
}
