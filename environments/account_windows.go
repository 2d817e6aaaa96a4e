package environments

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// account is whom a server's programs run as: on Windows always this process's own user.
type account struct{}

func serverAccount(context.Context, Binaries) (account, error) { return account{}, nil }

func (account) String() string { return "as this user" }

// command is exec.CommandContext in a process group of its own: a Ctrl-C in the console is for kedge to act on, not for
// its servers.
func (account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(strings.ToUpper(variable), "PG") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
	return cmd
}

func (account) own(string) error { return nil }
