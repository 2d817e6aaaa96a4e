package environments

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DevOptions says which development server is meant, and what it runs on when it is made.
type DevOptions struct {
	Project  string            // folder of the project: each has a server of its own
	Dir      string            // folder of the binaries
	Major    int               // major version; 0 is any
	Cache    string            // kedge's cache folder; empty is DefaultCache
	Settings map[string]string // configuration parameters, used from the next start on
	Progress Progress          // told when a server has to be fetched
}

// DevServer is a project's development server: durable, kept in the user's cache folder, running until it is stopped.
// Its values are only a name for it; any number of processes may use one at once.
type DevServer struct {
	opt  DevOptions
	home string // folder of its data, its log and what is written down about it
	id   string
}

// DevStatus is what there is to say about a development server.
type DevStatus struct {
	Running bool      `json:"running"`
	Exists  bool      `json:"exists"`            // it has data
	Version string    `json:"version,omitempty"` // full version when it runs, else the major
	PID     int       `json:"pid,omitempty"`     // its main process
	Started time.Time `json:"started,omitzero"`  // when it was started
	Data    string    `json:"data"`              // data folder
	Log     string    `json:"log"`               // log file
	Bytes   int64     `json:"bytes"`             // size of the data folder
}

// ErrDevVersion is the reason when a development server's data is of another major version than the one asked for.
var ErrDevVersion = errors.New("the development database was made by another major version of PostgreSQL")

// devState is what is written down about a development server.
type devState struct {
	Binaries Binaries
	Port     int    // of loopback
	Password string // of the superuser on loopback; empty with a Unix socket
}

// Dev names a project's development server. It starts nothing.
func Dev(opt DevOptions) (*DevServer, error) {
	project, err := filepath.Abs(opt.Project)
	if err != nil {
		return nil, fmt.Errorf("finding the development server: %w", err)
	}
	if real, err := filepath.EvalSymlinks(project); err == nil {
		project = real
	}
	sum := sha256.Sum256([]byte(project))
	id := hex.EncodeToString(sum[:6])
	base, err := makeCache(opt.Cache, "dev")
	if err != nil {
		return nil, err
	}
	return &DevServer{opt: opt, id: id, home: filepath.Join(base, plainName(filepath.Base(project))+"-"+id)}, nil
}

// plainName makes a name that every file system takes.
func plainName(name string) string {
	const longest = 32
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
	return plain[:min(len(plain), longest)]
}

func (d *DevServer) data() string { return filepath.Join(d.home, "data") }

// Start starts the server unless it runs, and makes it the first time.
func (d *DevServer) Start(ctx context.Context) error {
	unlock, err := d.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := d.waitStarted(ctx); err == nil {
		return nil
	} else if !errors.Is(err, errNotRunning) {
		return err
	}
	state, err := d.prepare(ctx)
	if err != nil {
		return fmt.Errorf("starting the development server: %w", err)
	}
	if err := d.startServer(ctx, state); err != nil {
		return fmt.Errorf("starting the development server: %w", err)
	}
	return nil
}

// lock keeps other processes from starting, stopping or removing the server meanwhile.
func (d *DevServer) lock() (unlock func(), err error) {
	if err := os.MkdirAll(d.home, 0o755); err != nil {
		return nil, fmt.Errorf("making the development server's folder: %w", err)
	}
	if os.Geteuid() == 0 { // whatever the umask: the server's account passes through
		if err := os.Chmod(d.home, 0o755); err != nil {
			return nil, fmt.Errorf("making the development server's folder: %w", err)
		}
	}
	lock, err := lockFile(filepath.Join(d.home, "dev.lock"))
	if err != nil {
		return nil, err
	}
	return lock.unlock, nil
}

var errNotRunning = errors.New("the development server is not running")

// waitStarted returns the state of the running server, after it has finished starting or stopping, should it be doing
// that. The error is errNotRunning when it does not run.
func (d *DevServer) waitStarted(ctx context.Context) (pidFile, error) {
	for {
		if !serverRuns(d.home, d.data()) {
			return pidFile{}, errNotRunning
		}
		if state, err := readPidFile(d.data()); err == nil && state.ready {
			return state, nil
		}
		select {
		case <-ctx.Done():
			return pidFile{}, fmt.Errorf("waiting for the development server: %w", ctx.Err())
		case <-time.After(readyPoll):
		}
	}
}

