// Package orders knows the reference schema, a shop's users, products, orders
// and ledger, as the migrations that a team wrote over six weeks. It does not
// know how migrations are read or applied: it only holds their files.
//
// # What the files follow
//
// Versioned migrations are pairs named by golang-migrate's rule with a time
// stamp for a version (20260106091500_create_users.up.sql and .down.sql); every
// down script reverts its up script, down to the order of columns. R__NAME.sql
// is repeatable: applied after the versioned ones and again whenever it changes,
// so its SQL can be run any number of times (CREATE OR REPLACE). A down script
// that removes a table removes the repeatable objects that read it, too; a run
// upwards makes them again.
//
// Roles belong to a server, not to a database. They are created where they are
// missing, without LOGIN, and stay when the migration that needs them is
// reverted; the rights in the database go.
//
// A column that holds personal data says so in its comment, by the marker
//
//	[personal: CLASS]
//
// where CLASS is contact, credential, identity or location. A column without
// the marker holds none.
//
// The migrations need one placeholder, ${retention}: how long a closed account
// is kept, as an interval.
package orders

import (
	"embed"
	"io/fs"
)

//go:embed migrations
var files embed.FS

// Migrations is the folder of the reference schema's migrations.
func Migrations() fs.FS {
	folder, _ := fs.Sub(files, "migrations") // fails only for a name that is not a path
	return folder
}

// Placeholders are the values that the migrations need, as the development
// environment has them.
func Placeholders() map[string]string {
	return map[string]string{"retention": "30 days"}
}
