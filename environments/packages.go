package environments

// The major versions of PostgreSQL that kedge knows.
const (
	oldestMajor = 13
	newestMajor = 18
)