// prepare makes sure that there is a data folder, and returns what is known about it.
func (d *DevServer) prepare(ctx context.Context) (devState, error) {
	major, err := d.dataMajor()
	if err != nil {
		return devState{}, err
	}
	if major != 0 && d.opt.Major != 0 && major != d.opt.Major {
		return devState{}, fmt.Errorf("%w: it is %d, and %d is asked for (kedge dev reset makes a new, empty one)", ErrDevVersion, major, d.opt.Major)
	}
	want := major
	if want == 0 {
		want = d.opt.Major
	}
	b, err := Obtain(ctx, FindOptions{Dir: d.opt.Dir, Major: want, Cache: d.opt.Cache}, d.opt.Progress)
	if err != nil {
		return devState{}, err
	}
	state := devState{}
	if major != 0 {
		if state, err = d.readState(); err != nil {
			return devState{}, err
		}
		state.Binaries = b
		return state, nil
	}
	state.Binaries = b
	return d.makeData(ctx, state)
}

// dataMajor returns the major version of the data folder, 0 when there is none.
func (d *DevServer) dataMajor() (int, error) {
	content, err := os.ReadFile(filepath.Join(d.data(), "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the data folder's version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, fmt.Errorf("reading the data folder's version: %w", err)
	}
	return major, nil
}

func (d *DevServer) makeData(ctx context.Context, state devState) (devState, error) {
	who, err := serverAccount(ctx, state.Binaries)
	if err != nil {
		return devState{}, err
	}
	template, err := templateFolder(ctx, state.Binaries, who, shapeFull, d.opt.Cache)
	if err != nil {
		return devState{}, err
	}
	making := d.data() + ".making"
	if err := os.RemoveAll(making); err != nil {
		return devState{}, fmt.Errorf("removing an unfinished data folder: %w", err)
	}
	if err := copyFolder(ctx, template, making, who); err != nil {
		return devState{}, err
	}
	post := &postmaster{binaries: state.Binaries, who: who, home: d.home, data: making}
	if err := post.listen(ListenSocket); err != nil {
		return devState{}, err
	}
	if err := post.setPassword(ctx); err != nil {
		return devState{}, err
	}
	// What initdb wrote must survive a crash of the machine before anything is built on it.
	if out, err := who.command(ctx, filepath.Join(state.Binaries.Dir, executable("initdb")), "--sync-only", "-D", making).CombinedOutput(); err != nil {
		return devState{}, fmt.Errorf("writing the data folder to disk: %w: %s", err, strings.TrimSpace(string(out)))
	}
	state.Port, state.Password = post.port, post.password
	if err := d.writeState(state); err != nil {
		return devState{}, err
	}
	if err := os.Rename(making, d.data()); err != nil {
		return devState{}, fmt.Errorf("keeping the data folder: %w", err)
	}
	return state, nil
}

func (d *DevServer) stateFile() string { return filepath.Join(d.home, "server.json") }

func (d *DevServer) readState() (devState, error) {
	content, err := os.ReadFile(d.stateFile())
	if err != nil {
		return devState{}, fmt.Errorf("reading about the development server: %w", err)
	}
	var state devState
	if err := json.Unmarshal(content, &state); err != nil {
		return devState{}, fmt.Errorf("reading about the development server: %s: %w", d.stateFile(), err)
	}
	return state, nil
}

func (d *DevServer) writeState(state devState) error {
	content, err := json.Marshal(state)
	if err == nil {
		err = os.WriteFile(d.stateFile(), content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing about the development server: %w", err)
	}
	return nil
}

// devSettings are those of a server that a person waits for, and whose data is to last.
func devSettings() map[string]string {
	return map[string]string{
		"max_connections":     "100",
		"shared_buffers":      "128MB",
		"wal_level":           "logical",
		"log_statement":       "ddl",
		"log_line_prefix":     "%m [%p] %q%u@%d %a ",
		"cluster_name":        "kedge dev",
		"logging_collector":   "off",
		"jit":                 "off",
		"log_min_messages":    "warning",
		"log_lock_waits":      "on",
		"track_io_timing":     "on",
		"checkpoint_timeout":  "15min",
		"max_wal_size":        "512MB",
		"wal_recycle":         "on",
		"deadlock_timeout":    "1s",
		"client_min_messages": "notice",
	}
}

const largestLog = 10 << 20

func (d *DevServer) startServer(ctx context.Context, state devState) error {
	who, err := serverAccount(ctx, state.Binaries)
	if err != nil {
		return err
	}
	settings := devSettings()
	maps.Copy(settings, d.opt.Settings)
	post := &postmaster{
		binaries: state.Binaries, who: who, home: d.home, data: d.data(), settings: settings,
		port: state.Port, password: state.Password, tcp: state.Password != "",
	}
	if hasSockets() {
		if post.socket, err = d.makeSocketFolder(who); err != nil {
			return err
		}
	}
	if info, err := os.Stat(post.logFile()); err == nil && info.Size() > largestLog {
		if err := os.Rename(post.logFile(), post.logFile()+".1"); err != nil {
			return fmt.Errorf("putting the log aside: %w", err)
		}
	}
	if err := post.configure(); err != nil {
		return err
	}
	if err := post.start(ctx, detached); err != nil {
		return err
	}
	state.Port = post.port
	return d.writeState(state)
}

func (d *DevServer) socketFolder(run string) string { return filepath.Join(run, "d"+d.id) }

// makeSocketFolder makes the folder of the socket: short, as a socket's path must be. The server writes it into its
// postmaster.pid, where others find it.
func (d *DevServer) makeSocketFolder(who account) (string, error) {
	run, err := runFolder()
	if err != nil {
		return "", err
	}
	dir := d.socketFolder(run)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("making the socket's folder: %w", err)
	}
	if err := who.own(dir); err != nil {
		return "", fmt.Errorf("making the socket's folder: %w", err)
	}
	return dir, nil
}

// Stop stops the server, and does nothing when it does not run.
func (d *DevServer) Stop(ctx context.Context) error {
	unlock, err := d.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return d.stop(ctx)
}

func (d *DevServer) stop(ctx context.Context) error {
	running, err := d.waitStarted(ctx)
	if errors.Is(err, errNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	state, err := d.readState()
	if err != nil {
		return err
	}
	post := &postmaster{binaries: state.Binaries, home: d.home, data: d.data(), pid: running.pid}
	if err := signalStop(post, StopFast); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping the development server: %w", err)
	}
	for serverRuns(d.home, d.data()) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopping the development server: %w", ctx.Err())
		case <-time.After(readyPoll):
		}
	}
	return nil
}

