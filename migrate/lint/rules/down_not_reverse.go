package rules

import (
	"fmt"
	"strings"

	"github.com/kedgedb/kedge/migrate/finding"
	"github.com/kedgedb/kedge/schema/ddl"
)

var downNotReverse = Rule{
	Name: "down-not-reverse", Family: Loss, Severity: finding.Warning,
	Script: func(p *Pass) {
		if p.Script.Down == nil {
			return
		}
		gone := map[string]bool{}
		unknown := false
		for _, s := range p.Script.Down.Statements {
			switch n := s.Node.(type) {
			case *ddl.Do, *ddl.Call:
				unknown = true
			case *ddl.Drop:
				for _, name := range n.Names {
					gone[n.Kind+" "+name.Name] = true
				}
				unknown = unknown || n.Behavior == ddl.Cascade || n.Kind == "SCHEMA"
			case *ddl.AlterTable:
				for _, c := range n.Commands {
					switch c.Action {
					case ddl.DropColumn:
						gone["COLUMN "+n.Name.Name+"."+c.Column] = true
					case ddl.DropConstraint:
						gone["CONSTRAINT "+c.Object] = true
					case ddl.RenameTo, ddl.SetSchema, ddl.RenameColumn:
						unknown = true
					}
				}
			}
		}
		if unknown || len(p.Script.Down.Statements) == 0 {
			return
		}
		made := map[string]bool{}
		for _, s := range p.Script.Statements {
			if d, ok := s.Node.(*ddl.Drop); ok {
				for _, name := range d.Names {
					made[d.Kind+" "+name.Name] = true // it was there before
				}
			}
			inner := *p
			inner.Statement = s
			inner.left(made, gone)
		}
	},
}

// left reports what the statement makes and the down script, which drops what gone has, does not drop.
func (p *Pass) left(made, gone map[string]bool) {
	say := func(span ddl.Span, kind, key, name string) {
		if !gone[kind+" "+key] && !made[kind+" "+key] {
			p.Report(Found{Span: span, Message: fmt.Sprintf("the down script leaves %s %s behind", strings.ToLower(kind), name)})
		}
	}
	switch n := p.Node.(type) {
	case *ddl.CreateTable:
		if !n.IfNotExists && n.Persistence != ddl.Temporary && !gone["TABLE "+n.PartitionOf.Name] {
			say(n.Name.Span, "TABLE", n.Name.Name, n.Name.String())
		}
		made["TABLE "+n.Name.Name] = true
	case *ddl.CreateIndex:
		if n.Name != "" && !gone["TABLE "+n.Table.Name] {
			say(ddl.Span{}, "INDEX", n.Name, ddl.QuoteIdent(n.Name))
		}
	case *ddl.CreateView:
		if !n.Replace {
			say(n.Name.Span, "VIEW", n.Name.Name, n.Name.String())
		}
	case *ddl.CreateType:
		say(n.Name.Span, "TYPE", n.Name.Name, n.Name.String())
	case *ddl.AlterTable:
		for _, c := range n.Commands {
			if c.Action == ddl.AddColumn && c.Definition != nil && !c.IfNotExists && !gone["TABLE "+n.Name.Name] && !made["TABLE "+n.Name.Name] {
				say(c.Span, "COLUMN", n.Name.Name+"."+c.Definition.Name, c.Definition.Name+" of "+n.Name.String())
			}
		}
	}
}
