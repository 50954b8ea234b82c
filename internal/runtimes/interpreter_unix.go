//go:build !windows

package runtimes

// programFolder is where an environment's programs are below its folder.
const programFolder = "bin"
