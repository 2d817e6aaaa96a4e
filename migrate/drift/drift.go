// Package drift knows how a live database differs from what its migrations
// should have made: how bad each difference is, what it means, which are
// excused. It does not read databases or replay migrations; it is given models.
package drift

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/schema"
)

// Severity says how bad a difference is.
type Severity string

// The severities, the worst first.
const (
	Security    Severity = "security"    // grants loosened, row security off, owner changed
	Integrity   Severity = "integrity"   // a constraint, a unique index or a trigger does not hold
	Structure   Severity = "structure"   // what applications and queries see
	Performance Severity = "performance" // indexes, statistics, storage
	Cosmetic    Severity = "cosmetic"    // comments, names that nothing depends on
)

// Severities lists them, the worst first.
var Severities = []Severity{Security, Integrity, Structure, Performance, Cosmetic}

// AtLeast tells whether s is as bad as least or worse.
func (s Severity) AtLeast(least Severity) bool {
	return slices.Index(Severities, s) <= slices.Index(Severities, least)
}

// Operation is what happened to an object, seen from what was expected.
type Operation string

// The operations.
const (
	Added   Operation = "added"   // live has it, nobody asked for it
	Removed Operation = "removed" // it was asked for, and live lacks it
	Changed Operation = "changed" // a property differs
)

// Change is one difference.
type Change struct {
	Operation Operation   `json:"op"`
	Kind      schema.Kind `json:"kind"`
	Name      string      `json:"name"`
	Property  string      `json:"property"`
	Expected  string      `json:"expected"`
	Live      string      `json:"live"`
	Severity  Severity    `json:"severity"`
	SQL       string      `json:"sql"`      // takes live back to what is expected
	Sentence  string      `json:"sentence"` // what it means
	Origin    *Origin     `json:"origin,omitempty"`
	Statement *Statement  `json:"statement,omitempty"`

	Object schema.ID `json:"-"`
	Group  schema.ID `json:"-"` // the object that it is reported with: the table of a column
}

// Origin is the place in the migrations that made an object.
type Origin struct {
	Version migrate.Version `json:"version,omitempty"`
	File    string          `json:"file"`
	Line    int             `json:"line"`
}

// Report is what a comparison found.
type Report struct {
	Drifted         bool                `json:"drifted"`
	Against         string              `json:"against"` // replay, recorded or a file
	ExpectedVersion migrate.Version     `json:"expected_version"`
	Changes         []Change            `json:"changes"`
	Ignored         []Ignored           `json:"ignored,omitempty"`
	Rules           []RuleFinding       `json:"rules,omitempty"`
	Unmodelled      []schema.Unmodelled `json:"unmodelled"`
	// EditedFiles are the differences between what the files build today and
	// what was recorded when they ran: somebody edited an old file.
	EditedFiles []Change           `json:"edited_files,omitempty"`
	Revert      []schema.Statement `json:"-"` // the SQL that takes live back, in order
}

// Ignored is a difference that a rule excuses.
type Ignored struct {
	Change
	Reason string `json:"reason"`
}

// Options say what counts. The zero value counts everything.
type Options struct {
	Rules   []Rule
	Now     time.Time // for rules that end; zero is now
	Without schema.Without
}

// Compare finds how live differs from expected.
func Compare(expected, live *schema.Model, o Options) (*Report, error) {
	revert, err := schema.Diff(live, expected, schema.Options{Without: o.Without})
	if err != nil {
		return nil, fmt.Errorf("working out the way back: %w", err)
	}
	r := &Report{Changes: []Change{}, Unmodelled: append([]schema.Unmodelled{}, live.Unmodelled...), Revert: revert.Statements}
	sql := statements(revert.Statements)
	for _, c := range schema.Differences(expected, live, schema.Options{Without: o.Without}) {
		r.Changes = append(r.Changes, changes(c, expected, live, sql)...)
	}
	slices.SortStableFunc(r.Changes, func(a, b Change) int {
		return cmp.Or(a.Group.Compare(b.Group), a.Object.Compare(b.Object), cmp.Compare(a.Property, b.Property))
	})
	r.excuse(expected, live, o)
	r.Drifted = len(r.Changes) > 0
	return r, nil
}

// statements joins the SQL about each object.
func statements(list []schema.Statement) map[schema.ID]string {
	sql := map[schema.ID]string{}
	for _, s := range list {
		if text := sql[s.Object]; text != "" {
			sql[s.Object] = text + "\n" + s.SQL + ";"
		} else {
			sql[s.Object] = s.SQL + ";"
		}
	}
	return sql
}

// changes turns what differs about one object into a change a property.
func changes(c schema.ObjectChange, expected, live *schema.Model, sql map[schema.ID]string) []Change {
	var object schema.Object
	switch c.Operation {
	case schema.Removed:
		object = expected.Object(c.Object)
	default:
		object = live.Object(c.Object)
	}
	if object == nil {
		return nil
	}
	base := Change{Kind: c.Object.Kind, Name: nameOf(c.Object), Object: c.Object, Group: groupOf(object, expected, live), SQL: sql[c.Object]}
	switch c.Operation {
	case schema.Added, schema.Removed:
		if parent := object.Parent(); !parent.IsZero() && !(expected.Has(parent) && live.Has(parent)) {
			return nil // said of the whole already
		}
		base.Operation = Added
		if c.Operation == schema.Removed {
			base.Operation = Removed
		}
		base.Severity = existence(object)
		base.Sentence = existenceSentence(base, object)
		return []Change{base}
	}
	base.Operation = Changed
	var list []Change
	for _, p := range c.Changes {
		one := base
		one.Property = p.Property
		one.Expected, one.Live = shown(c.Object.Kind, p.Property, p.From), shown(c.Object.Kind, p.Property, p.To)
		one.Severity = propertySeverity(c.Object.Kind, p)
		one.Sentence = propertySentence(one, p)
		list = append(list, one)
	}
	return list
}

// nameOf is an object's name without its kind.
func nameOf(id schema.ID) string {
	_, name, _ := strings.Cut(id.String(), ":")
	return name
}

// groupOf is the outermost object that an object is a part of.
func groupOf(o schema.Object, models ...*schema.Model) schema.ID {
	group := o.ID()
	for parent := o.Parent(); !parent.IsZero(); {
		group = parent
		var next schema.ID
		for _, m := range models {
			if p := m.Object(parent); p != nil {
				next = p.Parent()
				break
			}
		}
		parent = next
	}
	return group
}

// shown is a property's value as PostgreSQL's commands take it.
func shown(kind schema.Kind, property string, value any) string {
	if target, ok := value.(int64); ok && kind == "column" && property == "statistics" {
		return strconv.FormatInt(target-1, 10) // the model counts from the server's default, which is -1
	}
	return schema.Text(value)
}
