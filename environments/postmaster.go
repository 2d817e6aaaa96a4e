package environments

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StopMode is how a server is stopped, in PostgreSQL's words.
// https://www.postgresql.org/docs/current/server-shutdown.html
type StopMode int

// The ways to stop.
const (
	StopFast      StopMode = iota // ends sessions, writes a checkpoint
	StopImmediate                 // ends at once; the next start recovers
)

// Listen says where a server takes connections.
type Listen int

const (
	// ListenSocket is a Unix socket that only this user (and root) reaches; on Windows it is ListenLoopback.
	ListenSocket Listen = iota
	// ListenLoopback is a free TCP port of 127.0.0.1 with a random password; where there are Unix sockets, one as well.
	ListenLoopback
)

// lifetime is how long a server runs.
type lifetime int

const (
	withProcess lifetime = iota // ends with the process that started it, however that ends
	detached                    // goes on
)

// postmaster is a server on a data folder: what is needed to start it, reach it and stop it.
type postmaster struct {
	binaries Binaries
	who      account
	data     string // data folder
	home     string // folder of the log and the lock
	socket   string // folder of the Unix socket
	port     int
	tcp      bool
	password string // of Superuser; empty without tcp
	settings map[string]string
	hba      []string

	pid    int
	logged int64         // size of the log when it was started
	exited chan struct{} // closed when the server, a child of this process, has ended; nil when it is no child
}

const socketPort = 5432

func hasSockets() bool { return runtime.GOOS != "windows" }

func (p *postmaster) logFile() string { return filepath.Join(p.home, "log") }

func (p *postmaster) lockFile() string { return filepath.Join(p.home, serverLockName) }

// listen picks the port and, on TCP, the password.
func (p *postmaster) listen(how Listen) error {
	p.tcp = how == ListenLoopback || !hasSockets()
	p.port = socketPort
	if !p.tcp {
		return nil
	}
	p.password = rand.Text()
	return p.freePort()
}

func (p *postmaster) freePort() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("looking for a free port: %w", err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return fmt.Errorf("looking for a free port: %w", err)
	}
	return nil
}

