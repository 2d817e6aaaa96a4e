//go:build unix

package environments

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// signalStop tells the server to stop.
// https://www.postgresql.org/docs/current/server-shutdown.html
func signalStop(p *postmaster, mode StopMode) error {
	return syscallKill(p.pid, map[StopMode]syscall.Signal{StopFast: syscall.SIGINT, StopImmediate: syscall.SIGQUIT}[mode])
}

func syscallKill(pid int, signal syscall.Signal) error {
	err := syscall.Kill(pid, signal)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// pass lets the process inherit the lock.
func pass(cmd *exec.Cmd, lock *fileLock) {
	if lock != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, lock.file)
	}
}

// spawnDetached starts a process that outlives this one.
func spawnDetached(cmd *exec.Cmd) (chan struct{}, error) {
	cmd.SysProcAttr.Setpgid = false
	cmd.SysProcAttr.Setsid = true
	return startProcess(cmd)
}

// watchdogScript waits until the other end of the pipe on its standard input is gone, with the process that held it,
// and then tells the server to quit.
const watchdogScript = `cat >/dev/null; kill -QUIT "$1"`

// spawnWatched starts a process that a shell, which waits at a pipe, ends when this process is gone.
func spawnWatched(cmd *exec.Cmd) (chan struct{}, error) {
	exited, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a watchdog: %w", err), cmd.Process.Kill())
	}
	defer read.Close()
	dog := exec.Command("/bin/sh", "-c", watchdogScript, "kedge-watchdog", strconv.Itoa(cmd.Process.Pid))
	dog.Stdin = read
	dog.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := dog.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("making a watchdog: %w", err), write.Close(), cmd.Process.Kill())
	}
	go func() {
		<-exited
		// The server is gone, and its number may soon be another process's: the watchdog goes first.
		_ = dog.Process.Kill()
		_ = dog.Wait()
		_ = write.Close()
	}()
	return exited, nil
}

// quitServer tells the server that runs on a data folder, if it is that server, to quit.
func quitServer(data string) {
	state, err := readPidFile(data)
	if err != nil {
		return // its main process is gone, and the others follow
	}
	// A server's working folder is its data folder; where /proc shows it, a number that was given out again is seen.
	if cwd, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", state.pid)); err == nil {
		if own, err := os.Stat(data); err != nil || !os.SameFile(cwd, own) {
			return
		}
	}
	_ = syscallKill(state.pid, syscall.SIGQUIT) // whether it worked shows in the lock
}

// serverRuns tells whether a process of the server with that home lives, by the lock that they inherit.
func serverRuns(home, _ string) bool {
	lock, err := tryLockFile(filepath.Join(home, serverLockName))
	lock.unlock()
	return errors.Is(err, errLocked)
}
