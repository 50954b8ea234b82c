// Package provided runs functions that bring their own runtime: a program
// called bootstrap in the code or in a layer, which speaks the Runtime API
// itself.
package provided

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// goManaged is the retired runtime whose programs spoke another protocol.
const goManaged = "go1.x"

// withLibraries is the runtime that sets LD_LIBRARY_PATH on AWS.
const withLibraries = "provided.al2023"

// Runtime runs functions with their own bootstrap. Its zero value is ready.
type Runtime struct{}

// Name is "provided".
func (Runtime) Name() string { return "provided" }

// Identifiers are AWS's identifiers of OS-only runtimes, newest first, and the
// one that Go programs had before.
func (Runtime) Identifiers() []string {
	return []string{withLibraries, "provided.al2", "provided", goManaged}
}

// Survey is empty: these functions need nothing of the machine.
func (Runtime) Survey(*runtimes.Host) []runtimes.Finding { return nil }

// Launch starts the function's bootstrap, the code's own before a layer's.
func (Runtime) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	if fn.Runtime == goManaged {
		return nil, &runtimes.Missing{
			What: "a runtime for " + goManaged,
			Hint: "AWS has retired go1.x; say Runtime: provided.al2023 and Handler: bootstrap, and " + buildHint(),
		}
	}
	place, err := find(paths)
	if err != nil {
		return nil, err
	}
	l := &runtimes.Launch{Path: filepath.Join(place.inside, "bootstrap")}
	if !host.Serverless {
		l.Add(fn, searchPaths(fn.Runtime, paths)...)
	}
	if host.Debug != nil {
		if err := debug(l, host); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// place is a folder that a bootstrap may be in.
type place struct {
	host, inside string
}

// find returns the first folder with a bootstrap in it, and checks that the
// machine can run it.
func find(paths runtimes.Paths) (place, error) {
	places := []place{{orElse(paths.HostTask, paths.Task), paths.Task}}
	if paths.Opt != "" && paths.HostTask == "" {
		places = append(places, place{paths.Opt, paths.Opt})
	}
	for _, layer := range slices.Backward(paths.HostLayers) {
		places = append(places, place{layer, paths.Opt})
	}
	for _, p := range places {
		file := filepath.Join(p.host, "bootstrap")
		st, err := os.Stat(file)
		if errors.Is(err, os.ErrNotExist) || err == nil && st.IsDir() {
			continue
		}
		if err != nil {
			return place{}, err
		}
		return p, check(file, st, p.host == p.inside)
	}
	return place{}, &runtimes.Missing{
		What: "the program \"bootstrap\" in " + places[0].host,
		Hint: hintFor(places[0].host),
	}
}

// hintFor says how a program is made of the source in a folder.
func hintFor(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, "Cargo.toml")); err == nil {
		return "build it: cargo build --release, and copy the program from target/release to the code's folder as \"bootstrap\""
	}
	return buildHint()
}

func orElse(dir, other string) string {
	if dir != "" {
		return dir
	}
	return other
}

// machines are the processors of AWS, in Go's words and in those of a program file.
var machines = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}

// check finds out before the start what would make it fail with less to say.
// bare says that the program will see the host's files.
func check(file string, st os.FileInfo, bare bool) error {
	if runtime.GOOS != "windows" && st.Mode().Perm()&0o111 == 0 {
		return &runtimes.Missing{
			What: "an executable program at " + file,
			Hint: fmt.Sprintf("it lacks the permission: chmod +x %q", file),
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	program, err := elf.NewFile(f)
	if err != nil {
		return checkOther(f, file, bare)
	}
	if runtime.GOOS != "linux" {
		return &runtimes.Missing{
			What: fmt.Sprintf("a bootstrap for %s (%s is for linux)", runtime.GOOS, file),
			Hint: "build it for this machine: GOOS=" + runtime.GOOS + " go build -o bootstrap .",
		}
	}
	if machine, known := machines[program.Machine]; !known || machine != runtime.GOARCH {
		built := machine
		if !known {
			built = program.Machine.String()
		}
		return &runtimes.Missing{
			What: fmt.Sprintf("a bootstrap for %s (%s is for %s)", runtime.GOARCH, file, built),
			Hint: buildHint(),
		}
	}
	return nil
}

// checkOther looks at a bootstrap that is no Linux program. Scripts are fine;
// so is a program of the machine's own kind, which the start will find out.
func checkOther(f io.ReaderAt, file string, bare bool) error {
	head := make([]byte, 256) // all that Linux reads of a first line
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if line, script := strings.CutPrefix(string(head[:n]), "#!"); script {
		return checkScript(line, file, bare)
	}
	if runtime.GOOS != "linux" && n > 0 {
		return nil
	}
	return &runtimes.Missing{
		What: "a program at " + file + " (it is neither a Linux program nor a script with \"#!\" in its first line)",
		Hint: buildHint(),
	}
}

// checkScript looks for the interpreter that a script names, of which the
// system would only say that some file is not there.
func checkScript(text, file string, bare bool) error {
	line, _, _ := strings.Cut(text, "\n")
	words := strings.Fields(line)
	switch {
	case runtime.GOOS == "windows":
		return nil
	case strings.HasSuffix(line, "\r"):
		return &runtimes.Missing{
			What: "the interpreter of " + file + " (its first line ends as Windows' lines do, and the line end counts as part of the name)",
			Hint: fmt.Sprintf("give it Unix's line ends: sed -i 's/\\r$//' %q", file),
		}
	case !bare || len(words) == 0 || !filepath.IsAbs(words[0]):
		return nil
	}
	if _, err := os.Stat(words[0]); errors.Is(err, os.ErrNotExist) {
		return &runtimes.Missing{
			What: fmt.Sprintf("%s, the interpreter that the first line of %s names,", words[0], file),
			Hint: "install it, or name the one that this machine has, such as #!/usr/bin/env sh",
		}
	}
	return nil
}

func buildHint() string {
	return fmt.Sprintf("build it: GOOS=%s GOARCH=%s go build -o bootstrap .", runtime.GOOS, runtime.GOARCH)
}

// searchPaths are AWS's PATH and LD_LIBRARY_PATH of an OS-only runtime.
func searchPaths(identifier string, paths runtimes.Paths) []string {
	path := []string{"/usr/local/bin", "/usr/bin/", "/bin"}
	libs := []string{
		"/lib64", "/usr/lib64", paths.Runtime, filepath.Join(paths.Runtime, "lib"), paths.Task, filepath.Join(paths.Task, "lib"),
	}
	if paths.Opt != "" {
		path = append(path, filepath.Join(paths.Opt, "bin"))
		libs = append(libs, filepath.Join(paths.Opt, "lib"))
	}
	env := []string{"PATH=" + runtimes.JoinList(path)}
	if identifier == withLibraries {
		env = append(env, "LD_LIBRARY_PATH="+runtimes.JoinList(libs))
	}
	return env
}
