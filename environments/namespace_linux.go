package environments

import "syscall"

// setNamespace makes the process uid, gid in a user namespace of its own, where they stand for this process's user.
func setNamespace(attr *syscall.SysProcAttr, uid, gid int) {
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: syscall.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: syscall.Getegid(), Size: 1}}
}
