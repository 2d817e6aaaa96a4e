package environments

import "slices"

// scope says in which files a key may stand.
type scope int

const (
	inProject scope = iota // kedge.yaml
	inBoth                 // kedge.yaml, for all environments, and an environment's file
)

// kind is how a key's value is written.
type kind int

const (
	text     kind = iota
	location      // a path, relative to kedge.yaml's folder, or a URL
	duration      // 200ms, 2s, 5m, 1h, 1d
	boolean       // true or false
	number
	texts   // a mapping of names to texts
	ignores // a list of drift's exceptions
)

// key is something that can be configured.
type key struct {
	name     string // dotted
	kind     kind
	scope    scope
	standard string // value when nobody says anything
	about    string // for the reference in docs/environments.md
}

// keys is all that can be configured.
var keys = []key{
	{"migrations", location, inProject, "migrations", "the migrations: a folder, or a golang-migrate source URL"},
	{"snapshot", location, inProject, "", "where the schema's snapshot is kept"},
	{"environments", location, inProject, "environments", "the folder of the environments' files, NAME.yaml"},
	{"default_environment", text, inProject, "dev", "the environment without `--env`"},
	{"format", text, inProject, "", "how migration files are named; found by looking when it is not set"},
	{"history.schema", text, inProject, "kedge", "the database schema that holds kedge's history"},
	{"lint.rules", texts, inProject, "", "severity of lint rules by name: `off`, `notice`, `warning` or `error`"},
	{"postgres.version", number, inProject, "0", "major version of PostgreSQL for `url: embedded` and for shadows; 0 is any"},
	{"postgres.bin", location, inProject, "", "folder of PostgreSQL's server programs; looked for when it is not set"},
	{"url", text, inBoth, "", "the database: a URL, a key=value connection string, or `embedded` for kedge's own PostgreSQL"},
	{"url_file", location, inBoth, "", "a file that holds the URL, such as a mounted secret"},
	{"protected", boolean, inBoth, "false", "whether `down`, data loss, out-of-order and unlinted plans need `--allow` and a reason"},
	{"role", text, inBoth, "", "the role to take on (SET ROLE) before any statement"},
	{"search_path", text, inBoth, "", "the search_path that every migration starts with; the server's when it is not set"},
	{"lock_timeout", duration, inBoth, "2s", "how long one statement waits for a lock"},
	{"lock_retry", duration, inBoth, "5m", "how long a migration that did not get its locks is tried again"},
	{"statement_timeout", duration, inBoth, "0", "how long one statement may run; 0 is for ever"},
	{"connect_timeout", duration, inBoth, "15s", "how long connecting may take"},
	{"refresh_snapshot", boolean, inBoth, "false", "whether `up` and `down` write the snapshot anew"},
	{"throttle.replication_lag", duration, inBoth, "0", "wait between steps while a standby is further behind; 0 is never"},
	{"placeholders", texts, inBoth, "", "values for `${name}` in migrations"},
	{"settings", texts, inBoth, "", "configuration parameters (SET) that every migration starts with"},
	{"drift.ignore", ignores, inBoth, "", "differences that are no drift, each with a reason"},
}

// flagKeys are the keys that a flag sets whose name is another.
var flagKeys = map[string]string{"source": "migrations"}

// choosingFlags decide which project and environment are read, so that no file can set them.
var choosingFlags = []string{"env", "project", "source"}

// keyInsteadOf is the key that says what the flag of that name does.
var keyInsteadOf = map[string]string{"env": "default_environment", "source": "migrations"}

func keyNamed(name string) (key, bool) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return keys[i], true
}

// nearest returns the name that was probably meant, "" when none is close.
func nearest(name string, names []string) string {
	best, closest := "", max(2, len(name)/3)+1
	for _, candidate := range names {
		if d := distance(name, candidate); d < closest {
			best, closest = candidate, d
		}
	}
	return best
}

// distance is how many characters have to be inserted, removed, replaced or swapped with their neighbour to make one
// text from another (optimal string alignment).
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(last[j]+cost, last[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}
