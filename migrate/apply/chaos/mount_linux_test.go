package chaos

import "syscall"

// mount mounts a tmpfs on a folder, or changes one that is there.
func mount(dir, options string) error {
	flags := uintptr(0)
	const again = "remount,"
	if len(options) > len(again) && options[:len(again)] == again {
		flags, options = syscall.MS_REMOUNT, options[len(again):]
	}
	return syscall.Mount("tmpfs", dir, "tmpfs", flags, options)
}

func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }
