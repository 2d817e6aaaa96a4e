//go:build unix

package environments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileLock is an flock(2) on a file. The lock lasts until every process that has the open file is gone, so that it can
// be passed on to a server, and nothing but the kernel has to tell whether its holder lives.
type fileLock struct{ file *os.File }

// errLocked is the reason when somebody else holds a lock that was only tried.
var errLocked = errors.New("locked by another process")

// lockFile takes the lock, waiting for it.
func lockFile(path string) (*fileLock, error) { return flock(path, unix.LOCK_EX) }

// tryLockFile takes the lock if it is free, else the error is errLocked.
func tryLockFile(path string) (*fileLock, error) { return flock(path, unix.LOCK_EX|unix.LOCK_NB) }

func flock(path string, how int) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return &fileLock{file: f}, nil
}

func (l *fileLock) unlock() {
	if l != nil {
		l.file.Close()
	}
}

func ownedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o022 == 0
}
