package environments

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	ownerLockName  = "owner.lock"  // held by whoever looks after a throw-away server
	serverLockName = "server.lock" // held by the server's own processes
	homePrefix     = "r"
)

// newHome makes a folder for a throw-away server and takes its owner's lock. Folders that nobody owns any more, left
// by processes that were killed, are removed on the way.
func newHome() (string, *fileLock, error) {
	run, err := runFolder()
	if err != nil {
		return "", nil, err
	}
	// A folder is made and locked, and an abandoned one is judged and removed, by one process at a time.
	guard, err := lockFile(filepath.Join(run, "homes.lock"))
	if err != nil {
		return "", nil, err
	}
	defer guard.unlock()
	if err := sweep(run); err != nil {
		return "", nil, err
	}
	home, err := os.MkdirTemp(run, homePrefix)
	if err != nil {
		return "", nil, fmt.Errorf("making a folder for a server: %w", err)
	}
	owner, err := lockFile(filepath.Join(home, ownerLockName))
	if err != nil {
		return "", nil, err
	}
	return home, owner, nil
}

// sweep removes the homes whose owner is gone, and ends a server that is still running there.
func sweep(run string) error {
	entries, err := os.ReadDir(run)
	if err != nil {
		return fmt.Errorf("looking for abandoned servers: %w", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), homePrefix) {
			continue
		}
		home := filepath.Join(run, entry.Name())
		owner, err := tryLockFile(filepath.Join(home, ownerLockName))
		if errors.Is(err, errLocked) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("looking for abandoned servers: %w", err)
		}
		err = nil
		if endAbandoned(home) {
			err = removeHome(home)
		}
		owner.unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// abandonedPatience is how long an abandoned server may take to end after it was told to.
const abandonedPatience = 2 * time.Second

// endAbandoned ends the server that still runs in a home, and returns whether none is left.
func endAbandoned(home string) bool {
	for deadline := time.Now().Add(abandonedPatience); ; {
		lock, err := tryLockFile(filepath.Join(home, serverLockName))
		if err == nil {
			lock.unlock()
			return true
		}
		if !errors.Is(err, errLocked) || time.Now().After(deadline) {
			return false
		}
		quitServer(filepath.Join(home, "data"))
		time.Sleep(readyPoll)
	}
}
