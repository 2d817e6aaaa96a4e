package ddl

import "strings"

var maintenanceRules = []readRule{
	{"TRUNCATE", func(p *parser) Node {
		p.skip("TRUNCATE")
		p.skip("TABLE")
		t := &Truncate{Tables: p.names()}
		t.RestartIdentity = p.oneOf("RESTART IDENTITY", "CONTINUE IDENTITY") == "RESTART IDENTITY"
		t.Behavior = p.behavior()
		return t
	}},
	{"LOCK", parseLock},
	{"VACUUM", parseVacuum},
	{"ANALYZE", parseAnalyze},
	{"ANALYSE", parseAnalyze},
	{"CLUSTER", parseCluster},
	{"COPY", parseCopy},
}

func parseLock(p *parser) Node {
	p.skip("LOCK")
	p.skip("TABLE")
	l := &LockTable{Tables: p.names(), Mode: AccessExclusive}
	if p.skip("IN") {
		var words []string
		for !p.done() && !p.is("MODE") {
			words = append(words, strings.ToUpper(p.next().Text))
		}
		l.Mode, _ = LockModeOf(strings.Join(words, " "))
		p.skip("MODE")
	}
	l.Nowait = p.skip("NOWAIT")
	return l
}

func parseVacuum(p *parser) Node {
	p.skip("VACUUM")
	v := &Vacuum{}
	for _, o := range p.options() {
		switch o.Name {
		case "full":
			v.Full = o.IsOn()
		case "analyze", "analyse":
			v.Analyze = o.IsOn()
		}
	}
	for {
		switch p.oneOf("FULL", "FREEZE", "VERBOSE", "ANALYZE", "ANALYSE") {
		case "FULL":
			v.Full = true
			continue
		case "ANALYZE", "ANALYSE":
			v.Analyze = true
			continue
		case "FREEZE", "VERBOSE":
			continue
		}
		v.Tables = p.tablesWithColumns()
		return v
	}
}

func (p *parser) tablesWithColumns() []Name {
	var list []Name
	for {
		p.skip("ONLY")
		n := p.name()
		if n.IsZero() {
			return list
		}
		list = append(list, n)
		p.punct('*')
		p.columns()
		if !p.punct(',') {
			return list
		}
	}
}

func parseAnalyze(p *parser) Node {
	p.next()
	p.options()
	p.skip("VERBOSE")
	return &Analyze{Tables: p.tablesWithColumns()}
}

func parseCluster(p *parser) Node {
	p.skip("CLUSTER")
	p.options()
	p.skip("VERBOSE")
	c := &Cluster{Table: p.name()}
	switch {
	case p.skip("USING"):
		c.Index = p.ident()
	case p.skip("ON"):
		c.Index, c.Table = c.Table.Name, p.name()
	}
	return c
}

func parseCopy(p *parser) Node {
	p.skip("COPY")
	p.skip("BINARY")
	c := &Copy{}
	if p.peek().IsPunct('(') {
		inside := p.parens()
		c.Query = readQuery(inside.Text, p.syntax, inside.Span.Start)
	} else {
		c.Table = p.name()
		c.Columns = p.columns()
	}
	c.From = p.oneOf("FROM", "TO") == "FROM"
	c.Stdin = p.oneOf("STDIN", "STDOUT") != ""
	for !p.done() {
		if p.peek().IsPunct('(') {
			c.Options = p.options()
			continue
		}
		p.next()
	}
	return c
}
