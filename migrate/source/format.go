package source

import (
	"fmt"
	"strings"
	"time"

	"github.com/kedgedb/kedge/migrate"
)

// Format is a way of naming and writing migrations.
type Format interface {
	// Name is how configuration and people call it.
	Name() string
	// Detect counts the files of the folder that speak for this format; the
	// format with the highest count reads the folder. It may peek into files.
	Detect(*Folder) int
	// Read finds the scripts of the folder. Every file of Folder.Files ends up
	// in a script, a hook, Ignored or a problem.
	Read(*Folder) Reading
	// New is the files of a new migration.
	New(*Folder, Draft) ([]NewFile, error)
}

// Formats are the naming formats that kedge reads, in the order in which they
// are tried: the first of equals reads a folder.
var Formats = []Format{
	golangMigrate{}, flyway{}, goose{}, dbmate{}, tern{}, diesel{}, prisma{}, drizzle{}, atlas{}, sqlx{}, sqitch{}, liquibase{}, rails{},
}

// FormatNames are the names of Formats.
func FormatNames() []string {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = f.Name()
	}
	return names
}

// Reading is what a format found in a folder.
type Reading struct {
	Units    []Unit
	Hooks    []HookFile
	Ignored  []string // passed over by a rule of the format
	Problems Problems
	Warnings Problems // what the tool itself would pass over, and other things worth saying
}

// Unit is the script of one direction of a migration, found and not yet read.
type Unit struct {
	Version   migrate.Version // "" for a repeatable one
	Name      string
	Kind      migrate.Kind
	Direction migrate.Direction
	Path      string // in the folder
	Part      *Part  // nil: the whole file
	// Text is the script where it is not bytes of the file as they stand: with
	// a delimiter of the format made a semicolon, or taken out of comments. Part
	// then says where it belongs.
	Text *string
	// Expand puts values into the script and names those that it used. The
	// checksum is over what it is given.
	Expand func(text string) (string, map[string]string, error)
	// Settings are what the format's own annotations ask for, in place of a
	// header. A header's keys take precedence.
	Settings migrate.Header
}

// Part is a stretch of a file that is one script.
type Part struct {
	Offset int64
	Size   int64 // in bytes
	Line   int   // of the file, from 1, on which it begins
}

// HookFile is a script that runs around migrations, found and not yet read.
type HookFile struct {
	Event string // as the format calls it: beforeMigrate, afterEachMigrate, …
	Name  string // what the file name adds to it
	Path  string
}

// Draft is what `kedge new` is asked for.
type Draft struct {
	Name   string       // words; spaces and other odd characters become underscores
	Kind   migrate.Kind // "" is Versioned
	Scheme Scheme
	Now    time.Time       // for time stamps, taken in UTC
	OneWay bool            // without a down script
	After  migrate.Version // a version to come after beside those of the folder
}

// Scheme is how versions are numbered.
type Scheme string

// The schemes. FollowFolder is a time stamp in an empty folder.
const (
	FollowFolder Scheme = ""
	Timestamp    Scheme = "timestamp"  // 20260101120000
	Sequential   Scheme = "sequential" // 000001, as wide as the folder's
)

// NewFile is a file that `kedge new` writes.
type NewFile struct {
	Path    string // in the folder, with slashes
	Content string
	// Replaces is true for a list that the format keeps beside its migrations
	// and that is there already.
	Replaces bool
}

// choose finds the format of a folder by name, or by looking.
func choose(formats []Format, f *Folder, name string) (Format, error) {
	if formats == nil {
		formats = Formats
	}
	if name != "" {
		var names []string
		for _, format := range formats {
			if format.Name() == name {
				return format, nil
			}
			names = append(names, format.Name())
		}
		return nil, fmt.Errorf("unknown format of migrations %q: did you mean %s? There are %s", name, nearest(name, names), strings.Join(names, ", "))
	}
	var best Format
	most := 0
	for _, format := range formats {
		if n := format.Detect(f); n > most || best == nil {
			best, most = format, n
		}
	}
	return best, nil
}

// count is how many names fit.
func count(names []string, fits func(string) bool) int {
	n := 0
	for _, name := range names {
		if fits(name) {
			n++
		}
	}
	return n
}

// nearest is the candidate with the fewest letters to change.
func nearest(word string, candidates []string) string {
	best, fewest := "", -1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), c); fewest < 0 || d < fewest {
			best, fewest = c, d
		}
	}
	return best
}

// distance is how many letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
