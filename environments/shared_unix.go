//go:build unix

package environments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// SharedOptions says which server ShareServer shares.
type SharedOptions struct {
	Name   string        // processes that give the same name, binaries and settings share a server
	Server ServerOptions // Listen must be ListenSocket
	Linger time.Duration // how long the server waits for a next user after the last is gone, in whole seconds
	Keep   time.Duration // Linger once somebody has called Keep, in whole seconds
}

// Shared is this process's use of a server that several processes of this user share. The server goes away by itself
// some time after the last of them has ended.
type Shared struct {
	post  *postmaster
	lease *os.File // the writing end of the server's pipe; its keeper waits until nobody has one
}

// sharedState is what is written down about a shared server for those who come after the one that started it.
type sharedState struct {
	Home     string
	Binaries Binaries
}

// ShareServer returns a use of the server of that name, which it starts when there is none.
func ShareServer(ctx context.Context, opt SharedOptions) (*Shared, error) {
	run, err := runFolder()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(run, "shared-"+opt.Name)
	// Only one process at a time looks for the server or starts it.
	guard, err := lockFile(file + ".lock")
	if err != nil {
		return nil, err
	}
	defer guard.unlock()
	if shared, err := joinShared(ctx, file); err == nil {
		return shared, nil
	}
	server, err := startServer(ctx, opt.Server, shapeFull, detached)
	if err != nil {
		return nil, err
	}
	lease, err := startKeeper(server, opt)
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	state, err := json.Marshal(sharedState{Home: server.home, Binaries: server.post.binaries})
	if err == nil {
		err = os.WriteFile(file, state, 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing down a shared server: %w", err), lease.Close())
	}
	return &Shared{post: server.post, lease: lease}, nil
}

// joinShared becomes one more user of the server that the file names. Any error means that there is none.
func joinShared(ctx context.Context, file string) (*Shared, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var state sharedState
	if err := json.Unmarshal(content, &state); err != nil {
		return nil, err
	}
	// Without a keeper at the other end this fails (ENXIO). The byte tells the keeper that somebody came.
	fd, err := syscall.Open(filepath.Join(state.Home, pipeName), syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	lease := os.NewFile(uintptr(fd), pipeName)
	if _, err := lease.Write([]byte{'.'}); err != nil {
		return nil, errors.Join(err, lease.Close())
	}
	post := &postmaster{binaries: state.Binaries, home: state.Home, socket: state.Home, data: filepath.Join(state.Home, "data"), port: socketPort}
	if pid, err := readPidFile(post.data); err != nil || !pid.ready {
		return nil, errors.Join(errors.New("the shared server is not running"), err, lease.Close())
	}
	return &Shared{post: post, lease: lease}, nil
}

const (
	pipeName   = "users"
	closedName = "closed"
	keepName   = "keep"
)

// keeperScript ends a server when nobody uses it. On descriptor 4 is a pipe: cat returns when the last of its writers
// is gone, and says how many came since the last time it was asked. The pipe is renamed before the last look, so that
// whoever opened it is seen, and whoever comes later finds no server and starts a new one.
// $1 is the home folder, $2 the server's process, $3 and $4 how many seconds to wait for a next user.
const keeperScript = `
cd "$1" || exit 1
trap '' INT TERM HUP
came() { [ -n "$(cat <&4)" ]; }
while :; do
	came
	if [ -e keep ]; then sleep "$4"; else sleep "$3"; fi
	came && continue
	mv users closed
	came || break
	mv closed users
done
kill -QUIT "$2"
tries=0
while kill -0 "$2" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
cd / && rm -rf "$1"
`

// startKeeper starts the process that ends the server when nobody uses it, and returns this process's use of it.
func startKeeper(s *Server, opt SharedOptions) (*os.File, error) {
	pipe := filepath.Join(s.home, pipeName)
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		return nil, fmt.Errorf("making a shared server's pipe: %w", err)
	}
	// Opened without waiting for the other end, then read in the ordinary, waiting way.
	fd, err := syscall.Open(pipe, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a shared server's pipe: %w", err)
	}
	lease, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err == nil {
		err = syscall.SetNonblock(fd, false)
	}
	read := os.NewFile(uintptr(fd), pipeName)
	defer read.Close()
	if err != nil {
		return nil, fmt.Errorf("opening a shared server's pipe: %w", err)
	}
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	keeper := exec.Command("/bin/sh", "-c", keeperScript, "kedge-keeper", s.home, strconv.Itoa(s.post.pid), seconds(opt.Linger), seconds(opt.Keep))
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	keeper.ExtraFiles = []*os.File{s.owner.file, read} // descriptors 3, the owner's lock, and 4
	if _, err := startProcess(keeper); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a shared server's keeper: %w", err), lease.Close())
	}
	s.owner.unlock() // from here on the keeper is the owner
	return lease, nil
}

// Binaries returns the installation that the server runs from.
func (s *Shared) Binaries() Binaries { return s.post.binaries }

// URL returns the superuser's URL of a database.
func (s *Shared) URL(database string) string { return s.post.url(database) }

// Keep makes the server wait longer (SharedOptions.Keep) after its last user, so that somebody can look into it.
func (s *Shared) Keep() error {
	if err := os.WriteFile(filepath.Join(s.post.home, keepName), nil, 0o600); err != nil {
		return fmt.Errorf("keeping a shared server: %w", err)
	}
	return nil
}

// Leave ends this process's use of the server. The end of the process does the same.
func (s *Shared) Leave() error { return s.lease.Close() }
