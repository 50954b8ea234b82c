package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"runtime/debug"
	"syscall"
	"time"
)

// exit makes a handler that ends the process.
func exit(status int) any {
	return func() { os.Exit(status) }
}

// raise makes a handler that sends its process the signal.
func raise(signal syscall.Signal) func() error {
	return func() error {
		if err := syscall.Kill(os.Getpid(), signal); err != nil {
			return err
		}
		time.Sleep(5 * time.Second)
		return nil
	}
}

func exits() map[string]any {
	return map[string]any{
		"exits":          exit(0),
		"exits_with_3":   exit(3),
		"exits_with_255": exit(255),
		"killed":         raise(syscall.SIGKILL),
		"terminated":     raise(syscall.SIGTERM),
		"hung_up":        raise(syscall.SIGHUP),
		"quits":          raise(syscall.SIGQUIT),
		"aborts":         raise(syscall.SIGABRT),
		"exits_after_output": func() {
			fmt.Println("last words")
			os.Exit(5)
		},
		"exits_once": func(event struct{ Exit bool }) (string, error) {
			if event.Exit {
				os.Exit(6)
			}
			return "fine", nil
		},
		"times_out": func() { time.Sleep(5 * time.Second) },
		"times_out_busy": func() {
			for begun := time.Now(); time.Since(begun) < 5*time.Second; {
			}
		},
		"exits_by_log": func() { log.Fatal("fatal words") },
		"panics_in_background": func() {
			go panic("in the background")
			time.Sleep(5 * time.Second)
		},
		"overflows_stack": func() (int, error) {
			debug.SetMaxStack(1 << 20)
			return overflow(1), nil
		},
		"runs_a_program": func() (string, error) {
			out, err := exec.Command("/bin/sh", "-c", "echo said; echo cried >&2; echo $AWS_LAMBDA_FUNCTION_NAME").Output()
			return string(out), err
		},
		"leaves_a_program": func() error {
			child := exec.Command("/bin/sleep", "60")
			child.Stdout, child.Stderr = os.Stdout, os.Stderr
			return child.Start()
		},
		"reads_input": func() (string, error) {
			text, err := io.ReadAll(os.Stdin)
			return string(text), err
		},
	}
}

func overflow(n int) int { return overflow(n+1) + overflow(n+2) }
