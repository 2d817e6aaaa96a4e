package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// revision is the commit that is checked out where a folder stands, read from
// git's own files; "" outside of a checkout.
func revision(folder string) string {
	for dir := folder; ; dir = filepath.Dir(dir) {
		if git, ok := gitFolder(filepath.Join(dir, ".git")); ok {
			return head(git)
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// gitFolder follows the file that stands for .git in a linked work tree.
func gitFolder(path string) (string, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false
	}
	if info.IsDir() {
		return path, true
	}
	text, err := os.ReadFile(path)
	target, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if err != nil || !ok {
		return "", false
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(path), target)
	}
	return target, true
}

func head(git string) string {
	text, err := os.ReadFile(filepath.Join(git, "HEAD"))
	if err != nil {
		return ""
	}
	ref, symbolic := strings.CutPrefix(strings.TrimSpace(string(text)), "ref: ")
	if !symbolic {
		return ref
	}
	common := git
	if text, err := os.ReadFile(filepath.Join(git, "commondir")); err == nil {
		common = filepath.Join(git, strings.TrimSpace(string(text)))
	}
	for _, dir := range []string{git, common} {
		if text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(ref))); err == nil {
			return strings.TrimSpace(string(text))
		}
	}
	packed, err := os.ReadFile(filepath.Join(common, "packed-refs"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(packed)) {
		if commit, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return commit
		}
	}
	return ""
}

// git runs the git client in a folder.
func (a *app) git(ctx context.Context, dir string, args ...string) (string, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return "", fmt.Errorf("running git: it is not installed")
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, a.environ
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", fmt.Errorf("git %s: %s", strings.Join(args, " "), strings.TrimSpace(string(exit.Stderr)))
		}
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// filesAt writes a folder as a commit has it into a temporary one, which the
// caller removes.
func (a *app) filesAt(ctx context.Context, folder, ref string) (dir string, err error) {
	if ref == "" || strings.HasPrefix(ref, "-") {
		return "", usagef("git:%s: a commit, a branch or a tag is expected", ref)
	}
	packed, err := a.git(ctx, folder, "archive", "--format=tar", ref, ".")
	if err != nil {
		return "", fmt.Errorf("reading %s as of %s: %w", a.shown(folder), ref, err)
	}
	dir, err = os.MkdirTemp("", "kedge-git-")
	if err != nil {
		return "", fmt.Errorf("making a temporary folder: %w", err)
	}
	if err := unpack(strings.NewReader(packed), dir); err != nil {
		return "", errors.Join(fmt.Errorf("reading %s as of %s: %w", a.shown(folder), ref, err), os.RemoveAll(dir))
	}
	return dir, nil
}

// unpack writes the regular files of a tar archive below dir, and nowhere else.
func unpack(packed io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	archive := tar.NewReader(packed)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := root.MkdirAll(filepath.Dir(header.Name), 0o755); err != nil {
			return err
		}
		file, err := root.Create(header.Name)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, archive)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
}
