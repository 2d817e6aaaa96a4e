package source

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kedgedb/kedge/migrate"
)

// Cache remembers the checksums and headers of files between runs, so that a
// run with nothing to do does not read ten thousand files. A file counts as
// unchanged while its size, inode, modification time and change time are the
// same; one that changed within Settle before it was read is not remembered,
// because a second change could fall into the same tick of the clock (git's
// "racy clean" entries). On systems without inodes and change times nothing is remembered.
//
// A script that comes from the cache has no Text until a plan reads it.
type Cache struct {
	dir string
	now func() time.Time

	mu     sync.Mutex
	file   string
	known  map[string]cached
	fresh  map[string]cached
	used   int
	failed error
}

// Settle is how long a file must have been left alone to be remembered.
const Settle = 2 * time.Second

// NewCache keeps checksums in a folder of their own, for one folder of
// migrations a file. The folder is made when there is something to keep.
func NewCache(dir string) *Cache { return &Cache{dir: dir, now: time.Now} }

// cached is what is known of a file.
type cached struct {
	stamp  stamp
	sum    string
	header string // JSON, "" for none
}

// stamp tells versions of a file apart.
type stamp struct {
	size, modified, changed int64 // bytes, and nanoseconds since 1970
	inode                   uint64
}

const cacheMark = "kedge checksums 1"

// open reads what is kept for a folder.
func (c *Cache) open(folder *Folder, format string) {
	if c == nil || folder.disk == "" {
		return
	}
	dir, err := filepath.Abs(folder.disk)
	if err != nil {
		c.failed = err
		return
	}
	identity := sha256.Sum256([]byte(format + "\x00" + dir))
	c.file = filepath.Join(c.dir, hex.EncodeToString(identity[:16]))
	c.known, c.fresh, c.used = map[string]cached{}, map[string]cached{}, 0
	text, err := os.ReadFile(c.file)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.failed = err
		}
		return
	}
	c.parse(string(text))
}

// parse reads the kept text; one that is damaged or of another version counts as empty.
func (c *Cache) parse(text string) {
	mark, rest, _ := strings.Cut(text, "\n")
	sum, body, _ := strings.Cut(rest, "\n")
	if mark != cacheMark || sum != bodySum(body) {
		return
	}
	c.known = make(map[string]cached, strings.Count(body, "\n"))
	for body != "" {
		var line string
		line, body, _ = strings.Cut(body, "\n")
		if name, entry, ok := parseCached(line); ok {
			c.known[name] = entry
		}
	}
}

func bodySum(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// parseCached reads one line: size, times, inode, checksum, header, name.
func parseCached(line string) (name string, e cached, ok bool) {
	var fields [7]string
	for i := range 6 {
		if fields[i], line, ok = strings.Cut(line, "\t"); !ok {
			return "", e, false
		}
	}
	var errs [4]error
	e.stamp.size, errs[0] = strconv.ParseInt(fields[0], 36, 64)
	e.stamp.modified, errs[1] = strconv.ParseInt(fields[1], 36, 64)
	e.stamp.changed, errs[2] = strconv.ParseInt(fields[2], 36, 64)
	e.stamp.inode, errs[3] = strconv.ParseUint(fields[3], 36, 64)
	e.sum, e.header = fields[4], fields[5]
	return line, e, errors.Join(errs[:]...) == nil
}

// lookup is what is known of a unit's file, if it has not changed since.
func (c *Cache) lookup(f *Folder, u *Unit) (cached, stamp, bool) {
	if c == nil || c.file == "" || u.Part != nil || u.Text != nil || u.Expand != nil || strings.ContainsAny(u.Path, "\n\t") {
		return cached{}, stamp{}, false
	}
	now, ok := stampOf(filepath.Join(f.disk, filepath.FromSlash(u.Path)))
	if !ok {
		return cached{}, stamp{}, false
	}
	e, ok := c.known[u.Path]
	return e, now, ok && e.stamp == now
}

// into makes a script of what is known. It is false when that cannot be read.
func (e cached) into(s *migrate.Script) bool {
	s.Size, s.Checksum.Text = e.stamp.size, e.sum
	return e.header == "" || json.Unmarshal([]byte(e.header), &s.Header) == nil
}

// remember keeps a script that was read. before is its file's stamp from before
// it was read, the zero stamp when there is none.
func (c *Cache) remember(u *Unit, before stamp, s *migrate.Script) {
	if c == nil || before == (stamp{}) {
		return
	}
	settled := c.now().Add(-Settle).UnixNano()
	if before.modified > settled || before.changed > settled || before.size != s.Size {
		return
	}
	header, err := json.Marshal(s.Header)
	if err != nil { // plain values always marshal
		return
	}
	if bytes.Equal(header, noHeader) {
		header = nil
	}
	c.mu.Lock()
	c.fresh[u.Path] = cached{stamp: before, sum: s.Checksum.Text, header: string(header)}
	c.mu.Unlock()
}

// noHeader is the JSON of a header that asks for nothing.
var noHeader, _ = json.Marshal(migrate.Header{})

// hit keeps what was used.
func (c *Cache) hit(u *Unit, e cached) {
	c.mu.Lock()
	c.fresh[u.Path] = e
	c.used++
	c.mu.Unlock()
}

// save writes what is known now, if that is more or less than before. A cache
// that cannot be written is no failure of the load; the error is for a warning.
func (c *Cache) save() error {
	if c == nil || c.file == "" {
		return nil
	}
	if c.failed != nil || len(c.fresh) == c.used && len(c.known) == c.used {
		return c.failed
	}
	var body strings.Builder
	for name, e := range c.fresh {
		fmt.Fprintf(&body, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", strconv.FormatInt(e.stamp.size, 36), strconv.FormatInt(e.stamp.modified, 36),
			strconv.FormatInt(e.stamp.changed, 36), strconv.FormatUint(e.stamp.inode, 36), e.sum, e.header, name)
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(c.dir, "new-*")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	_, _ = fmt.Fprintf(w, "%s\n%s\n%s", cacheMark, bodySum(body.String()), body.String()) // Flush returns the error
	err = errors.Join(w.Flush(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), c.file)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error counts
	}
	return err
}
