//go:build unix && !linux

package chaos

import "errors"

func mount(string, string) error { return errors.ErrUnsupported }
func unmount(string) error       { return nil }
