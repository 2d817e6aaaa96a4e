package drift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedgedb/kedge/schema"
	"github.com/kedgedb/kedge/schema/catalog"
)

// ofKind is how bad it is that an object of a kind is there or not there.
var ofKind = map[schema.Kind]Severity{
	"policy": Security, "default_privileges": Security, "role": Security, "membership": Security, "user_mapping": Security,
	"constraint": Integrity, "trigger": Integrity, "event_trigger": Integrity, "rule": Integrity, "domain_constraint": Integrity,
	"index": Performance, "statistics": Performance,
}

func existence(o schema.Object) Severity {
	if isUnique(o) {
		return Integrity
	}
	if s, ok := ofKind[o.ID().Kind]; ok {
		return s
	}
	return Structure
}

func isUnique(o schema.Object) bool {
	index, ok := o.(*catalog.Index)
	return ok && index.Unique
}

// ofProperty is how bad it is that a property differs, whatever the kind.
var ofProperty = map[string]Severity{
	"grants": Security, "owner": Security, "row_security": Security, "force_row_security": Security, "security_definer": Security, "labels": Security,
	"not_valid": Integrity, "not_enforced": Integrity, "invalid": Integrity, "enabled": Integrity, "not_null": Integrity,
	"deferrable": Integrity, "deferred": Integrity, "replica_identity": Integrity, "unlogged": Integrity, "unpopulated": Integrity,
	"statistics": Performance, "storage": Performance, "compression": Performance, "tablespace": Performance, "clustered": Performance,
	"access_method": Performance, "cost": Performance, "rows": Performance, "support": Performance, "parallel": Performance,
	"statistics_target": Performance, "cache": Performance,
	"comment": Cosmetic, "position": Cosmetic, "not_null_name": Cosmetic,
}

func propertySeverity(kind schema.Kind, c schema.Change) Severity {
	if kind == "view" && c.Property == "options" && securityInvoker(c.From) != securityInvoker(c.To) {
		return Security
	}
	if c.Property == "options" && (kind == "table" || kind == "index" || kind == "column" || kind == "materialized_view") {
		return Performance
	}
	if s, ok := ofProperty[c.Property]; ok {
		return s
	}
	if s, ok := ofKind[kind]; ok {
		return s
	}
	return Structure
}

func securityInvoker(options any) bool {
	text := strings.ToLower(schema.Text(options))
	return strings.Contains(text, "security_invoker=true") || strings.Contains(text, "security_invoker=on") || strings.Contains(text, "security_invoker=1")
}

// words is a kind as people say it.
func words(kind schema.Kind) string { return strings.ReplaceAll(string(kind), "_", " ") }

// meaning is what the absence of an object of a kind leads to, and what its
// unasked presence does.
var meaning = map[schema.Kind][2]string{
	"index":         {"queries that used it are slower", "it costs every write, and nobody asked for it"},
	"constraint":    {"rows that break it can come in", "it can refuse rows that the migrations allow"},
	"trigger":       {"what it did at each write no longer happens", "it does something at each write that nobody asked for"},
	"policy":        {"rows are open or closed to others than planned", "rows are open or closed to others than planned"},
	"column":        {"queries that name it fail", "nobody asked for it"},
	"table":         {"queries that name it fail", "nobody asked for it"},
	"view":          {"queries that name it fail", "nobody asked for it"},
	"function":      {"what calls it fails", "nobody asked for it"},
	"default":       {"rows come in without it", "rows come in with a value that nobody asked for"},
	"event_trigger": {"what it did at each DDL statement no longer happens", "it acts on DDL statements, and nobody asked for it"},
}

func existenceSentence(c Change, o schema.Object) string {
	what := fmt.Sprintf("%s %s", words(c.Kind), c.Name)
	why := meaning[c.Kind]
	if c.Operation == Removed {
		if isUnique(o) {
			return what + " is gone: duplicates can come in"
		}
		if why[0] == "" {
			return what + " is gone"
		}
		return what + " is gone: " + why[0]
	}
	if why[1] == "" {
		return what + " is there, and nobody asked for it"
	}
	return what + " is there: " + why[1]
}

