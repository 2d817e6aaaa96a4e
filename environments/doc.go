// Package environments knows the named targets of a project: their configuration, how to connect to them, and the
// PostgreSQL servers that kedge runs itself (the development server, shadows, servers for tests). It knows nothing of
// migrations or of a schema's model.
package environments
