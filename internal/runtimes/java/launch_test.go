package java

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// release is a Java's file of that name.
func release(version string) string {
	return fmt.Sprintf("IMPLEMENTOR=\"Ada\"\nJAVA_VERSION=\"%s\"\nLIBC=\"gnu\"\nMODULES=\"java.base java.se\"\nOS_ARCH=\"x86_64\"\nOS_NAME=\"Linux\"\n", version)
}

// place makes a Java of a folder; one without a version has no release file.
func place(t *testing.T, home, version string) {
	t.Helper()
	files := map[string]string{"bin/" + javaProgram(): "#!/bin/sh\n"}
	if version != "" {
		files["release"] = release(version)
	}
	testenv.WriteFiles(t, home, files)
	if err := os.Chmod(filepath.Join(home, "bin", javaProgram()), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestMachinesAreFoundWhereTheyAreKept(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the test makes symbolic links")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for dir, version := range map[string]string{
		"home/.sdkman/candidates/java/21.0.2-tem":                         "21.0.2",
		"home/.asdf/installs/java/corretto-11.0.22.7.1":                   "11.0.22",
		"home/.jdks/openjdk-23":                                           "23",
		"home/Library/Java/JavaVirtualMachines/zulu-17.jdk/Contents/Home": "17.0.9",
		"mise/installs/java/temurin-24":                                   "24.0.1",
		"java8":                                                           "1.8.0_392",
		"java8/jre":                                                       "",
		"chosen":                                                          "17.0.1",
		"jvm/java-7-openjdk":                                              "1.7.0_80",
		"jvm/java-11-openjdk-amd64":                                       "",
		"jvm/early":                                                       "26-ea",
	} {
		place(t, filepath.Join(root, dir), version)
	}
	for _, dir := range []string{"bin", "shims"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{
		"bin/java": "../java8/jre/bin/java", "home/.sdkman/candidates/java/current": "21.0.2-tem", "jvm/default": "early",
	} {
		if err := os.Symlink(to, filepath.Join(root, from)); err != nil {
			t.Fatal(err)
		}
	}
	testenv.WriteFiles(t, root, map[string]string{"shims/java": "#!/bin/sh\nexec asdf\n"})
	env := map[string]string{
		"HOME": filepath.Join(root, "home"), "MISE_DATA_DIR": filepath.Join(root, "mise"), "JAVA_HOME": filepath.Join(root, "chosen"),
		"PATH": runtimes.JoinList([]string{"bin", filepath.Join(root, "shims"), filepath.Join(root, "bin")}),
	}
	places := append(slices.DeleteFunc(slices.Clone(usualPlaces), filepath.IsAbs), filepath.Join(root, "jvm", "*"))
	var got []string
	for _, j := range (Runtime{places: places}).machines(&runtimes.Host{Env: env}) {
		home, err := filepath.Rel(root, j.home)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, home+" "+j.version.String())
	}
	want := []string{
		"chosen 17.0.1", "java8 8.0", "jvm/early 26", "mise/installs/java/temurin-24 24.0.1", "home/.jdks/openjdk-23 23",
		"home/.sdkman/candidates/java/21.0.2-tem 21.0.2", "home/Library/Java/JavaVirtualMachines/zulu-17.jdk/Contents/Home 17.0.9",
		"home/.asdf/installs/java/corretto-11.0.22.7.1 11.0.22", "jvm/java-11-openjdk-amd64 11",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Java virtual machines (-want +got):\n%s", diff)
	}
}

// having is a runtime on a machine that has these versions of Java only.
func having(t *testing.T, versions ...string) Runtime {
	t.Helper()
	dir := t.TempDir()
	for _, v := range versions {
		place(t, filepath.Join(dir, "jdk-"+v), v)
	}
	return Runtime{places: []string{filepath.Join(dir, "*")}}
}

func TestTheNearestThatCanRunTheCodeIsTaken(t *testing.T) {
	tests := []struct {
		name       string
		have       []string
		identifier string
		made       int
		strict     bool
		want       string // the version, or the hint's end
		notice     string
	}{
		{"the same", []string{"25.0.1", "17.0.1", "17.0.15"}, "java17", 0, false, "17.0.15", ""},
		{"of Java 8", []string{"25.0.1", "1.8.0_392"}, "java8.al2", 0, true, "8.0", ""},
		{"newer", []string{"11", "25.0.1", "22"}, "java17", 0, false, "22", "runtime java17 runs on Java 22, the nearest version found"},
		{"strict", []string{"25.0.1"}, "java17", 0, true, "; the nearest version is 25.0.1, at JAVA", ""},
		{"older, of which the code is not known", []string{"17.0.1"}, "java21", 0, false, "; the newest version found is 17.0.1, at JAVA", ""},
		{"older, for older code", []string{"17.0.1", "11"}, "java21", 17, false, "17.0.1", "runtime java21 runs on Java 17.0.1, the nearest version found"},
		{"older, for newer code", []string{"17.0.1"}, "java25", 21, false, "; the code is compiled for Java 21, which the newest version found, 17.0.1 at JAVA, cannot run", ""},
		{"none", nil, "java21", 0, false, "\"apt-get install openjdk-21-jdk-headless\"", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found, notices, err := having(t, tt.have...).find(&runtimes.Host{Strict: tt.strict}, tt.identifier, versionOf(tt.identifier), tt.made)
			var missing *runtimes.Missing
			if errors.As(err, &missing) {
				hint := missing.Hint
				for _, word := range strings.Fields(hint) {
					if word = strings.TrimRight(word, ","); filepath.Base(word) == javaProgram() {
						hint = strings.Replace(hint, word, "JAVA", 1)
					}
				}
				if !strings.HasSuffix(hint, tt.want) || !strings.HasSuffix(missing.What, " for runtime "+tt.identifier) {
					t.Errorf("missing: %+v", missing)
				}
				return
			}
			if err != nil || found.version.String() != tt.want || strings.Join(notices, "\n") != tt.notice {
				t.Errorf("found %+v, notices %q, error %v", found, notices, err)
			}
		})
	}
}

