//go:build !linux

package engine

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }

func unmount(string) {}

func removeGroups(string) {}
