package sandboxtest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const actionVariable = "SANDBOXTEST_ACTION"

// lifetime bounds every process of the suite, should it be left behind.
const lifetime = 60 * time.Second

// Main is called first in TestMain: in a process that the suite has started it
// does what the suite wants and exits; otherwise it returns.
func Main() {
	action := os.Getenv(actionVariable)
	if action == "" {
		return
	}
	if f, ok := actions[action]; ok {
		f(os.Args[1:])
		os.Exit(0)
	}
	fmt.Printf("unknown action %q\n", action)
	os.Exit(99)
}

var actions = map[string]func(args []string){
	"alternate": func([]string) {
		for i := range 100 {
			fmt.Fprintf(os.Stdout, "out %d\n", i)
			fmt.Fprintf(os.Stderr, "err %d\n", i)
		}
	},
	"hello-then-wait": func([]string) {
		fmt.Print("hello")
		time.Sleep(lifetime)
	},
	"write-then-flag": func(args []string) {
		fmt.Print(strings.Repeat("x", 50000)) // less than a pipe holds
		_ = os.WriteFile(args[0], nil, 0o644)
		time.Sleep(lifetime)
	},
	"write": func(args []string) {
		n, _ := strconv.Atoi(args[0])
		block := strings.Repeat("x", 1<<16)
		for ; n > 0; n -= len(block) {
			fmt.Print(block[:min(n, len(block))])
		}
	},
	"connect": func(args []string) {
		results := make(chan int)
		for range connections {
			go func() {
				conn, err := net.Dial("tcp", args[0])
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				results <- there(conn)
			}()
		}
		for range connections {
			fmt.Println(<-results, "back")
		}
	},
	"serve": func([]string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(l.Addr().(*net.TCPAddr).Port)
		echo(l)
	},
	"await": func(args []string) {
		for end := time.Now().Add(lifetime); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if _, err := os.Stat(args[0]); err == nil {
				return
			}
		}
	},
	"exit":      func(args []string) { code, _ := strconv.Atoi(args[0]); os.Exit(code) },
	"kill-self": func([]string) { killSelf() },
	"hang-up": func([]string) {
		hangUp()
		time.Sleep(10 * time.Second)
	},
	"env": func([]string) { fmt.Println(strings.Join(os.Environ(), "\n")) },
	"cwd": func([]string) { dir, _ := os.Getwd(); fmt.Print(dir) },
	"cat": func(args []string) {
		data, err := os.ReadFile(args[0])
		if err != nil {
			fmt.Print(err)
		}
		_, _ = os.Stdout.Write(data)
	},
	"allocate": func(args []string) {
		n, _ := strconv.Atoi(args[0])
		memory := make([]byte, n)
		for i := 0; i < n; i += 4096 {
			memory[i] = 1
		}
		fmt.Print("done")
		time.Sleep(lifetime)
		fmt.Print(memory[0])
	},
	"count-twice": func([]string) { child("count-c", false); count("p") },
	"count-c":     func([]string) { count("c") },
	"ignore-sigterm": func([]string) {
		signal.Ignore(syscall.SIGTERM)
		fmt.Print("ready")
		time.Sleep(lifetime)
	},
	// say-sigterm starts a process that does the same.
	"say-sigterm": func(args []string) {
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGTERM)
		fmt.Println("ready")
		if len(args) > 0 {
			child("say-sigterm", false)
		}
		<-told
		fmt.Println("told")
		time.Sleep(lifetime) // the end of the first would be the other's
	},
	"tree": func([]string) {
		child("branch", false)
		child("leave", true)
		stay()
	},
	"branch": func([]string) {
		child("stay", false)
		stay()
	},
	// leave starts a daemon and ends, so that the daemon loses its parent.
	"leave": func([]string) { child("stay", true) },
	"stay":  func([]string) { stay() },
}

func count(name string) {
	for end, n := time.Now().Add(lifetime), 0; time.Now().Before(end); n++ {
		fmt.Printf("%s%d\n", name, n)
		time.Sleep(5 * time.Millisecond)
	}
}

func stay() {
	signal.Ignore(syscall.SIGTERM)
	fmt.Printf("pid %d\n", os.Getpid())
	time.Sleep(lifetime)
}

// child starts action beside this process, in a session of its own when apart.
func child(action string, apart bool) {
	exe, err := os.Executable()
	if err != nil {
		fmt.Print(err)
		os.Exit(99)
	}
	cmd := exec.Command(exe)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, actionVariable+"=") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, actionVariable+"="+action)
	if apart {
		cmd.SysProcAttr = ownSession()
	}
	if err := cmd.Start(); err != nil {
		fmt.Print(err)
		os.Exit(99)
	}
}

const (
	connections = 4
	megabyte    = 1 << 20
)

// there sends a megabyte, says that no more comes, and counts what comes back.
func there(conn net.Conn) int {
	defer conn.Close()
	go func() {
		_, _ = conn.Write(make([]byte, megabyte))
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	n, _ := io.Copy(io.Discard, conn)
	return int(n)
}

// echo sends back what it gets until the listener is closed.
func echo(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
	}
}
