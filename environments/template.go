package environments

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Superuser is the bootstrap superuser of every server that kedge starts.
const Superuser = "postgres"

// shape is what a data folder holds when it is new.
type shape string

const (
	shapeFull shape = "full" // as initdb makes it
	shapeSlim shape = "slim" // template1 alone, frozen, with 1 MB of WAL a segment: quick to copy, for servers that are thrown away
)

// templateRevision changes when the way a template is made changes, so that older ones are not used.
const templateRevision = "1"

// templateFolder returns a data folder to copy, made by initdb the first time and kept in the cache, once for each
// build of PostgreSQL, account and shape. It waits for another process that is making the same one.
func templateFolder(ctx context.Context, b Binaries, who account, form shape, cache string) (string, error) {
	base, err := makeCache(cache, "templates")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{b.Dir, b.Version, who.String(), templateRevision}, "\x00")))
	dir := filepath.Join(base, fmt.Sprintf("%s-%s-%s", b.Version, form, hex.EncodeToString(sum[:4])))
	if isDir(dir) {
		return dir, nil
	}
	lock, err := lockFile(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer lock.unlock()
	if isDir(dir) {
		return dir, nil
	}
	// initdb runs as an account that may not write beside dir, so it is given a folder of its own.
	making := dir + ".making"
	if err := os.RemoveAll(making); err != nil {
		return "", fmt.Errorf("removing an unfinished template: %w", err)
	}
	if err := os.Mkdir(making, 0o700); err != nil {
		return "", fmt.Errorf("making a template: %w", err)
	}
	if err := who.own(making); err != nil {
		return "", fmt.Errorf("making a template: %w", err)
	}
	if err := initdb(ctx, b, who, form, making); err != nil {
		return "", errors.Join(err, os.RemoveAll(making))
	}
	if err := os.Rename(making, dir); err != nil {
		return "", fmt.Errorf("keeping a template: %w", err)
	}
	return dir, nil
}

// initdb fills dir, which is empty and belongs to the account.
func initdb(ctx context.Context, b Binaries, who account, form shape, dir string) error {
	args := []string{"-D", dir, "--no-sync", "-U", Superuser, "--auth=trust", "--encoding=UTF8"}
	if form == shapeSlim {
		args = append(args, "--wal-segsize=1")
	}
	var failures []error
	for _, locale := range locales(b.Major) {
		out, err := who.command(ctx, filepath.Join(b.Dir, executable("initdb")), append(args, locale...)...).CombinedOutput()
		if err == nil {
			if form == shapeSlim {
				return slim(ctx, b, who, dir)
			}
			return nil
		}
		failures = append(failures, fmt.Errorf("initdb %s: %w: %s", strings.Join(locale, " "), err, strings.TrimSpace(string(out))))
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("initialising a data folder: %w", err)
		}
		if err := emptyFolder(dir); err != nil {
			return err
		}
	}
	return fmt.Errorf("initialising a data folder: %w", errors.Join(failures...))
}

// locales are initdb's arguments for a UTF-8 locale that sorts by code point, the best that this major has first.
func locales(major int) [][]string {
	plain := [][]string{{"--locale=C.UTF-8"}, {"--locale=C"}}
	if runtime.GOOS == "windows" {
		plain = plain[1:]
	}
	if major >= 17 {
		return append([][]string{{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}}, plain...)
	}
	return plain
}

// slim takes out of a data folder what a throw-away server can do without.
func slim(ctx context.Context, b Binaries, who account, dir string) error {
	return singleUser(ctx, b, who, dir, []string{
		"UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'",
		"DROP DATABASE template0",
		"DROP DATABASE postgres",
		"VACUUM FREEZE",
		"CHECKPOINT",
	}, "min_wal_size=2MB", "max_wal_size=2MB", "fsync=off")
}

// singleUser runs statements, one a line, with no server running on the data folder.
// https://www.postgresql.org/docs/current/app-postgres.html
func singleUser(ctx context.Context, b Binaries, who account, dir string, statements []string, settings ...string) error {
	args := []string{"--single", "-D", dir}
	for _, setting := range append(settings, "exit_on_error=on", "log_min_messages=error") {
		args = append(args, "-c", setting)
	}
	cmd := who.command(ctx, filepath.Join(b.Dir, executable("postgres")), append(args, "template1")...)
	cmd.Stdin = strings.NewReader(strings.Join(statements, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("preparing a data folder: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("emptying a folder: %w", err)
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("emptying a folder: %w", err)
		}
	}
	return nil
}

// copyFolder copies a data folder to a place where nothing is yet, and gives the copy to the account.
func copyFolder(ctx context.Context, from, to string, who account) error {
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if entry.IsDir() {
			if err := ctx.Err(); err != nil {
				return err
			}
			err = os.Mkdir(target, 0o700)
		} else {
			err = copyFile(path, target)
		}
		if err != nil {
			return err
		}
		return who.own(target)
	})
	if err != nil {
		return fmt.Errorf("copying a data folder: %w", err)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
