package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
)

var ignoreWithoutReason = Rule{Name: "ignore-without-reason", Family: Comments, Severity: finding.Error}
