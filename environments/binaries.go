package environments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Binaries is an installed PostgreSQL server: the folder of its programs and what that server is.
type Binaries struct {
	Dir     string // folder that holds postgres and initdb
	Major   int    // major version, such as 17
	Version string // full version, such as "17.10"
}

// Program returns the path of one of PostgreSQL's programs and whether it is there. Packages for embedding leave out
// client programs such as pg_dump and psql; those are then looked for on the PATH.
func (b Binaries) Program(name string) (string, bool) {
	if b.Dir != "" {
		if path := filepath.Join(b.Dir, executable(name)); isFile(path) {
			return path, true
		}
	}
	path, err := exec.LookPath(name)
	return path, err == nil
}

// FindOptions says which PostgreSQL to look for, and where. The zero value finds the preferred one of any version.
type FindOptions struct {
	Dir   string // folder of the binaries: only this one is looked at
	Major int    // major version; 0 is any
	Cache string // kedge's cache folder; empty is DefaultCache
}

// ErrNoBinaries is the reason when no PostgreSQL server is installed that fits.
var ErrNoBinaries = errors.New("no PostgreSQL server found on this machine")

// NoBinariesError says which server was looked for in vain, and how to install it. It is an ErrNoBinaries.
type NoBinariesError struct {
	Major int    // 0 when any would have done
	Dir   string // the configured folder, when there was one
	Hint  string // which package to install on this system
}

func (e *NoBinariesError) Error() string {
	what := "PostgreSQL server"
	if e.Major != 0 {
		what = fmt.Sprintf("PostgreSQL %d server", e.Major)
	}
	where := "on this machine"
	if e.Dir != "" {
		where = "in " + e.Dir
	}
	return fmt.Sprintf("no %s found %s: %s", what, where, e.Hint)
}

// Is makes errors.Is find ErrNoBinaries.
func (e *NoBinariesError) Is(target error) bool { return target == ErrNoBinaries }

// FindBinaries looks for a PostgreSQL server: in the configured folder, in the folder that pg_config names and on the
// PATH, in the usual folders of the system (the major asked for, else the newest), in kedge's own cache. The error is
// a *NoBinariesError when there is none.
func FindBinaries(ctx context.Context, opt FindOptions) (Binaries, error) {
	if opt.Dir != "" {
		b, err := probe(ctx, opt.Dir)
		if err != nil {
			return Binaries{}, err
		}
		if b.Dir == "" || (opt.Major != 0 && b.Major != opt.Major) {
			return Binaries{}, &NoBinariesError{Major: opt.Major, Dir: opt.Dir, Hint: "name another folder, or none to search for it"}
		}
		return b, nil
	}
	for _, dir := range preferredDirs(ctx) {
		if b, err := probe(ctx, dir); err == nil && b.Dir != "" && (opt.Major == 0 || b.Major == opt.Major) {
			return b, nil
		}
	}
	for _, patterns := range [][]string{systemPatterns(), cachePatterns(opt.Cache)} {
		found := probeAll(ctx, globAll(patterns))
		i := slices.IndexFunc(found, func(b Binaries) bool { return opt.Major == 0 || b.Major == opt.Major })
		if i >= 0 {
			return found[i], nil
		}
	}
	if err := ctx.Err(); err != nil {
		return Binaries{}, fmt.Errorf("looking for PostgreSQL: %w", err)
	}
	return Binaries{}, &NoBinariesError{Major: opt.Major, Hint: installHint(opt.Major)}
}

// AllBinaries returns one server for each major version found, the newest first.
func AllBinaries(ctx context.Context, opt FindOptions) []Binaries {
	var dirs []string
	if opt.Dir != "" {
		dirs = []string{opt.Dir}
	} else {
		dirs = append(preferredDirs(ctx), globAll(append(systemPatterns(), cachePatterns(opt.Cache)...))...)
	}
	found := probeAll(ctx, dirs)
	return slices.CompactFunc(found, func(a, b Binaries) bool { return a.Major == b.Major })
}

// preferredDirs are the folders that the user's own set-up points at.
func preferredDirs(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	return dirs
}

