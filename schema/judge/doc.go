// Package judge knows what two databases must have in common to count as the
// same, by what pg_dump prints of them, and holds the pairs of schemas on which
// kedge's differences are judged: those of real projects' histories in
// testdata/pairs and random ones of its own making. It does not know how a
// difference is found or written: it was made without looking.
package judge
