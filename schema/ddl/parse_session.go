package ddl

import "strings"

var sessionRules = []readRule{
	{"SET", parseSet},
	{"RESET", parseSet},
	{"BEGIN", parseTransaction},
	{"START TRANSACTION", parseTransaction},
	{"COMMIT", parseTransaction},
	{"END", parseTransaction},
	{"ROLLBACK", parseTransaction},
	{"ROLLBACK TO", parseTransaction},
	{"ABORT", parseTransaction},
	{"SAVEPOINT", parseTransaction},
	{"RELEASE", parseTransaction},
	{"PREPARE TRANSACTION", parseTransaction},
}

func parseSet(p *parser) Node {
	s := &Set{Reset: p.oneOf("SET", "RESET") == "RESET"}
	if !p.is("SESSION AUTHORIZATION") {
		s.Local = p.oneOf("LOCAL", "SESSION") == "LOCAL"
	}
	switch special := p.oneOf("SESSION AUTHORIZATION", "TIME ZONE", "ROLE", "NAMES"); special {
	case "":
		s.Name = p.ident()
		for p.punct('.') {
			s.Name += "." + p.ident()
		}
	default:
		s.Name = strings.ToLower(special)
	}
	_ = p.punct('=') || p.skip("TO")
	s.Value = p.rest().Text
	return s
}

func parseTransaction(p *parser) Node {
	t := &Transaction{Verb: classify(p.src, p.syntax).Verb}
	switch t.Verb {
	case "SAVEPOINT", "RELEASE", "ROLLBACK TO":
		for p.next(); !p.done() && p.oneOf("WORK", "TRANSACTION", "TO", "SAVEPOINT") != ""; {
		}
		t.Name = p.ident()
	}
	return t
}
