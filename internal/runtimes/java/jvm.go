package java

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// jvm is a Java virtual machine on this machine.
type jvm struct {
	home    string           // its folder, without symbolic links
	java    string           // its program
	version runtimes.Version // {17, 0, 15}; of Java 8 {8, 0}
	// What its release file says of the system it is made for, in the words
	// that newer ones use: "Linux", "x86_64", "gnu"; "" where it says nothing.
	system, processor, libc string
}

func (j jvm) major() int { return j.version[0] }

// usualPlaces are folders of Java virtual machines, with variables and
// patterns in them: version managers, build tools, Linux, macOS, Windows.
var usualPlaces = []string{
	"$SDKMAN_DIR/candidates/java/*", "$HOME/.sdkman/candidates/java/*",
	"$JENV_ROOT/versions/*", "$HOME/.jenv/versions/*",
	"$ASDF_DATA_DIR/installs/java/*", "$HOME/.asdf/installs/java/*",
	"$MISE_DATA_DIR/installs/java/*", "$XDG_DATA_HOME/mise/installs/java/*", "$HOME/.local/share/mise/installs/java/*",
	"$JABBA_HOME/jdk/*", "$HOME/.jabba/jdk/*",
	"$HOME/.jdks/*", "$GRADLE_USER_HOME/jdks/*", "$HOME/.gradle/jdks/*",
	"/usr/lib/jvm/*", "/usr/lib64/jvm/*", "/usr/java/*", "/opt/java/*", "/opt/jdk*",
	"/Library/Java/JavaVirtualMachines/*", "$HOME/Library/Java/JavaVirtualMachines/*",
	"/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk", "/usr/local/opt/openjdk*/libexec/openjdk.jdk",
	"$ProgramFiles/Java/*", "$ProgramFiles/Eclipse Adoptium/*", "$ProgramFiles/Amazon Corretto/*", "$ProgramFiles/Microsoft/jdk*", "$ProgramFiles/Zulu/*",
}

// machines lists the Java virtual machines: that of JAVA_HOME, those of PATH,
// then the others, the newest first. None is started.
func (r Runtime) machines(host *runtimes.Host) []jvm {
	var all []jvm
	add := func(home string) {
		j, ok := inspect(home)
		if ok && !slices.ContainsFunc(all, func(other jvm) bool { return other.home == j.home }) {
			all = append(all, j)
		}
	}
	if home := host.Env["JAVA_HOME"]; filepath.IsAbs(home) {
		add(home)
	}
	for _, dir := range filepath.SplitList(host.Env["PATH"]) {
		// A version manager's shim is no link into a machine's folder.
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, javaProgram())); err == nil && filepath.IsAbs(dir) {
			add(filepath.Dir(filepath.Dir(real)))
		}
	}
	chosen := len(all)
	places := r.places
	if places == nil {
		places = usualPlaces
	}
	for _, place := range places {
		for _, dir := range runtimes.Folders(place, host.Env) {
			add(dir)
		}
	}
	slices.SortStableFunc(all[chosen:], func(a, b jvm) int { return b.version.Compare(a.version) })
	return all
}

func javaProgram() string {
	if runtime.GOOS == "windows" {
		return "java.exe"
	}
	return "java"
}

// inspect looks at a folder that may be a Java virtual machine's: at itself,
// at the one that macOS's bundles keep inside and at the one around Java 8's jre.
func inspect(dir string) (jvm, bool) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return jvm{}, false
	}
	homes := []string{real, filepath.Join(real, "Contents", "Home")}
	if filepath.Base(real) == "jre" {
		homes = []string{filepath.Dir(real), real}
	}
	for _, home := range homes {
		java := filepath.Join(home, "bin", javaProgram())
		if st, err := os.Stat(java); err != nil || !st.Mode().IsRegular() {
			continue
		}
		if j, ok := readRelease(home); ok {
			j.home, j.java = home, java
			return j, true
		}
	}
	return jvm{}, false
}

// readRelease reads the file that says which version a folder holds. Without
// one the folder's name has to do.
func readRelease(home string) (jvm, bool) {
	values := map[string]string{}
	data, err := os.ReadFile(filepath.Join(home, "release"))
	if err != nil {
		values["JAVA_VERSION"] = filepath.Base(home)
	}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[name] = strings.Trim(value, `"`)
		}
	}
	j := jvm{version: parseVersion(values["JAVA_VERSION"]), system: values["OS_NAME"], processor: values["OS_ARCH"], libc: values["LIBC"]}
	// Java 8 calls it amd64; what jlink makes does not say for what.
	if j.processor == "" {
		j.processor = runtime.GOARCH
	}
	j.processor = cmp.Or(map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[j.processor], j.processor)
	if j.system == "" {
		j.system = map[string]string{"linux": "Linux", "darwin": "Darwin", "windows": "Windows"}[runtime.GOOS]
	}
	if j.libc == "" && len(runtimes.Folders("/lib/ld-musl-*", nil)) > 0 && len(runtimes.Folders("/lib*/ld-linux-*", nil)) == 0 {
		j.libc = "musl"
	}
	return j, j.version != nil
}

