package adopt

import (
	"bufio"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/kedgedb/kedge/migrate"
	"github.com/kedgedb/kedge/migrate/source"
)

// files are the files of the migrations, as the tool itself reads them.
type files struct {
	fsys    fs.FS
	shown   string // how their names begin in migrate.Script.File
	atlas   map[string]string
	drizzle map[string]int64 // when, by tag
}

// name is the path of a migration's file.
func (f *files) name(m *migrate.Migration) string {
	if f.shown == "" || f.shown == "." {
		return m.Up.File
	}
	return strings.TrimPrefix(m.Up.File, f.shown+"/")
}

// read is the whole file of a migration.
func (f *files) read(m *migrate.Migration) ([]byte, error) {
	if f.fsys == nil {
		return nil, fs.ErrNotExist
	}
	return fs.ReadFile(f.fsys, f.name(m))
}

// FlywayChecksum is Flyway's: CRC-32 over the UTF-8 bytes of the lines, without
// their ends and without a byte order mark, as a signed number.
func FlywayChecksum(text []byte) int32 {
	sum := crc32.NewIEEE()
	scanner := bufio.NewScanner(strings.NewReader(strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r", "\n")))
	scanner.Buffer(nil, len(text)+1)
	for scanner.Scan() {
		_, _ = sum.Write(scanner.Bytes()) // a hash takes everything
	}
	return int32(sum.Sum32())
}

func flywaySum(f *files, m *migrate.Migration) (string, error) {
	text, err := f.read(m)
	if err != nil {
		return "", err
	}
	if m.Kind == migrate.Repeatable && strings.Contains(string(text), "${") {
		return "", nil // it is over the text with placeholders replaced
	}
	return strconv.Itoa(int(FlywayChecksum(text))), nil
}

func sqlxSum(f *files, m *migrate.Migration) (string, error) {
	text, err := f.read(m)
	if err != nil {
		return "", err
	}
	sum := sha512.Sum384(text)
	return hex.EncodeToString(sum[:]), nil
}

func sha256Sum(f *files, m *migrate.Migration) (string, error) {
	text, err := f.read(m)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// atlasSum is over the file and all before it.
func atlasSum(f *files, m *migrate.Migration) (string, error) {
	if f.atlas == nil {
		names, err := fs.Glob(f.fsys, "*.sql")
		if err != nil {
			return "", err
		}
		if f.atlas, err = source.AtlasSums(names, func(name string) ([]byte, error) { return fs.ReadFile(f.fsys, name) }); err != nil {
			return "", err
		}
	}
	return f.atlas[f.name(m)], nil
}

// drizzleKey is the time that a migration has in drizzle's journal.
func (f *files) drizzleKey(m *migrate.Migration) (string, error) {
	if f.drizzle == nil {
		text, err := fs.ReadFile(f.fsys, "meta/_journal.json")
		if err != nil {
			return "", fmt.Errorf("reading drizzle's journal: %w", err)
		}
		journal, err := source.ReadDrizzleJournal(text)
		if err != nil {
			return "", fmt.Errorf("reading drizzle's journal: %w", err)
		}
		f.drizzle = map[string]int64{}
		for _, e := range journal.Entries {
			f.drizzle[e.Tag] = e.When
		}
	}
	when, ok := f.drizzle[strings.TrimSuffix(path.Base(m.Up.File), ".sql")]
	if !ok { // written after the journal was
		return "", nil
	}
	return strconv.FormatInt(when, 10), nil
}

// keyOf is what the tool knows a migration by; "" when it cannot know it.
func (t *Tool) keyOf(f *files, m *migrate.Migration) (string, error) {
	if m.Up == nil || m.Up.Run != nil || m.Kind == migrate.Baseline {
		return "", nil
	}
	if t.Name == "drizzle" {
		return f.drizzleKey(m)
	}
	if t.key == nil {
		return "", nil
	}
	return t.key(m), nil
}
