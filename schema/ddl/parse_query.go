package ddl

import "slices"

var queryRules = []readRule{
	{"SELECT", parseQuery},
	{"VALUES", parseQuery},
	{"TABLE", parseQuery},
	{"INSERT", parseQuery},
	{"UPDATE", parseQuery},
	{"DELETE", parseQuery},
	{"MERGE", parseQuery},
}

func parseQuery(p *parser) Node { return p.query() }

// query reads a query up to the words, which belong to what the query stands in.
func (p *parser) query(stops ...string) *Query {
	start := p.start()
	depth := 0
	for !p.done() {
		t := p.peek()
		if depth == 0 && len(stops) > 0 && p.oneOfAhead(stops) {
			break
		}
		switch {
		case t.IsPunct('('):
			depth++
		case t.IsPunct(')'):
			depth--
		}
		p.pos++
	}
	text := p.textSince(start)
	return readQuery(text.Text, p.syntax, start)
}

// readQuery finds the tables of a query that starts at offset in its statement.
func readQuery(sql string, syntax StringSyntax, offset int) *Query {
	r := &queryReader{parser: newParser(sql, syntax), offset: offset}
	r.query.Text = Expr{Text: sql, Span: Span{offset, offset + len(sql)}}
	r.query.Verb = classify(sql, syntax).Verb
	r.frames = []queryFrame{{write: -1}}
	for !r.done() {
		r.step()
	}
	r.finish()
	return &r.query
}

// queryReader walks over a query, keeping for each open parenthesis where in a FROM clause it stands.
type queryReader struct {
	*parser
	query  Query
	offset int
	frames []queryFrame
	ctes   []string
	last   Token
}

type queryFrame struct {
	from   bool // inside FROM, so that a comma leads to a table
	want   bool // a table stands next
	opaque bool // the arguments of a function that has FROM in its syntax
	write  int  // the Write whose WHERE would stand here, or -1
}

// fromFunctions have FROM between their arguments.
var fromFunctions = []string{"EXTRACT", "SUBSTRING", "TRIM", "OVERLAY", "POSITION"}

func (r *queryReader) step() {
	f := &r.frames[len(r.frames)-1]
	t := r.peek()
	switch {
	case t.IsPunct('('):
		opaque := false
		for _, name := range fromFunctions {
			opaque = opaque || r.last.Is(name)
		}
		inherits := f.want
		f.want = false
		r.take()
		r.frames = append(r.frames, queryFrame{want: inherits, from: inherits, opaque: opaque, write: -1})
		return
	case t.IsPunct(')'):
		if len(r.frames) > 1 {
			r.frames = r.frames[:len(r.frames)-1]
		}
	case t.IsPunct(','):
		f.want = f.from
	case f.want && isName(t):
		if r.oneOf("ONLY", "LATERAL", "ROWS FROM") != "" {
			return
		}
		if r.is("SELECT") || r.is("VALUES") || r.is("WITH") {
			f.want, f.from = false, false
			return
		}
		f.want = false
		r.read(r.tableName())
		return
	case t.Kind == Word:
		if r.keyword(f) {
			return
		}
	}
	r.take()
}

func (r *queryReader) take() { r.last = r.next() }

// keyword acts on a word that opens or closes a clause; it reports whether it read on.
func (r *queryReader) keyword(f *queryFrame) bool {
	switch {
	case r.is("WITH"), r.is("SELECT"):
		f.from = false
	case r.is("FROM") && !f.opaque && !r.last.Is("DISTINCT"):
		f.from, f.want = true, true
	case r.is("JOIN"):
		f.want = true
	case r.is("USING") && f.write >= 0:
		f.from, f.want = true, true
	case r.is("WHERE"):
		f.from = false
		if f.write >= 0 {
			w := &r.query.Writes[f.write]
			w.Where = w.Verb == "UPDATE" || w.Verb == "DELETE"
		}
	case r.is("GROUP"), r.is("ORDER"), r.is("HAVING"), r.is("LIMIT"), r.is("UNION"), r.is("RETURNING"), r.is("WINDOW"),
		r.is("INTERSECT"), r.is("EXCEPT"), r.is("WHEN"):
		f.from = false
	case r.is("FOR UPDATE"), r.is("FOR NO KEY UPDATE"), r.is("FOR SHARE"), r.is("FOR KEY SHARE"):
		r.query.RowLock = true
		f.from = false
		for r.is("FOR") || r.is("NO") || r.is("KEY") || r.is("UPDATE") || r.is("SHARE") {
			r.take()
		}
		if r.skip("OF") {
			r.idents()
		}
		return true
	case r.is("INTO") && r.query.Verb == "SELECT" && len(r.frames) == 1 && f.write < 0:
		r.take()
		r.persistence()
		r.skip("TABLE")
		r.query.Into = r.tableName()
		return true
	case r.is("INSERT INTO"), r.is("DELETE FROM"), r.is("MERGE INTO"), r.is("UPDATE") && !r.last.Is("DO") && !r.last.Is("THEN"):
		return r.write(f)
	case r.is("TABLE") && (r.pos == 0 || r.last.IsPunct('(')):
		f.want = true
	case r.startsCTE():
		r.ctes = append(r.ctes, r.ident())
		r.parens()
		r.last = Token{}
		return true
	}
	return false
}

// startsCTE reports whether name [(columns)] AS [NOT MATERIALIZED] ( stands next, where a common table expression can.
func (r *queryReader) startsCTE() bool {
	if !r.last.Is("WITH") && !r.last.Is("RECURSIVE") && !r.last.IsPunct(',') {
		return false
	}
	i := 1
	if r.at(i).IsPunct('(') {
		for i++; isName(r.at(i)) || r.at(i).IsPunct(','); i++ {
		}
		if !r.at(i).IsPunct(')') {
			return false
		}
		i++
	}
	if !r.at(i).Is("AS") {
		return false
	}
	for i++; r.at(i).Is("NOT") || r.at(i).Is("MATERIALIZED"); i++ {
	}
	return r.at(i).IsPunct('(')
}

func (r *queryReader) write(f *queryFrame) bool {
	verb := r.oneOf("INSERT", "DELETE", "MERGE", "UPDATE")
	r.oneOf("INTO", "FROM")
	r.skip("ONLY")
	if !isName(r.peek()) {
		return true
	}
	r.query.Writes = append(r.query.Writes, Write{Verb: verb, Table: r.tableName()})
	f.write, f.from, f.want = len(r.query.Writes)-1, false, false
	if len(r.frames) == 1 {
		w := r.query.Writes[f.write]
		r.query.Target = w.Table
	}
	return true
}

func (r *queryReader) tableName() Name {
	n := r.name()
	n.Span.Start += r.offset
	n.Span.End += r.offset
	r.last = Token{}
	return n
}

func (r *queryReader) read(n Name) {
	if n.IsZero() || r.peek().IsPunct('(') {
		return
	}
	for _, known := range r.query.Reads {
		if known.Schema == n.Schema && known.Name == n.Name {
			return
		}
	}
	r.query.Reads = append(r.query.Reads, n)
}

func (r *queryReader) finish() {
	r.query.Reads = slices.DeleteFunc(r.query.Reads, func(n Name) bool {
		return n.Schema == "" && slices.Contains(r.ctes, n.Name)
	})
	for _, w := range r.query.Writes {
		if w.Table == r.query.Target {
			r.query.Where = w.Where
		}
	}
}