// number finds the first version in a text: 17.0.15, 1.8.0_392, 25-ea,
// java-11-openjdk-amd64, jdk1.8.0_292.
var number = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[a-z]|-)(?:1\.)?(\d+(?:\.\d+){0,2})`) })

func parseVersion(text string) runtimes.Version {
	m := number().FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	v := runtimes.ParseVersion(m[1])
	if v == nil || v[0] < 8 || v[0] > 99 {
		return nil // older than AWS's oldest, or no version of Java
	}
	return v
}

// find returns the Java virtual machine for a runtime of version want, and
// remarks for the user. Where there is none of that version it takes the
// nearest newer one, which runs older code too, else an older one that can
// load the class of the handler, which was made for Java made (0: unknown).
func (r Runtime) find(host *runtimes.Host, identifier string, want, made int) (jvm, []string, error) {
	var newer, older *jvm
	for _, j := range r.machines(host) {
		switch major := j.major(); {
		case major == want:
			return j, nil, nil
		case major > want && (newer == nil || major < newer.major()):
			newer = &j
		case major < want && (older == nil || major > older.major()):
			older = &j
		}
	}
	nearest := newer
	if nearest == nil && older != nil && made > 0 && made <= older.major() {
		nearest = older
	}
	if nearest != nil && !host.Strict {
		return *nearest, []string{fmt.Sprintf("runtime %s runs on Java %s, the nearest version found", identifier, nearest.version)}, nil
	}
	missing := &runtimes.Missing{What: fmt.Sprintf("Java %d for runtime %s", want, identifier), Hint: install(want)}
	switch {
	case nearest != nil:
		missing.Hint += fmt.Sprintf("; the nearest version is %s, at %s", nearest.version, nearest.java)
	case older != nil && made > 0:
		missing.Hint += fmt.Sprintf("; the code is compiled for Java %d, which the newest version found, %s at %s, cannot run", made, older.version, older.java)
	case older != nil:
		missing.Hint += fmt.Sprintf("; the newest version found is %s, at %s", older.version, older.java)
	}
	return jvm{}, nil, missing
}

func install(version int) string {
	return fmt.Sprintf("install Java %d, for instance with \"mise use -g java@%[1]d\", \"brew install openjdk@%[1]d\" or \"apt-get install openjdk-%[1]d-jdk-headless\"", version)
}

// classFile is where the class of a handler (pkg.Class::method) lies in the code.
func classFile(code, handler string) string {
	class, _, _ := strings.Cut(handler, "::")
	return filepath.Join(code, filepath.FromSlash(strings.ReplaceAll(class, ".", "/"))+".class")
}

// classVersion returns the version of Java that the handler's class was
// compiled for, 0 when it is not a file of the code: it may be in a jar.
func classVersion(code, handler string) int {
	f, err := os.Open(classFile(code, handler))
	if err != nil {
		return 0
	}
	defer f.Close()
	// https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html#jvms-4.1
	head := make([]byte, 8)
	if _, err := io.ReadFull(f, head); err != nil || binary.BigEndian.Uint32(head) != 0xCAFEBABE {
		return 0
	}
	return max(0, int(binary.BigEndian.Uint16(head[6:]))-44)
}

// aboutCode tells of code that will not run on AWS, or not at all.
func aboutCode(code string, fn *lambda.Function, want, made int) []string {
	if made > want {
		return []string{fmt.Sprintf("the handler's class is compiled for Java %d, which AWS's %s cannot load", made, fn.Runtime)}
	}
	if made > 0 || len(jarsIn(filepath.Join(code, "lib"))) > 0 {
		return nil
	}
	for _, build := range []string{"pom.xml", "build.gradle", "build.gradle.kts"} {
		if st, err := os.Stat(filepath.Join(code, build)); err == nil && !st.IsDir() {
			return []string{fmt.Sprintf("%s is a project's source (it has a %s): build it, for instance with sam build, and let the function's code be what was built", code, build)}
		}
	}
	return nil
}
