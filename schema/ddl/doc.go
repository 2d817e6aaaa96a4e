// Package ddl knows how PostgreSQL's SQL is written: its lexical rules, how a script is cut into statements, what a
// statement is by its first words, how DDL reads as typed nodes, how names and literals are quoted, and what each
// statement locks, rewrites and scans on every supported major version.
//
// It does not know what is in a database, it never opens a connection, and it refuses no statement: syntax that it
// has not seen is reported as unknown, because a newer server may know it.
package ddl