// Reset stops the server and removes its data, all of it. The next Start makes a new, empty one.
func (d *DevServer) Reset(ctx context.Context) error {
	unlock, err := d.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := d.stop(ctx); err != nil {
		return err
	}
	run, err := runFolder()
	if err != nil {
		return err
	}
	for _, path := range []string{d.data(), d.stateFile(), filepath.Join(d.home, "log"), d.socketFolder(run)} {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing the development server's data: %w", err)
		}
	}
	return nil
}

// Status tells how the server is. It starts nothing.
func (d *DevServer) Status(context.Context) (DevStatus, error) {
	status := DevStatus{Data: d.data(), Log: filepath.Join(d.home, "log")}
	major, err := d.dataMajor()
	if err != nil {
		return DevStatus{}, err
	}
	if major == 0 {
		return status, nil
	}
	status.Exists, status.Version = true, strconv.Itoa(major)
	if status.Bytes, err = folderSize(d.data()); err != nil {
		return DevStatus{}, err
	}
	if !serverRuns(d.home, d.data()) {
		return status, nil
	}
	running, err := readPidFile(d.data())
	if err != nil || !running.ready {
		return status, nil // it is starting or stopping
	}
	state, err := d.readState()
	if err != nil {
		return DevStatus{}, err
	}
	status.Running, status.PID, status.Version, status.Started = true, running.pid, state.Binaries.Version, running.started
	return status, nil
}

func folderSize(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) { // files come and go below a running server
		return 0, fmt.Errorf("measuring the data folder: %w", err)
	}
	return size, nil
}

// URL returns the superuser's URL of a database of the running server.
func (d *DevServer) URL(ctx context.Context, database string) (string, error) {
	running, err := d.waitStarted(ctx)
	if err != nil {
		return "", err
	}
	state, err := d.readState()
	if err != nil {
		return "", err
	}
	post := &postmaster{socket: running.socket, port: running.port, password: state.Password}
	return post.url(database), nil
}

// Open starts the server unless it runs, makes the database unless it is there, and returns the superuser's connection
// configuration for it.
func (d *DevServer) Open(ctx context.Context, database string) (*pgx.ConnConfig, error) {
	if err := d.Start(ctx); err != nil {
		return nil, err
	}
	if err := d.ensureDatabase(ctx, database); err != nil {
		return nil, fmt.Errorf("making development database %s: %w", database, err)
	}
	url, err := d.URL(ctx, database)
	if err != nil {
		return nil, err
	}
	return parseConfig(url)
}

// SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	duplicateDatabase = "42P04"
	uniqueViolation   = "23505"
)

func (d *DevServer) ensureDatabase(ctx context.Context, database string) error {
	url, err := d.URL(ctx, "postgres")
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&exists); err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+ident(database))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == duplicateDatabase || pg.Code == uniqueViolation) {
		return nil // somebody else was quicker
	}
	return err
}
