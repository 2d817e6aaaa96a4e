//go:build unix

package environments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// account is whom a server's programs run as. PostgreSQL refuses to run as root.
type account struct {
	uid, gid  int
	switching switching
}

type switching int

const (
	asSelf       switching = iota // this process's own user
	asCredential                  // setuid to uid, gid
	asNamespace                   // uid, gid inside a user namespace; outside still this process's user
)

// unprivileged are the users to become in place of root, the best first. Any does: no file of theirs is touched.
var unprivileged = []string{"postgres", "nobody"}

// serverAccount picks the account that the programs in dir can run as.
func serverAccount(ctx context.Context, b Binaries) (account, error) {
	self := account{uid: os.Getuid(), gid: os.Getgid(), switching: asSelf}
	candidates := rootAccounts()
	if os.Geteuid() != 0 {
		if _, err := user.LookupId(strconv.Itoa(self.uid)); err == nil {
			return self, nil
		}
		// initdb asks for the user's name, which arbitrary users of containers do not have: become one who has.
		candidates = append(slices.DeleteFunc(candidates, func(a account) bool { return a.switching != asNamespace }), self)
	}
	var reasons []error
	for _, candidate := range candidates {
		cmd := candidate.command(ctx, filepath.Join(b.Dir, "postgres"), "--version")
		if out, err := cmd.CombinedOutput(); err != nil {
			reasons = append(reasons, fmt.Errorf("%s: %w %s", candidate, err, strings.TrimSpace(string(out))))
			continue
		}
		return candidate, nil
	}
	return account{}, fmt.Errorf("PostgreSQL does not run as root, and no other user can run %s: %w", b.Dir, errors.Join(reasons...))
}

// rootAccounts are the accounts that root can try, the best first: a plain change of user, then a user namespace for
// containers whose root may not change users.
func rootAccounts() []account {
	var all []account
	for _, name := range unprivileged {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			all = append(all, account{uid: uid, gid: gid, switching: asCredential})
		}
	}
	if len(all) == 0 {
		all = append(all, account{uid: 65534, gid: 65534, switching: asCredential})
	}
	for _, a := range all[:len(all):len(all)] {
		all = append(all, account{uid: a.uid, gid: a.gid, switching: asNamespace})
	}
	return all
}

func (a account) String() string {
	switch a.switching {
	case asCredential:
		return fmt.Sprintf("as uid %d", a.uid)
	case asNamespace:
		return fmt.Sprintf("as uid %d in a user namespace", a.uid)
	}
	return "as this user"
}

// command is exec.CommandContext, run as the account in a process group of its own: a Ctrl-C at the terminal is for
// kedge to act on, not for its servers.
func (a account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	cmd.Env = serverEnviron()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	switch a.switching {
	case asCredential:
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	case asNamespace:
		setNamespace(cmd.SysProcAttr, a.uid, a.gid)
	}
	return cmd
}

// own gives a file or folder to the account.
func (a account) own(path string) error {
	if a.switching != asCredential {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// serverEnviron is the environment of a server's programs: nothing of this process's PG… variables or locale.
func serverEnviron() []string {
	keep := []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"}
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range keep {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