// configure writes the data folder's configuration files.
func (p *postmaster) configure() error {
	settings := map[string]string{
		"listen_addresses":        "",
		"port":                    strconv.Itoa(p.port),
		"unix_socket_directories": "",
		"log_destination":         "stderr",
		"logging_collector":       "off",
		"log_timezone":            "UTC",
		"timezone":                "UTC",
		"lc_messages":             "C",
	}
	hba := slices.Clone(p.hba)
	if hasSockets() {
		settings["unix_socket_directories"] = p.socket
		settings["unix_socket_permissions"] = "0700"
		hba = append(hba, "local all all trust", "local replication all trust")
	}
	if p.tcp {
		settings["listen_addresses"] = "127.0.0.1"
		for _, to := range []string{"all", "replication"} {
			hba = append(hba, "host "+to+" all 127.0.0.1/32 scram-sha-256")
		}
		settings["password_encryption"] = "scram-sha-256"
	}
	maps.Copy(settings, p.settings)
	var conf strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value := strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`).Replace(settings[name])
		fmt.Fprintf(&conf, "%s = '%s'\n", name, value)
	}
	if err := p.writeFile("postgresql.conf", conf.String()); err != nil {
		return err
	}
	return p.writeFile("pg_hba.conf", strings.Join(hba, "\n")+"\n")
}

// writeFile writes a file of the data folder that only the server's account may read.
func (p *postmaster) writeFile(name, content string) error {
	path := filepath.Join(p.data, name)
	err := os.WriteFile(path, []byte(content), 0o600)
	if err == nil {
		err = p.who.own(path)
	}
	if err != nil {
		return fmt.Errorf("configuring a server: %w", err)
	}
	return nil
}

// setPassword gives the superuser its password. The server must not be running.
func (p *postmaster) setPassword(ctx context.Context) error {
	if p.password == "" {
		return nil
	}
	// The password is made of letters and digits.
	return singleUser(ctx, p.binaries, p.who, p.data, []string{"ALTER ROLE " + Superuser + " PASSWORD '" + p.password + "'"},
		"password_encryption=scram-sha-256")
}

// startAttempts is how often a free port is looked for again when somebody else was quicker.
const startAttempts = 3

// start runs the server and waits until it takes connections.
func (p *postmaster) start(ctx context.Context, life lifetime) error {
	for attempt := 1; ; attempt++ {
		err := p.startOnce(ctx, life)
		if err == nil || !p.tcp || attempt == startAttempts || ctx.Err() != nil || !portTaken(err) {
			return err
		}
		if err := p.freePort(); err != nil {
			return err
		}
		if err := p.configure(); err != nil {
			return err
		}
	}
}

// ServerExitedError says that a server ended while it was starting.
type ServerExitedError struct {
	Log string // the end of its log
}

func (e *ServerExitedError) Error() string {
	return "the server ended while starting; its log says: " + strings.TrimSpace(e.Log)
}

func portTaken(err error) bool {
	var exited *ServerExitedError
	return errors.As(err, &exited) && strings.Contains(exited.Log, "could not bind")
}

func (p *postmaster) startOnce(ctx context.Context, life lifetime) error {
	log, err := os.OpenFile(p.logFile(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("starting PostgreSQL %s: %w", p.binaries.Version, err)
	}
	defer log.Close()
	// The server's processes inherit the lock, so that it tells whether one of them lives.
	lock, err := lockFile(p.lockFile())
	if err != nil {
		return fmt.Errorf("starting PostgreSQL %s: %w", p.binaries.Version, err)
	}
	defer lock.unlock()
	if hasSockets() {
		// None of its processes lives, since they would have the lock. What a crash of the machine left would stop a new
		// server, should the number now be another process's.
		if err := os.Remove(filepath.Join(p.data, "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("starting PostgreSQL %s: %w", p.binaries.Version, err)
		}
	}
	if p.logged, err = log.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("starting PostgreSQL %s: %w", p.binaries.Version, err)
	}
	// Not the caller's context: the server goes on when the call that started it is over.
	cmd := p.who.command(context.WithoutCancel(ctx), filepath.Join(p.binaries.Dir, executable("postgres")), "-D", p.data)
	cmd.Stdout, cmd.Stderr = log, log
	exited, err := spawn(cmd, life, lock)
	if err != nil {
		return fmt.Errorf("starting PostgreSQL %s: %w", p.binaries.Version, err)
	}
	p.pid, p.exited = cmd.Process.Pid, exited
	if err := p.waitReady(ctx); err != nil {
		return fmt.Errorf("starting PostgreSQL %s: %w", p.binaries.Version, err)
	}
	return nil
}

// readyPoll is how often a starting server's state is looked at; a start takes about 25 ms.
const readyPoll = 2 * time.Millisecond

func (p *postmaster) waitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		if state, err := readPidFile(p.data); err == nil && state.pid == p.pid && state.ready {
			return nil
		}
		select {
		case <-p.exited:
			return &ServerExitedError{Log: p.logTail()}
		case <-ctx.Done():
			return errors.Join(ctx.Err(), p.stop(StopImmediate))
		case <-tick.C:
		}
	}
}

const logTailBytes = 2000

func (p *postmaster) logTail() string {
	log, err := os.ReadFile(p.logFile())
	if err != nil {
		return err.Error()
	}
	log = log[min(int(p.logged), len(log)):]
	return string(log[max(0, len(log)-logTailBytes):])
}

// pidFile is what a server says about itself in its data folder's postmaster.pid.
type pidFile struct {
	pid     int
	started time.Time
	port    int
	socket  string // folder of the Unix socket
	ready   bool   // takes connections
}

func readPidFile(data string) (pidFile, error) {
	content, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, fmt.Errorf("reading a server's state: %w", err)
	}
	lines := strings.Split(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return pidFile{}, fmt.Errorf("reading a server's state: %w", err)
	}
	state := pidFile{pid: pid}
	if len(lines) < 8 {
		return state, nil // it is still starting
	}
	// https://doxygen.postgresql.org/pidfile_8h.html
	if state.port, err = strconv.Atoi(strings.TrimSpace(lines[3])); err != nil {
		return pidFile{}, fmt.Errorf("reading a server's state: %w", err)
	}
	started, err := strconv.ParseInt(strings.TrimSpace(lines[2]), 10, 64)
	if err != nil {
		return pidFile{}, fmt.Errorf("reading a server's state: %w", err)
	}
	state.started = time.Unix(started, 0)
	state.socket = strings.TrimSpace(lines[4])
	state.ready = strings.TrimSpace(lines[7]) == "ready"
	return state, nil
}

// stopPatience is how long a server may take to stop before it is told again, harder.
const stopPatience = 30 * time.Second

// stop stops the server, which this process started, and waits until it has ended.
func (p *postmaster) stop(mode StopMode) error {
	if p.exited == nil {
		return nil
	}
	for _, how := range []StopMode{mode, StopImmediate} {
		select {
		case <-p.exited:
			return nil
		default:
		}
		if err := signalStop(p, how); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stopping PostgreSQL: %w", err)
		}
		select {
		case <-p.exited:
			return nil
		case <-time.After(stopPatience):
		}
	}
	return fmt.Errorf("stopping PostgreSQL: process %d did not end in %s", p.pid, 2*stopPatience)
}

// kill ends the server's main process without giving it a chance to do anything, and waits until its other processes
// have noticed.
func (p *postmaster) kill() error {
	process, err := os.FindProcess(p.pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing PostgreSQL: %w", err)
	}
	<-p.exited
	for deadline := time.Now().Add(stopPatience); ; time.Sleep(readyPoll) {
		lock, err := tryLockFile(p.lockFile())
		if err == nil {
			lock.unlock()
			return nil
		}
		if !errors.Is(err, errLocked) || time.Now().After(deadline) {
			return fmt.Errorf("waiting for the end of PostgreSQL: %w", err)
		}
	}
}

// url is the superuser's URL of a database, by the socket where there are sockets.
func (p *postmaster) url(database string) string {
	if !hasSockets() {
		return p.tcpURL(database)
	}
	return p.socketURL(database)
}

func (p *postmaster) socketURL(database string) string {
	query := url.Values{"host": {p.socket}, "port": {strconv.Itoa(p.port)}}
	u := url.URL{Scheme: "postgres", User: url.User(Superuser), Path: "/" + database, RawQuery: strings.ReplaceAll(query.Encode(), "%2F", "/")}
	return u.String()
}

func (p *postmaster) tcpURL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(Superuser, p.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)), Path: "/" + database,
	}
	return u.String()
}

// startProcess starts cmd and returns a channel that is closed when it has ended.
func startProcess(cmd *exec.Cmd) (chan struct{}, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // that it ended is all there is to know; why is in its log
		close(exited)
	}()
	return exited, nil
}