func TestAMachineThatDoesNotSayIsForThisSystem(t *testing.T) {
	home := t.TempDir()
	testenv.WriteFiles(t, home, map[string]string{"release": "JAVA_VERSION=\"21.0.8\"\nMODULES=\"java.base\"\n"})
	j, ok := readRelease(home)
	if end := nativeFor(j); !ok || (end != "") != (runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64")) {
		t.Errorf("%+v takes the library %q", j, end)
	}
	testenv.WriteFiles(t, home, map[string]string{"release": "JAVA_VERSION=\"1.8.0_392\"\nOS_NAME=\"Linux\"\nOS_ARCH=\"amd64\"\nLIBC=\"gnu\"\n"})
	if j, ok := readRelease(home); !ok || nativeFor(j) != "linux-x86_64" {
		t.Errorf("%+v takes the library %q", j, nativeFor(j))
	}
}

func TestOptionsFollowRuntimeAndMachine(t *testing.T) {
	tests := []struct {
		have string
		want int
		text string
	}{
		{"1.8.0_392", 8, "-XX:+UseSerialGC -Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac"},
		{"11", 11, "-XX:+UseSerialGC --add-opens=java.base/java.io=ALL-UNNAMED -Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac"},
		{"17", 17, "-XX:+UseSerialGC -XX:+TieredCompilation -XX:TieredStopAtLevel=1 --add-opens=java.base/java.io=ALL-UNNAMED -XX:+ErrorFileToStderr -Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac"},
		{"25", 11, "-XX:+UseSerialGC --add-opens=java.base/java.io=ALL-UNNAMED -XX:+ErrorFileToStderr --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac"},
	}
	for _, tt := range tests {
		if got := strings.Join(machineOptions(jvm{version: parseVersion(tt.have)}, tt.want), " "); got != tt.text {
			t.Errorf("java%d on Java %s: %s\nwant %s", tt.want, tt.have, got, tt.text)
		}
	}
	for memory, want := range map[int]string{0: "-XX:MaxHeapSize=111411k", 512: "-XX:MaxHeapSize=445645k"} {
		if got := heap(memory); got != want {
			t.Errorf("of %d MB: %s, want %s", memory, got, want)
		}
	}
}

func TestLibrariesAreForTheMachine(t *testing.T) {
	for _, tt := range []struct {
		j    jvm
		want string
	}{
		{jvm{system: "Linux", processor: "x86_64", libc: "gnu"}, "linux-x86_64"},
		{jvm{system: "Linux", processor: "aarch64"}, "linux-aarch_64"},
		{jvm{system: "Linux", processor: "x86_64", libc: "musl"}, "linux_musl-x86_64"},
		{jvm{system: "Linux", processor: "riscv64", libc: "gnu"}, ""},
		{jvm{system: "Darwin", processor: "aarch64", libc: "default"}, ""},
		{jvm{system: "Windows", processor: "x86_64"}, ""},
	} {
		if got := nativeFor(tt.j); got != tt.want {
			t.Errorf("for %s on %s: %q, want %q", tt.j.system, tt.j.processor, got, tt.want)
		}
		if _, ok := natives[tt.want]; !ok && tt.want != "" {
			t.Errorf("%s has no SHA-256", tt.want)
		}
	}
}

func TestCodeThatAWSWouldNotRunIsSaid(t *testing.T) {
	dir := t.TempDir()
	testenv.WriteFiles(t, dir, map[string]string{
		"source/pom.xml": "<project/>", "built/pom.xml": "<project/>", "built/lib/app.jar": "",
		"new/a/B.class": "\xCA\xFE\xBA\xBE\x00\x00\x00\x45", "none/a/B.class": "no class",
	})
	tests := []struct{ code, want string }{
		{"source", dir + "/source is a project's source (it has a pom.xml): build it, for instance with sam build, and let the function's code be what was built"},
		{"built", ""},
		{"new", "the handler's class is compiled for Java 25, which AWS's java21 cannot load"},
		{"none", ""},
	}
	for _, tt := range tests {
		code := filepath.Join(dir, tt.code)
		got := aboutCode(code, &lambda.Function{Runtime: "java21"}, 21, classVersion(code, "a.B::handle"))
		if strings.Join(got, "\n") != filepath.FromSlash(tt.want) {
			t.Errorf("%s: %q", tt.code, got)
		}
	}
}

func TestLaunchRefusesOtherLanguages(t *testing.T) {
	for _, identifier := range []string{"ruby3.3", "java", "javascript"} {
		if _, err := (Runtime{}).Launch(&lambda.Function{Runtime: identifier}, runtimes.Paths{}, &runtimes.Host{}); err == nil {
			t.Errorf("%s is launched", identifier)
		}
	}
}

func TestSurveyTellsWhatThereIs(t *testing.T) {
	host := &runtimes.Host{Cache: t.TempDir(), Env: map[string]string{}}
	var got []string
	for _, f := range having(t, "17.0.1", "1.8.0_392").Survey(host) {
		got = append(got, f.Name+" "+f.Version)
		if (f.Path == "") != (f.Hint != "") {
			t.Errorf("finding %+v", f)
		}
	}
	want := []string{"Java 25 ", "Java 21 ", "Java 17 17.0.1", "Java 11 ", "Java 8 8.0", "Java's runtime interface client "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
