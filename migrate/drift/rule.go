package drift

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/kedgedb/kedge/schema"
)

// Rule excuses differences: every field that is set must match. Patterns have *
// and ?; Name is matched against the name with and without its schema.
type Rule struct {
	Kind, Name, Schema, Owner, Extension, Property string
	Reason                                         string
	Until                                          time.Time // first day on which it no longer holds; zero is never
	File                                           string    // where it is written
	Line                                           int
}

// RuleFinding is a rule that wants a look itself.
type RuleFinding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// expired tells whether the rule no longer holds.
func (r Rule) expired(now time.Time) bool { return !r.Until.IsZero() && !now.Before(r.Until) }

// String is what the rule is about.
func (r Rule) String() string {
	var parts []string
	for _, p := range [][2]string{{"kind", r.Kind}, {"name", r.Name}, {"schema", r.Schema}, {"owner", r.Owner}, {"extension", r.Extension}, {"property", r.Property}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

func (r Rule) matches(c Change, attributes *schema.Attributes) bool {
	name := unqualified(c)
	return fits(r.Kind, string(c.Kind)) && (r.Name == "" || glob(r.Name, name) || glob(r.Name, c.Name)) &&
		fits(r.Schema, c.Object.Schema) && fits(r.Property, c.Property) &&
		(r.Owner == "" || glob(r.Owner, attributes.Owner)) && (r.Extension == "" || anyFits(r.Extension, attributes.Requires))
}

func unqualified(c Change) string {
	if c.Object.Schema == "" {
		return c.Name
	}
	return strings.TrimPrefix(c.Name, c.Object.Schema+".")
}

func fits(pattern, text string) bool { return pattern == "" || glob(pattern, text) }

func anyFits(pattern string, texts []string) bool {
	for _, t := range texts {
		if glob(pattern, t) {
			return true
		}
	}
	return false
}

// glob is path.Match without its escapes and classes, and * matches slashes too.
func glob(pattern, text string) bool {
	plain := strings.NewReplacer("/", "\x00", `\`, `\\`, "[", `\[`).Replace(pattern)
	ok, err := path.Match(plain, strings.ReplaceAll(text, "/", "\x00"))
	return err == nil && ok
}

// excuse moves what the rules excuse out of the changes, and reports rules that
// have ended or never match.
func (r *Report) excuse(expected, live *schema.Model, o Options) {
	now := o.Now
	if now.IsZero() {
		now = time.Now()
	}
	used := make([]bool, len(o.Rules))
	kept := r.Changes[:0]
	for _, c := range r.Changes {
		rule := -1
		for i := range o.Rules {
			if o.Rules[i].matches(c, attributesOf(c.Object, expected, live)) {
				used[i] = true
				if !o.Rules[i].expired(now) && rule < 0 {
					rule = i
				}
			}
		}
		if rule < 0 {
			kept = append(kept, c)
			continue
		}
		r.Ignored = append(r.Ignored, Ignored{c, o.Rules[rule].Reason})
	}
	r.Changes = kept
	for i, rule := range o.Rules {
		switch {
		case rule.expired(now):
			r.Rules = append(r.Rules, RuleFinding{rule.File, rule.Line, fmt.Sprintf("the ignore rule for %s ended on %s: renew it or remove it", rule, rule.Until.Format(time.DateOnly))})
		case !used[i]:
			r.Rules = append(r.Rules, RuleFinding{rule.File, rule.Line, fmt.Sprintf("the ignore rule for %s matches nothing: remove it", rule)})
		}
	}
}

func attributesOf(id schema.ID, models ...*schema.Model) *schema.Attributes {
	for _, m := range models {
		if o := m.Object(id); o != nil {
			return o.Common()
		}
	}
	return &schema.Attributes{}
}
