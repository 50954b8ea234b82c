package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// actionVariable makes the test binary do one of the actions, in a container
// or as another lambkin.
const actionVariable = "CONTAINER_TEST_ACTION"

// lifetime bounds what is started.
const lifetime = 60 * time.Second

func act() {
	action := os.Getenv(actionVariable)
	if action == "" {
		return
	}
	f, ok := actions()[action]
	if !ok {
		fmt.Printf("unknown action %q\n", action)
		os.Exit(99)
	}
	if err := f(os.Args[1:]); err != nil {
		fmt.Print(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func actions() map[string]func(args []string) error {
	return map[string]func([]string) error{
		"id": func([]string) error {
			fmt.Print(os.Getuid(), " ", os.Getgid())
			return nil
		},
		"list": func(args []string) error {
			entries, err := os.ReadDir(args[0])
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			fmt.Print(strings.Join(names, " "))
			return err
		},
		"read": func(args []string) error {
			data, err := os.ReadFile(args[0])
			fmt.Print(string(data))
			return err
		},
		"status": func(args []string) error { // lines of the process's own
			data, err := os.ReadFile("/proc/self/status")
			for line := range strings.Lines(string(data)) {
				if name, value, _ := strings.Cut(line, ":"); name == args[0] {
					fmt.Print(strings.TrimSpace(value))
				}
			}
			return err
		},
		"limit": func([]string) error {
			var limit syscall.Rlimit
			err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
			fmt.Print(limit.Max)
			return err
		},
		"write": func(args []string) error { // a file, and how many bytes
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return err
			}
			return os.WriteFile(args[0], make([]byte, n), 0o600)
		},
		"signal-1": func([]string) error {
			for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
				if err := syscall.Kill(1, s); err != nil {
					return err
				}
			}
			time.Sleep(50 * time.Millisecond)
			fmt.Print("there")
			return nil
		},
		"resolve": func(args []string) error {
			addresses, err := net.DefaultResolver.LookupHost(context.Background(), args[0])
			fmt.Print(strings.Join(addresses, " "))
			return err
		},
		"interfaces": func([]string) error {
			all, err := net.Interfaces()
			for _, i := range all {
				if addresses, err := i.Addrs(); err == nil && len(addresses) > 0 {
					fmt.Print(i.Name, " ")
				}
			}
			return err
		},
		"allocate": func(args []string) error { // steps, and megabytes a step, slowly
			steps, _ := strconv.Atoi(args[0])
			megabytes, _ := strconv.Atoi(args[1])
			var kept [][]byte
			for range steps {
				kept = append(kept, bytes.Repeat([]byte{1}, megabytes<<20))
				time.Sleep(20 * time.Millisecond)
			}
			fmt.Print(len(kept), " steps")
			return nil
		},
		"wait":   func([]string) error { fmt.Println("ready"); time.Sleep(lifetime); return nil },
		"get":    get,
		"stream": stream200,
		"owner":  owns,
	}
}

// get asks an address in the container, and says what came.
func get(args []string) error {
	res, err := http.Get(args[0])
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	fmt.Print(n)
	return err
}

// stream200 posts a body of so many bytes.
func stream200(args []string) error {
	n, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	res, err := http.Post(args[0], "application/octet-stream", io.LimitReader(zeros{}, n))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(os.Stdout, res.Body)
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// owns is a lambkin that opens environments and never closes them.
func owns(args []string) error {
	ctx := context.Background()
	e, err := Find(ctx, map[string]string{"DOCKER_HOST": args[0], BinaryVariable: args[1]})
	if err != nil {
		return err
	}
	for end := time.Now().Add(lifetime); time.Now().Before(end); {
		env, err := Sandbox{Engine: e, Options: Options{Network: "none"}}.Open(ctx, sandbox.Spec{Image: &sandbox.Image{ID: args[2]}})
		if err != nil {
			return err
		}
		_, err = env.Start(ctx, sandbox.Command{Path: inside, Dir: "/", Env: []string{actionVariable + "=wait", args[3]}, Stdout: os.Stdout, Stderr: os.Stdout})
		if err != nil {
			return err
		}
	}
	return errors.New("nobody has ended this")
}

// opened is an environment that is closed with the test.
func opened(t *testing.T, box Sandbox, spec sandbox.Spec) sandbox.Environment {
	t.Helper()
	env, err := box.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	})
	return env
}

// do has an action done in an environment, and returns what it says.
func do(t *testing.T, env sandbox.Environment, action string, args ...string) (string, sandbox.Exit) {
	t.Helper()
	var out bytes.Buffer
	p, err := env.Start(t.Context(), sandbox.Command{Path: inside, Args: args, Dir: "/", Env: []string{actionVariable + "=" + action}, Stdout: &out, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(30 * time.Second):
		t.Fatalf("%s does not end", action)
	}
	return out.String(), p.Exit()
}

func write(t *testing.T, dir, name, content string, mode os.FileMode) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}
