package environments

import (
	"os/exec"
	"runtime"
	"syscall"
)

// spawn starts a server for that lifetime. The channel is closed when it has ended.
func spawn(cmd *exec.Cmd, life lifetime, lock *fileLock) (chan struct{}, error) {
	pass(cmd, lock)
	if life == detached {
		return spawnDetached(cmd)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	return spawnOnThread(cmd)
}

// spawnOnThread starts a process on a thread that lives as long as it: the kernel sends Pdeathsig when the thread that
// started the process ends, not when the whole program does (prctl(2), PR_SET_PDEATHSIG).
func spawnOnThread(cmd *exec.Cmd) (chan struct{}, error) {
	started := make(chan error)
	exited := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // that it ended is all there is to know; why is in its log
			close(exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return exited, nil
}
