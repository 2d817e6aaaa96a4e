package environments

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// spawn starts a server for that lifetime. The channel is closed when it has ended.
func spawn(cmd *exec.Cmd, life lifetime, _ *fileLock) (chan struct{}, error) {
	exited, err := startProcess(cmd)
	if err != nil || life == detached {
		return exited, err
	}
	if err := endWithUs(cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill() // the reason that is returned is the one that matters
		return nil, err
	}
	return exited, nil
}

// endWithUs puts a process and its children into a job that Windows ends when this process's handle of it is gone.
func endWithUs(pid int) error {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return fmt.Errorf("making a job: %w", err)
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info))); err != nil {
		return fmt.Errorf("making a job: %w", err)
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return fmt.Errorf("making a job: %w", err)
	}
	defer windows.CloseHandle(process)
	if err := windows.AssignProcessToJobObject(job, process); err != nil {
		return fmt.Errorf("making a job: %w", err)
	}
	return nil // the job's handle stays open as long as this process
}

// signalStop tells the server to stop, by the named pipe through which pg_ctl sends signals on Windows.
func signalStop(p *postmaster, mode StopMode) error {
	word := map[StopMode]string{StopFast: "fast", StopImmediate: "immediate"}[mode]
	out, err := exec.Command(filepath.Join(p.binaries.Dir, "pg_ctl.exe"), "stop", "-D", p.data, "-m", word).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// quitServer does nothing: the job has ended the server with its owner.
func quitServer(string) {}

// serverRuns tells whether the main process of the server on a data folder lives.
func serverRuns(_, data string) bool {
	state, err := readPidFile(data)
	if err != nil {
		return false
	}
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(state.pid))
	if err != nil {
		return false
	}
	defer windows.CloseHandle(process)
	var code uint32
	const stillActive = 259
	return windows.GetExitCodeProcess(process, &code) == nil && code == stillActive
}
