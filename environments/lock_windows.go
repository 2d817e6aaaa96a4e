package environments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// fileLock is a LockFileEx on a file, held until it is unlocked or this process ends.
type fileLock struct{ file *os.File }

// errLocked is the reason when somebody else holds a lock that was only tried.
var errLocked = errors.New("locked by another process")

// lockFile takes the lock, waiting for it.
func lockFile(path string) (*fileLock, error) {
	return lockFileEx(path, windows.LOCKFILE_EXCLUSIVE_LOCK)
}

// tryLockFile takes the lock if it is free, else the error is errLocked.
func tryLockFile(path string) (*fileLock, error) {
	return lockFileEx(path, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY)
}

func lockFileEx(path string, flags uint32) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{})
	if err != nil {
		f.Close()
		if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
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

func ownedByUser(fs.FileInfo) bool { return true }
