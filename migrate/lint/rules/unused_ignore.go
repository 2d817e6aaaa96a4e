package rules

import (
	"github.com/kedgedb/kedge/migrate/finding"
)

var unusedIgnore = Rule{Name: "unused-ignore", Family: Comments, Severity: finding.Warning}
