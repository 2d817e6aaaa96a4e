//go:build unix && !linux

package environments

import "syscall"

// setNamespace does nothing: only Linux has user namespaces, and only there does root lose the right to change users.
func setNamespace(*syscall.SysProcAttr, int, int) {}
