// Command mkimage makes a container image for bench/run, of this machine's
// programs: mkimage FILE NAME FOLDER HANDLER [PROGRAM]... The image starts
// /bootstrap of FOLDER with the handler.
package main

import (
	"fmt"
	"os"

	"github.com/lambkin-dev/lambkin/internal/testenv/imagetest"
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: mkimage FILE NAME FOLDER HANDLER [PROGRAM]...")
		os.Exit(2)
	}
	config := imagetest.Config{Entrypoint: []string{"/bootstrap"}, Cmd: []string{os.Args[4]}, Env: []string{"PATH=/usr/bin:/bin"}, WorkingDir: "/"}
	if err := imagetest.Write(os.Args[1], os.Args[2], config, os.Args[3], os.Args[5:]...); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}