func propertySentence(c Change, p schema.Change) string {
	what := fmt.Sprintf("%s %s", words(c.Kind), c.Name)
	lost := p.From == true && p.To == false
	gained := p.From == false && p.To == true
	switch {
	case p.Property == "grants":
		return what + grantsSentence(p)
	case p.Property == "owner":
		return fmt.Sprintf("%s belongs to %s, not to %s", what, c.Live, c.Expected)
	case p.Property == "row_security" && lost:
		return what + " has row security off: its policies do not apply, everybody sees every row"
	case p.Property == "force_row_security" && lost:
		return what + " does not force row security: its owner sees every row"
	case p.Property == "security_definer":
		return what + map[bool]string{true: " runs with its owner's rights", false: " no longer runs with its owner's rights"}[gained]
	case p.Property == "not_valid" && gained:
		return what + " is not valid: rows that were there before may break it"
	case p.Property == "not_enforced" && gained:
		return what + " is not enforced: it is not checked at all"
	case p.Property == "invalid" && gained:
		return what + " is invalid: queries do not use it, writes still pay for it, and where it is unique nothing is"
	case p.Property == "enabled":
		return fmt.Sprintf("%s fires %s, not %s", what, firing(c.Live), firing(c.Expected))
	case p.Property == "not_null" && lost:
		return what + " takes NULL"
	case p.Property == "not_null" && gained:
		return what + " refuses NULL"
	case p.Property == "unlogged" && gained:
		return what + " is unlogged: a crash empties it"
	case c.Severity == Security && c.Kind == "view":
		return what + " no longer runs with the caller's rights: row security of its tables is passed by"
	case p.Property == "comment":
		return what + " has another comment"
	}
	if from, ok := p.From.([]string); ok {
		if to, ok := p.To.([]string); ok {
			return what + listSentence(strings.ReplaceAll(p.Property, "_", " "), from, to)
		}
	}
	return fmt.Sprintf("%s has %s %s, not %s", what, strings.ReplaceAll(p.Property, "_", " "), brief(c.Live), brief(c.Expected))
}

// listSentence names what is more and what is less in a list of texts.
func listSentence(property string, from, to []string) string {
	with := func(list, others []string) string {
		var own []string
		for _, text := range list {
			if !slices.Contains(others, text) {
				own = append(own, text)
			}
		}
		return strings.Join(own, ", ")
	}
	more, less := with(to, from), with(from, to)
	switch {
	case more != "" && less != "":
		return fmt.Sprintf(" has other %s: %s, and not %s", property, brief(more), brief(less))
	case more != "":
		return fmt.Sprintf(" has more %s: %s", property, brief(more))
	case less != "":
		return fmt.Sprintf(" lacks %s: %s", property, brief(less))
	}
	return fmt.Sprintf(" has its %s in another order", property)
}

func firing(enabled string) string {
	switch strings.ToUpper(enabled) {
	case "", "ORIGIN":
		return "as usual"
	case "DISABLE", "DISABLED":
		return "never (disabled)"
	}
	return strings.ToLower(enabled)
}

func grantsSentence(p schema.Change) string {
	from, _ := p.From.([]schema.Grant)
	to, _ := p.To.([]schema.Grant)
	var more, less []string
	for _, g := range to {
		if !slices.Contains(from, g) {
			more = append(more, grantText(g))
		}
	}
	for _, g := range from {
		if !slices.Contains(to, g) {
			less = append(less, grantText(g))
		}
	}
	var parts []string
	if len(more) > 0 {
		parts = append(parts, "grants "+strings.Join(more, ", ")+", which nobody asked for")
	}
	if len(less) > 0 {
		parts = append(parts, "does not grant "+strings.Join(less, ", "))
	}
	return " " + strings.Join(parts, " and ")
}

func grantText(g schema.Grant) string {
	text := g.Privilege + " to " + g.Role
	if g.Revoked {
		text = "no " + text
	}
	if g.Grantable {
		text += " with grant option"
	}
	return text
}

// brief is a value short enough for a sentence.
func brief(value string) string {
	value = strings.Join(strings.Fields(value), " ")
	if value == "" {
		return "none"
	}
	if r := []rune(value); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return value
}
