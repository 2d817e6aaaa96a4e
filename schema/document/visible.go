package document

import "github.com/kedgedb/kedge/schema/ddl"

// visible is text from a database, safe to show.
func visible(s string) string { return ddl.Visible(s) }
