package ddl

// metaRefusal says why a script that kedge runs cannot hold a psql command and what to do, or "" for the commands
// that have no meaning outside psql.
func metaRefusal(command string) string {
	for _, known := range metaCommands {
		for _, name := range known.names {
			if name == command {
				return known.reason
			}
		}
	}
	return "only psql knows it; take it out or run the script with psql"
}

var metaCommands = []struct {
	names  []string
	reason string
}{
	{[]string{"restrict", "unrestrict"}, ""},
	{[]string{"connect", "c"}, "a migration runs on the one database that its environment names; " +
		"split the script by database and run each part on its own environment"},
	{[]string{"i", "include", "ir", "include_relative"}, "put the included file's SQL here, or make it a migration of its own"},
	{[]string{"copy"}, "it reads a file on the client; use COPY … FROM stdin with the rows below it, ended by a line \\."},
	{[]string{"set", "unset", "if", "elif", "else", "endif"}, "psql's variables do not exist here; use placeholders of the environment"},
	{[]string{"g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch", "bind"}, "end the statement with a semicolon; " +
		"to run SQL that a query makes, use a DO block with EXECUTE"},
	{[]string{"."}, "it ends COPY data, and no COPY … FROM stdin is open here"},
	{[]string{"encoding"}, "scripts are UTF-8; convert the file"},
	{[]string{"echo", "qecho", "warn", "timing", "pset", "x", "t", "a", "o", "out", "q", "quit", "r", "p", "prompt", "d", "dt", "dn", "l", "df"},
		"it only changes what psql shows; take it out"},
	{[]string{"!", "cd", "setenv", "getenv"}, "a migration does not run commands of the operating system; take it out"},
}
