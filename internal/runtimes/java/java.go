// Package java runs functions written for AWS's Java runtimes: it finds a Java
// virtual machine and starts AWS's own runtime interface client in it, as the
// jars that AWS publishes. They come from the user's Maven repository, or are
// fetched into it with the user's Maven; none is used unless its SHA-256 is the
// one that stands here. The machine's options are those that AWS starts its
// own with.
package java

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// identifiers are AWS's, the retired one too: its functions still run.
var identifiers = []string{
	"java25", "java21", "java17", "java17.al2023", "java11", "java11.al2023", "java8.al2023", "java8.al2", "java8",
}

// Runtime runs Java functions. Its zero value is ready.
type Runtime struct {
	places []string      // where Java virtual machines are kept besides JAVA_HOME and PATH, nil for the usual ones
	limit  time.Duration // how long Maven may take, 0 for the usual time
	pure   bool          // use the client's part in Java where it has a native one, too
}

// Name is "java".
func (Runtime) Name() string { return "java" }

// Identifiers are AWS's identifiers for Java, newest first.
func (Runtime) Identifiers() []string { return identifiers }

// main is the client's class that loads the handler.
const main = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"

// Launch starts AWS's client in the Java virtual machine that the function's
// runtime asks for, or in the nearest that can run its code. At the first use
// it may take minutes: then the client is fetched.
func (r Runtime) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	want := versionOf(fn.Runtime)
	if want == 0 {
		return nil, fmt.Errorf("%q is not a Java runtime", fn.Runtime)
	}
	code := paths.Task
	if paths.HostTask != "" {
		code = paths.HostTask
	}
	made := classVersion(code, fn.Handler)
	found, notices, err := r.find(host, fn.Runtime, want, made)
	if err != nil {
		return nil, err
	}
	c, more, err := r.client(host, found)
	if err != nil {
		return nil, err
	}
	notices = append(notices, more...)
	notices = append(notices, aboutCode(code, fn, want, made)...)
	options := machineOptions(found, want)
	if host.Debug != nil {
		agent, notice := debugger(host.Debug)
		options, notices = append(options, agent...), append(notices, notice...)
	} else {
		options = append(options, c.archive(host, found)...)
	}
	env, locale := utf8(found, fn, locales)
	options = append(options, locale...)
	classPath := append(c.classPath(), layers(paths)...)
	args := slices.Concat([]string{heap(fn.MemoryMB)}, options, c.options(),
		[]string{"-classpath", runtimes.JoinList(classPath), main, fn.Handler})
	l := &runtimes.Launch{
		Path: found.java, Args: args, Uses: []string{found.home, c.dir}, Version: found.version.String(), Notices: notices,
		Snapshots: want >= 11 && !host.Serverless, // AWS has SnapStart from java11 on
	}
	l.Add(fn, host.SearchPaths(runtimes.Interpreter{Path: found.java}, paths)...)
	if host.Cache != "" {
		l.Uses = append(l.Uses, filepath.Join(host.Cache, "java")) // archives
	}
	l.Env = append(l.Env, "AWS_EXECUTION_ENV=AWS_Lambda_"+fn.Runtime)
	l.Env = append(l.Env, env...)
	l.Wrap(fn, paths)
	return l, nil
}

// versionOf returns the major version in a runtime identifier such as
// java8.al2, 0 when it is none of Java's.
func versionOf(identifier string) int {
	rest, ok := strings.CutPrefix(identifier, "java")
	if !ok {
		return 0
	}
	number, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// defaultMemory is what AWS gives a function that asks for nothing, in MB.
const defaultMemory = 128

// heap is the option for the size of the heap: as much of the function's memory
// as AWS gives it, as functions there have seen on their command line.
func heap(memory int) string {
	if memory <= 0 {
		memory = defaultMemory
	}
	const percent = 85
	return fmt.Sprintf("-XX:MaxHeapSize=%dk", (memory*1024*percent+50)/100)
}

// machineOptions are the other options that AWS starts its Java virtual machine
// with: the serial collector and, from java17 on, the first compiler alone
// (https://docs.aws.amazon.com/lambda/latest/dg/java-customization.html). How
// the function runs is a matter of its runtime, which options there are one of
// the machine that is used.
func machineOptions(j jvm, want int) []string {
	options := []string{"-XX:+UseSerialGC"}
	if want >= 17 {
		options = append(options, "-XX:+TieredCompilation", "-XX:TieredStopAtLevel=1")
	}
	major := j.major()
	if major >= 9 {
		options = append(options, "--add-opens=java.base/java.io=ALL-UNNAMED")
	}
	if major >= 17 {
		options = append(options, "-XX:+ErrorFileToStderr")
	}
	if major >= 22 {
		// Else the machine warns of what the client does, in the function's log.
		options = append(options, "--enable-native-access=ALL-UNNAMED")
	}
	if major >= 23 {
		options = append(options, "--sun-misc-unsafe-memory-access=allow")
	}
	return append(options, "-Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac")
}

// layers are the entries of the class path that the client does not see by
// itself because the layers are not at /opt. The code's own come before them,
// as on AWS, so that its classes win and can be seen from a layer's.
func layers(paths runtimes.Paths) []string {
	const aws = "/opt"
	if paths.Opt == "" || paths.Opt == aws {
		return nil
	}
	jars := jarsIn(filepath.Join(paths.Opt, "java", "lib"))
	if len(jars) == 0 {
		return nil
	}
	return slices.Concat([]string{paths.Task + string(filepath.Separator)}, jarsIn(filepath.Join(paths.Task, "lib")), jars)
}

// jarsIn lists a folder's jars in the order of their names.
func jarsIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // most functions and layers have no such folder
	}
	var jars []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".jar") {
			jars = append(jars, filepath.Join(dir, e.Name()))
		}
	}
	return jars
}

// Survey lists the versions of Java on the machine, and the client.
func (r Runtime) Survey(host *runtimes.Host) []runtimes.Finding {
	all := r.machines(host)
	var findings []runtimes.Finding
	for _, v := range versions() {
		f := runtimes.Finding{Name: fmt.Sprintf("Java %d", v)}
		i := slices.IndexFunc(all, func(j jvm) bool { return j.major() == v })
		if i >= 0 {
			f.Version, f.Path = all[i].version.String(), all[i].java
		} else {
			f.Hint = install(v)
		}
		findings = append(findings, f)
	}
	return append(findings, surveyClient(host))
}

// versions are those of the identifiers, newest first.
func versions() []int {
	var all []int
	for _, id := range identifiers {
		all = append(all, versionOf(id))
	}
	return slices.Compact(all)
}