// systemPatterns are where packages put their servers: Debian and Ubuntu, Red Hat, Alpine, Homebrew, MacPorts,
// Postgres.app, the EDB installers.
func systemPatterns() []string {
	switch runtime.GOOS {
	case "windows":
		return []string{filepath.Join(os.Getenv("ProgramFiles"), "PostgreSQL", "*", "bin")}
	case "darwin":
		return []string{
			"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin", "/opt/local/lib/postgresql*/bin", "/Library/PostgreSQL/*/bin",
		}
	}
	return []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*", "/usr/lib/postgresql*/bin",
		"/usr/local/pgsql/bin", "/usr/local/pgsql-*/bin", "/opt/postgresql/*/bin", "/usr/local/lib/postgresql/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	}
}

func cachePatterns(cache string) []string {
	if cache == "" {
		cache = DefaultCache()
	}
	return []string{filepath.Join(cache, "postgres", "*", "native", "bin")}
}

func globAll(patterns []string) []string {
	var dirs []string
	for _, pattern := range patterns {
		matches, _ := filepath.Glob(pattern) // the patterns are constants: never malformed
		dirs = append(dirs, matches...)
	}
	return dirs
}

// probeAll returns the servers in these folders, the newest version first and otherwise in the order given.
func probeAll(ctx context.Context, dirs []string) []Binaries {
	var found []Binaries
	for _, dir := range dirs {
		if b, err := probe(ctx, dir); err == nil && b.Dir != "" && !slices.Contains(found, b) {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b Binaries) int { return compareVersions(b.Version, a.Version) })
	return found
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[.\w]*)`)

// probe asks the server in dir for its version. No server there is no error: the zero Binaries.
func probe(ctx context.Context, dir string) (Binaries, error) {
	path := filepath.Join(dir, executable("postgres"))
	if !isFile(path) || !isFile(filepath.Join(dir, executable("initdb"))) {
		return Binaries{}, nil
	}
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	if err != nil {
		return Binaries{}, fmt.Errorf("asking %s for its version: %w: %s", path, err, strings.TrimSpace(string(out)))
	}
	m := versionLine.FindStringSubmatch(string(out))
	if m == nil {
		return Binaries{}, fmt.Errorf("asking %s for its version: unexpected answer %q", path, strings.TrimSpace(string(out)))
	}
	major, err := strconv.Atoi(m[2])
	if err != nil {
		return Binaries{}, fmt.Errorf("reading the version of %s: %w", path, err)
	}
	return Binaries{Dir: dir, Major: major, Version: m[1]}, nil
}

// compareVersions orders "17.10" after "17.9" and "18beta1" before "18.0".
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		if c := versionPart(as, i) - versionPart(bs, i); c != 0 {
			return c
		}
	}
	return strings.Compare(b, a)
}

func versionPart(parts []string, i int) int {
	if i >= len(parts) {
		return -1
	}
	digits := parts[i]
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	n, _ := strconv.Atoi(digits) // digits only, or empty: 0
	return n
}

func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// installHint names the package that holds a PostgreSQL server on this system.
func installHint(major int) string {
	version := strconv.Itoa(major)
	if major == 0 {
		version = ""
	}
	switch runtime.GOOS {
	case "darwin":
		if version == "" {
			version = strconv.Itoa(newestMajor)
		}
		return "install it with: brew install postgresql@" + version
	case "windows":
		return "install it with: winget install PostgreSQL.PostgreSQL." + strconv.Itoa(max(major, oldestMajor))
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		release = nil
	}
	return linuxInstallHint(string(release), version)
}

func linuxInstallHint(release, version string) string {
	var ids []string
	for line := range strings.Lines(release) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "ID" || key == "ID_LIKE" {
			ids = append(ids, strings.Fields(strings.Trim(value, `"'`))...)
		}
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(ids, name) })
	}
	switch {
	case has("debian", "ubuntu") && version == "":
		return "install it with: apt-get install postgresql"
	case has("debian", "ubuntu"):
		return fmt.Sprintf("install it with: apt-get install postgresql-%s (apt.postgresql.org has every version)", version)
	case has("alpine"):
		return "install it with: apk add postgresql" + version
	case has("rhel", "fedora", "centos"):
		return fmt.Sprintf("install it with: dnf install postgresql%s-server (yum.postgresql.org has every version)", version)
	case has("arch"):
		return "install it with: pacman -S postgresql"
	case has("suse", "opensuse"):
		return fmt.Sprintf("install it with: zypper install postgresql%s-server", version)
	}
	return "install the PostgreSQL server package of this system, or set postgres.bin to the folder that holds its programs"
}
