package rules

import (
	"embed"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kedgedb/kedge/migrate/finding"
)

// Family is what a rule is about.
type Family string

// The families of rules.
const (
	Blocking Family = "blocking"      // somebody waits
	Broken   Family = "broken"        // it fails, or does not do what it says
	Loss     Family = "data loss"     // rows, or code that runs, are lost
	Design   Family = "design"        // it works, and will be regretted
	Personal Family = "personal data" // it has to be accounted for
	Comments Family = "comments"      // kedge:ignore comments
)

// Families lists them in the order in which they are shown.
var Families = []Family{Blocking, Broken, Loss, Design, Personal, Comments}

// Rule is one thing that lint looks for. Its page, testdata/NAME.txtar, has the explanation, what it finds (bad.sql,
// with a -- want comment on each line that a finding starts on), what it lets pass (good.sql), and what to write
// instead (fixed.sql, which runs after setup.sql).
type Rule struct {
	Name     string
	Family   Family
	Severity finding.Severity
	// LosesData marks what a protected environment refuses without an allowance of data-loss.
	LosesData bool
	// OnDown has the rule look at down scripts, too.
	OnDown bool
	// Each of the checks may be nil.
	Check  func(*Pass) // of one statement, Pass.Statement
	Script func(*Pass) // of a script as a whole, after its last statement; Pass.Statement is nil
	Set    func(*Pass) // of all scripts, after the last; Pass.Script is nil, too
}

// Page is what is written about a rule.
type Page struct {
	Explanation string
	Files       map[string]string // "bad.sql", "good.sql", "fixed.sql", "setup.sql" …
}

//go:embed testdata/*.txtar
var pages embed.FS

// Page returns the rule's page.
func (r *Rule) Page() Page {
	text, err := pages.ReadFile("testdata/" + r.Name + ".txtar")
	if err != nil {
		return Page{}
	}
	archive := txtar.Parse(text)
	page := Page{Explanation: strings.TrimSpace(string(archive.Comment)), Files: map[string]string{}}
	for _, f := range archive.Files {
		page.Files[f.Name] = string(f.Data)
	}
	return page
}

// Find returns the rule with the name, or nil.
func Find(name string) *Rule {
	for _, r := range Rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}
