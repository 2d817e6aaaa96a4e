package source

import (
	"path"
	"strings"

	"github.com/kedgedb/kedge/migrate"
)

// read lets a format read a folder. Baselines, B5__name.sql, are kedge's in every
// format: `kedge squash` and `kedge adopt --from-live` write them.
func read(format Format, f *Folder) Reading {
	rest := *f
	rest.Files = make([]string, 0, len(f.Files))
	var baselines []Unit
	for _, name := range f.Files {
		if u, ok := parseBaseline(path.Base(name)); ok {
			u.Path = name
			baselines = append(baselines, u)
			continue
		}
		rest.Files = append(rest.Files, name)
	}
	r := format.Read(&rest)
	r.Units = append(r.Units, baselines...)
	return r
}

// parseBaseline reads B5__name.sql.
func parseBaseline(base string) (Unit, bool) {
	stem, ok := strings.CutSuffix(base, ".sql")
	if !ok || !strings.HasPrefix(stem, "B") {
		return Unit{}, false
	}
	number, name, ok := strings.Cut(stem[1:], "__")
	version, err := migrate.ParseVersion(number)
	return Unit{Version: version, Name: name, Kind: migrate.Baseline, Direction: migrate.Up}, ok && err == nil
}

// BaselineFile is the name of the file of a baseline. kedge reads it in every format.
func BaselineFile(version migrate.Version, name string) string {
	return "B" + version.String() + "__" + name + ".sql"
}
