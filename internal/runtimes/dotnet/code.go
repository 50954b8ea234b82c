package dotnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// program is what a function's published code is started with. Its paths are
// those that the process sees.
type program struct {
	native       string // a program that needs no .NET
	dll          string // a program for .NET
	deps, config string // the files that describe a class library
	needs        needs
}

// needs is what code asks of .NET.
type needs struct {
	version    runtimes.Version // what it was built for, nil when it does not say
	frameworks []string
	anyNewer   bool // it asks for newer lines itself
}

// names are the frameworks that the code needs.
func (n needs) names() []string {
	if slices.Contains(n.frameworks, netCore) {
		return n.frameworks
	}
	return append([]string{netCore}, n.frameworks...)
}

// look finds out how the function is started, by the rules of AWS's launch
// script. Where the script would exit with a number of its own, 102 to 106, the
// error says what is missing.
func look(fn *lambda.Function, paths runtimes.Paths) (*program, error) {
	code := paths.Task
	if paths.HostTask != "" {
		code = paths.HostTask
	}
	if fn.Handler == "" {
		return nil, &runtimes.Missing{What: "a handler of function " + fn.Path, Hint: "name it: ASSEMBLY::NAMESPACE.CLASS::METHOD, or the name of a program"}
	}
	if entries, err := os.ReadDir(code); err != nil || len(entries) == 0 {
		return nil, notPublished("the function's code in "+code, code)
	}
	assembly, _, isLibrary := strings.Cut(fn.Handler, ":")
	if !isLibrary {
		return executable(fn.Handler, code, paths.Task)
	}
	for _, v := range fn.Environment {
		if v.Name == "LAMBDA_DOTNET_MAIN_ASSEMBLY" && v.Value != "" {
			assembly = strings.TrimSuffix(v.Value, ".dll")
		}
	}
	deps, err := described(code, assembly, ".deps.json")
	if err != nil {
		return nil, err
	}
	config, err := described(code, assembly, ".runtimeconfig.json")
	if err != nil {
		return nil, err
	}
	return &program{
		deps: filepath.Join(paths.Task, deps), config: filepath.Join(paths.Task, config),
		needs: readConfig(filepath.Join(code, config)),
	}, nil
}

// executable finds the program that a handler without colons names.
func executable(handler, code, task string) (*program, error) {
	dll := handler
	if !strings.HasSuffix(dll, ".dll") {
		dll += ".dll"
	}
	if isFile(filepath.Join(code, dll)) {
		return &program{
			dll:   filepath.Join(task, dll),
			needs: readConfig(filepath.Join(code, strings.TrimSuffix(dll, ".dll")+".runtimeconfig.json")),
		}, nil
	}
	file := filepath.Join(code, handler)
	st, err := os.Stat(file)
	if err != nil || !st.Mode().IsRegular() {
		return nil, notPublished(fmt.Sprintf("%s, or a program %s, in %s", dll, handler, code), code)
	}
	if runtime.GOOS != "windows" && st.Mode().Perm()&0o111 == 0 {
		return nil, &runtimes.Missing{What: "an executable program at " + file, Hint: fmt.Sprintf("it lacks the permission: chmod +x %q", file)}
	}
	return &program{native: filepath.Join(task, handler)}, nil
}

// described is the name of the file that describes a class library: the
// assembly's or, when that is not there, the only one of its kind.
func described(code, assembly, end string) (string, error) {
	if isFile(filepath.Join(code, assembly+end)) {
		return assembly + end, nil
	}
	var others []string
	entries, err := os.ReadDir(code)
	if err != nil {
		return "", fmt.Errorf("reading the function's code: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), end) {
			others = append(others, e.Name())
		}
	}
	switch len(others) {
	case 0:
		return "", notPublished(fmt.Sprintf("%s%s in %s", assembly, end, code), code)
	case 1:
		return others[0], nil
	}
	return "", &runtimes.Missing{
		What: fmt.Sprintf("%s%s in %s", assembly, end, code),
		Hint: fmt.Sprintf("there are %s: begin the handler with the name of one of them, or name it in the variable LAMBDA_DOTNET_MAIN_ASSEMBLY", strings.Join(others, ", ")),
	}
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// notPublished is the error of a folder that is not what dotnet publish makes,
// with the way to get there.
func notPublished(what, code string) *runtimes.Missing {
	m := &runtimes.Missing{What: what, Hint: "publish the function (sam build, or dotnet publish -c Release -o FOLDER), and let its code be the folder that this fills"}
	for _, pattern := range []string{"*.csproj", "*.fsproj", "*.vbproj"} {
		projects, _ := filepath.Glob(filepath.Join(escape(code), pattern)) // the pattern is well formed
		if len(projects) == 0 {
			continue
		}
		m.Hint = fmt.Sprintf("%s is a project's source (it has a %s): build it, for instance with sam build or dotnet publish -c Release, and let the function's code be what was built",
			code, filepath.Base(projects[0]))
		if dir := published(code); dir != "" {
			m.Hint += "; it has been published to " + dir
		}
		break
	}
	return m
}

// published is the folder that dotnet publish has last filled below a project, "" for none.
func published(code string) (newest string) {
	var when int64
	for _, pattern := range []string{"bin/*/*/publish/*.runtimeconfig.json", "bin/*/*/*/publish/*.runtimeconfig.json"} {
		files, _ := filepath.Glob(filepath.Join(escape(code), filepath.FromSlash(pattern))) // the pattern is well formed
		for _, file := range files {
			if st, err := os.Stat(file); err == nil && st.ModTime().UnixNano() > when {
				newest, when = filepath.Dir(file), st.ModTime().UnixNano()
			}
		}
	}
	return newest
}

// escape makes a folder's name a pattern that means this folder.
func escape(dir string) string {
	if runtime.GOOS == "windows" {
		return dir // where a pattern has no escapes
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// readConfig reads what a runtimeconfig.json asks for. Of a file that cannot be
// read .NET itself will complain.
func readConfig(file string) needs {
	data, err := os.ReadFile(file)
	if err != nil {
		return needs{}
	}
	type framework struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	var c struct {
		Options struct {
			Framework   framework   `json:"framework"`
			Frameworks  []framework `json:"frameworks"`
			RollForward string      `json:"rollForward"`
		} `json:"runtimeOptions"`
	}
	if json.Unmarshal(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")), &c) != nil {
		return needs{}
	}
	n := needs{anyNewer: slices.Contains([]string{"major", "latestmajor"}, strings.ToLower(c.Options.RollForward))}
	for _, f := range append([]framework{c.Options.Framework}, c.Options.Frameworks...) {
		number, _, _ := strings.Cut(f.Version, "-")
		if v := runtimes.ParseVersion(number); f.Name != "" && len(v) > 1 {
			n.frameworks = append(n.frameworks, f.Name)
			n.version = v
		}
	}
	return n
}
