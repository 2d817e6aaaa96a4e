package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Document is a plan written down: what `kedge plan --json` prints and
// `kedge plan --out` keeps. Locks and Findings are for whoever knows the target;
// everything else comes from the plan and is bound by Digest.
type Document struct {
	Environment string         `json:"environment"`
	From        Version        `json:"from"`
	To          Version        `json:"to"`
	Direction   Direction      `json:"direction"`
	Steps       []DocumentStep `json:"steps"`
	Request     Request        `json:"request"`
	Basis       string         `json:"basis"` // the state of the database that the plan starts from
	Digest      string         `json:"digest"`
}

// DocumentStep is a Step written down.
type DocumentStep struct {
	Version       Version             `json:"version"`
	Name          string              `json:"name"`
	Kind          Kind                `json:"kind"`
	Direction     Direction           `json:"direction"`
	File          string              `json:"file"`
	Transactional bool                `json:"transactional"`
	Reason        string              `json:"reason,omitempty"`
	Checksum      string              `json:"checksum"`         // Checksum.Text
	Values        map[string]string   `json:"values,omitempty"` // the placeholders' values that were put in
	Resume        int                 `json:"resume,omitempty"`
	Doubt         bool                `json:"doubt,omitempty"`
	Statements    []DocumentStatement `json:"statements"` // empty for a streamed script, which Checksum identifies
}

// DocumentStatement is a statement of a step written down.
type DocumentStatement struct {
	SQL      string `json:"sql"`
	File     string `json:"file"`
	Line     int    `json:"line"` // of File, from 1
	Locks    any    `json:"locks,omitempty"`
	Findings any    `json:"findings,omitempty"`
}

// Document writes the plan down.
func (p *Plan) Document() *Document {
	d := &Document{
		Environment: p.Environment, From: p.From, To: p.To, Direction: p.Direction,
		Request: p.Request, Basis: p.Basis, Steps: make([]DocumentStep, len(p.Steps)),
	}
	d.Request.KeptDown = nil
	for i := range p.Steps {
		d.Steps[i] = p.Steps[i].document()
	}
	d.Digest = d.digest()
	return d
}

func (s *Step) document() DocumentStep {
	m := s.Migration
	d := DocumentStep{
		Version: m.Version, Name: m.Name, Kind: m.Kind, Direction: s.Direction, File: s.Script.File,
		Transactional: s.Transactional, Reason: s.Reason, Checksum: s.Script.Checksum.Text, Values: s.Script.Values,
		Resume: s.Resume, Doubt: s.Doubt, Statements: make([]DocumentStatement, len(s.Statements)),
	}
	for i, st := range s.Statements {
		d.Statements[i] = DocumentStatement{SQL: st.SQL, File: s.Script.File, Line: s.Script.FileLine(st.Line)}
	}
	return d
}

// Digest identifies the plan: the request, the state of the database it starts
// from, every script's checksum and every statement as it would be sent. Two
// plans with one digest do the same to the same database.
func (p *Plan) Digest() string { return p.Document().Digest }

// MarshalJSON writes the plan's Document.
func (p *Plan) MarshalJSON() ([]byte, error) { return json.Marshal(p.Document()) }

func (d *Document) digest() string {
	bound := *d
	bound.Digest = ""
	bound.Steps = slices.Clone(d.Steps)
	for i := range bound.Steps {
		s := &bound.Steps[i]
		s.Statements = slices.Clone(s.Statements)
		for j := range s.Statements {
			s.Statements[j].Locks, s.Statements[j].Findings = nil, nil
		}
		if len(s.Statements) == 0 {
			s.Statements = nil
		}
		if len(s.Values) == 0 {
			s.Values = nil
		}
	}
	text, err := json.Marshal(&bound)
	if err != nil { // strings, numbers and booleans always marshal
		panic(fmt.Sprintf("plan document: %v", err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ReadDocument reads a plan that was written down. One whose content does not
// match its digest is refused with ErrPlanEdited.
func ReadDocument(text []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	if d.Digest != d.digest() {
		return nil, &Refusal{Rule: ErrPlanEdited, Advice: "make it anew with kedge plan --out"}
	}
	return &d, nil
}

// Check compares a plan that was written down with the one that the same
// request makes now. It returns a *Refusal of ErrPlanStale that says whether the
// database or the files have changed since, and nil when now is that very plan.
func (d *Document) Check(now *Plan) error {
	n := now.Document()
	if d.Digest == n.Digest {
		return nil
	}
	r := &Refusal{Rule: ErrPlanStale, Advice: "make it anew with kedge plan --out"}
	var what []string
	if d.Environment != n.Environment {
		what = append(what, fmt.Sprintf("it was made for environment %s, not for %s", d.Environment, n.Environment))
	}
	if d.Basis != n.Basis {
		from := "the database has changed since"
		if d.From != n.From {
			from += fmt.Sprintf(": it was at version %s, now it is at %s", orNone(d.From), orNone(n.From))
		}
		what = append(what, from)
	}
	r.Items = d.changes(n)
	if len(r.Items) > 0 && d.Basis == n.Basis {
		what = append(what, "the files have changed since")
	}
	if len(what) == 0 {
		what = append(what, "it was made for another request")
	}
	r.Detail = enumerate(what)
	return r
}

func orNone(v Version) string {
	if v == "" {
		return "none"
	}
	return v.String()
}

// changes are the steps that d and n do not share.
func (d *Document) changes(n *Document) []RefusedItem {
	id := func(s *DocumentStep) string { return string(s.Kind) + " " + s.key() + " " + string(s.Direction) }
	fresh := make(map[string]*DocumentStep, len(n.Steps))
	for i := range n.Steps {
		fresh[id(&n.Steps[i])] = &n.Steps[i]
	}
	var items []RefusedItem
	for i := range d.Steps {
		s := &d.Steps[i]
		o := fresh[id(s)]
		delete(fresh, id(s))
		if detail := s.differs(o); detail != "" {
			items = append(items, RefusedItem{Key: s.key(), File: s.File, Detail: detail})
		}
	}
	for i := range n.Steps {
		if s := &n.Steps[i]; fresh[id(s)] != nil {
			items = append(items, RefusedItem{Key: s.key(), File: s.File, Detail: "it is not in the plan"})
		}
	}
	return items
}

func (s *DocumentStep) key() string {
	return (&Migration{Version: s.Version, Name: s.Name, Kind: s.Kind}).Key()
}

// differs says in which way now is another step than s, "" for none.
func (s *DocumentStep) differs(now *DocumentStep) string {
	switch {
	case now == nil:
		return "it is no longer to be run"
	case s.Checksum != now.Checksum:
		return "its content has changed"
	case !maps.Equal(s.Values, now.Values):
		var names []string
		for name := range s.Values {
			if s.Values[name] != now.Values[name] {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return strings.TrimSpace("its placeholders' values have changed: " + enumerate(names))
	case s.File != now.File:
		return "its file was " + s.File + ", now it is " + now.File
	case s.Resume != now.Resume || s.Doubt != now.Doubt:
		return "it has got further since"
	case s.Transactional != now.Transactional || len(s.Statements) != len(now.Statements):
		return "its statements are read differently"
	}
	for i := range s.Statements {
		if s.Statements[i].SQL != now.Statements[i].SQL || s.Statements[i].Line != now.Statements[i].Line {
			return fmt.Sprintf("its statement %d has changed", i+1)
		}
	}
	return ""
}
