package source

import "syscall"

// stampOf is the stamp of a regular file; false for anything else.
func stampOf(name string) (stamp, bool) {
	var st syscall.Stat_t
	if err := syscall.Lstat(name, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return stamp{}, false
	}
	return stamp{size: st.Size, modified: st.Mtimespec.Nano(), changed: st.Ctimespec.Nano(), inode: st.Ino}, true
}
