// Package sqloracle knows how to ask psql where a script's statements end: it is a backend that records the queries
// that psql sends. It does not know SQL beyond the two statements that change the protocol's course, COPY … FROM stdin
// and the setting standard_conforming_strings; what it is compared with is in the tests.
package sqloracle
