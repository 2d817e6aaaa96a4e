// Package rules knows what can go wrong when a migration meets a live database: a rule is a value with a check over
// parsed statements, and a page with its explanation and its examples. It does not read files, connect to anything or
// decide what becomes of a finding; package lint does.
package rules
