//go:build unix && !linux

package environments

import "os/exec"

// spawn starts a server for that lifetime. The channel is closed when it has ended.
func spawn(cmd *exec.Cmd, life lifetime, lock *fileLock) (chan struct{}, error) {
	pass(cmd, lock)
	if life == detached {
		return spawnDetached(cmd)
	}
	return spawnWatched(cmd)
}
