package environments

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// DefaultCache is the folder where kedge keeps what is costly to make again (fetched servers, initialised data
// folders) and the development databases: KEDGE_CACHE when set, else "kedge" in the user's cache folder. Root's is
// /var/cache/kedge, since an unprivileged user, whom the server runs as, cannot reach below root's home.
func DefaultCache() string {
	if dir := os.Getenv("KEDGE_CACHE"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/cache/kedge"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "kedge")
	}
	return filepath.Join(os.TempDir(), userFolderName(), "cache")
}

// longestRunFolder leaves room for "/r1234567890/.s.PGSQL.65535" in the 104 bytes that a socket's address has on macOS.
const longestRunFolder = 72

// runFolder returns the folder for what lives no longer than a server: short, since a socket's path must be, and for
// this user alone.
func runFolder() (string, error) {
	dir := filepath.Join(os.TempDir(), userFolderName())
	if runtime.GOOS != "windows" && len(dir) > longestRunFolder {
		dir = filepath.Join("/tmp", userFolderName())
	}
	// 0711: the unprivileged user that root's servers run as passes through, and sees nothing.
	if err := os.Mkdir(dir, 0o711); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("making kedge's temporary folder: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("making kedge's temporary folder: %w", err)
	}
	if !info.IsDir() || !ownedByUser(info) {
		return "", fmt.Errorf("%s does not belong to this user alone: remove it, or set TMPDIR", dir)
	}
	if os.Geteuid() == 0 { // whatever the umask
		if err := os.Chmod(dir, 0o711); err != nil {
			return "", fmt.Errorf("making kedge's temporary folder: %w", err)
		}
	}
	return dir, nil
}

func userFolderName() string {
	uid := os.Getuid()
	if uid < 0 { // Windows, whose temporary folder is the user's own
		return "kedge"
	}
	return "kedge-" + strconv.Itoa(uid)
}

// makeCache makes a folder below the cache, passable for the user that root's servers run as.
func makeCache(cache string, parts ...string) (string, error) {
	if cache == "" {
		cache = DefaultCache()
	}
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", fmt.Errorf("making kedge's cache folder: %w", err)
	}
	dir := filepath.Join(append([]string{cache}, parts...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making kedge's cache folder: %w", err)
	}
	if os.Geteuid() == 0 { // whatever the umask
		for path := dir; len(path) >= len(cache); path = filepath.Dir(path) {
			if err := os.Chmod(path, 0o755); err != nil {
				return "", fmt.Errorf("making kedge's cache folder: %w", err)
			}
		}
	}
	return dir, nil
}
