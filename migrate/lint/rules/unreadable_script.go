package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
)

var unreadableScript = Rule{Name: "unreadable-script", Family: Broken, Severity: finding.Error, OnDown: true}
