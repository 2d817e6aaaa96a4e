package ddl

var viewRules = []readRule{
	{"CREATE VIEW", parseCreateView},
	{"CREATE MATERIALIZED VIEW", parseCreateMaterializedView},
	{"REFRESH MATERIALIZED VIEW", func(p *parser) Node {
		p.skip("REFRESH MATERIALIZED VIEW")
		return &RefreshMaterializedView{Concurrently: p.skip("CONCURRENTLY"), Name: p.name(), NoData: p.skip("WITH NO DATA")}
	}},
	{"CREATE RULE", parseCreateRule},
}

func parseCreateView(p *parser) Node {
	p.skip("CREATE")
	v := &CreateView{Replace: p.skip("OR REPLACE"), Persistence: p.persistence(), Recursive: p.skip("RECURSIVE")}
	p.skip("VIEW")
	v.Name = p.name()
	v.Columns = p.columns()
	if p.skip("WITH") {
		v.Options = p.options()
	}
	if p.skip("AS") {
		v.Query = p.query("WITH CHECK OPTION", "WITH LOCAL CHECK OPTION", "WITH CASCADED CHECK OPTION")
	}
	return v
}

func parseCreateMaterializedView(p *parser) Node {
	p.skip("CREATE")
	p.persistence()
	p.skip("MATERIALIZED VIEW")
	v := &CreateMaterializedView{IfNotExists: p.ifNotExists(), Name: p.name()}
	p.columns()
	for !p.done() {
		switch {
		case p.skip("USING"):
			p.ident()
		case p.is("WITH") && p.at(1).IsPunct('('):
			p.next()
			v.Options = p.options()
		case p.skip("TABLESPACE"):
			v.Tablespace = p.ident()
		case p.skip("AS"):
			v.Query = p.query("WITH NO DATA", "WITH DATA")
		case p.skip("WITH NO DATA"):
			v.NoData = true
		default:
			p.next()
		}
	}
	return v
}

func parseCreateRule(p *parser) Node {
	p.skip("CREATE")
	r := &CreateRule{Replace: p.skip("OR REPLACE")}
	p.skip("RULE")
	r.Name = p.ident()
	p.skip("AS ON")
	r.Event = p.oneOf("SELECT", "INSERT", "UPDATE", "DELETE")
	p.skip("TO")
	r.Table = p.name()
	for !p.done() && !p.skip("DO") {
		if p.parens().IsZero() {
			p.next()
		}
	}
	r.Instead = p.skip("INSTEAD")
	return r
}
