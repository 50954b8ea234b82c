package java

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// TestTheClientIsInTheRepository lets the machine's own Maven fetch the client
// where it has not been fetched before.
func TestTheClientIsInTheRepository(t *testing.T) {
	host := machine(t)
	for _, j := range jars {
		done, err := copyFrom(repositories(host.Env), j, t.TempDir())
		if err != nil || !done {
			t.Errorf("%s: %v, %v", j.file(), done, err)
		}
	}
}

// repository makes a home folder whose Maven repository has the client's jars.
func repository(t *testing.T) (home string) {
	t.Helper()
	from := clientDir(machine(t))
	home = t.TempDir()
	for _, j := range jars {
		data, err := os.ReadFile(filepath.Join(from, j.file()))
		if err != nil {
			t.Fatal(err)
		}
		testenv.WriteFiles(t, filepath.Join(home, ".m2", "repository"), map[string]string{filepath.ToSlash(j.path()): string(data)})
	}
	return home
}

// linux is a Java virtual machine for which AWS has a library.
var linux = jvm{home: "/jvm", version: runtimes.Version{17}, system: "Linux", processor: "x86_64", libc: "gnu"}

func TestTheClientComesFromTheUsersRepository(t *testing.T) {
	home := repository(t)
	elsewhere := filepath.Join(t.TempDir(), "maven")
	if err := os.Rename(filepath.Join(home, ".m2", "repository"), elsewhere); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, settings string
		env            map[string]string
	}{
		{"MAVEN_OPTS", "", map[string]string{"MAVEN_OPTS": "-Xmx1g -Dmaven.repo.local=" + elsewhere}},
		{"MAVEN_ARGS", "", map[string]string{"MAVEN_ARGS": "-Dmaven.repo.local=" + elsewhere}},
		{"settings", "<settings><localRepository>" + elsewhere + "</localRepository></settings>", map[string]string{}},
		{"settings with a variable", "<settings><localRepository>${env.WHERE}/maven</localRepository></settings>", map[string]string{"WHERE": filepath.Dir(elsewhere)}},
		{"settings in the home", "<settings><localRepository>${user.home}/repo</localRepository></settings>", map[string]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.env["HOME"] = t.TempDir()
			if err := os.Symlink(elsewhere, filepath.Join(tt.env["HOME"], "repo")); err != nil {
				t.Skip(err)
			}
			if tt.settings != "" {
				testenv.WriteFiles(t, tt.env["HOME"], map[string]string{".m2/settings.xml": tt.settings})
			}
			c, notices, err := Runtime{}.client(&runtimes.Host{Env: tt.env, Cache: t.TempDir()}, linux)
			if err != nil || notices != nil {
				t.Fatalf("notices %q, error %v", notices, err)
			}
			if sum, err := sumOf(c.native); sum != natives["linux-x86_64"] {
				t.Errorf("the library has %s, %v", sum, err)
			}
			if lacking, _ := c.check(); lacking != nil {
				t.Errorf("the cache lacks %v", lacking)
			}
		})
	}
}

func TestEveryLibraryIsTheOneThatIsPinned(t *testing.T) {
	host := machine(t)
	for end, want := range natives {
		c := &client{dir: clientDir(host)}
		if err := c.addNative(end); err != nil {
			t.Fatal(err)
		}
		if got, err := sumOf(c.native); got != want {
			t.Errorf("%s has %s, not %s: %v", end, got, want, err)
		}
	}
}

func TestAJarThatWasChangedIsRefused(t *testing.T) {
	home := repository(t)
	file := filepath.Join(home, ".m2", "repository", jars[2].path())
	if err := os.WriteFile(file, []byte("PK evil"), 0o644); err != nil {
		t.Fatal(err)
	}
	host := &runtimes.Host{Env: map[string]string{"HOME": home}, Cache: t.TempDir()}
	_, _, err := Runtime{}.client(host, linux)
	var missing *runtimes.Missing
	if !errors.As(err, &missing) || strings.Contains(missing.Error(), "\n") ||
		!strings.HasPrefix(missing.Error(), "a genuine aws-lambda-java-serialization-1.2.0.jar ("+file+" has the SHA-256 ") ||
		!strings.Contains(missing.Hint, "mvn dependency:get -Dartifact=com.amazonaws:aws-lambda-java-serialization:1.2.0") {
		t.Errorf("got %+v", err)
	}
	if _, err := os.Stat(filepath.Join(clientDir(host), jars[2].file())); err == nil {
		t.Error("the jar is in the cache all the same")
	}
}

func TestAChangedCacheIsMended(t *testing.T) {
	host := &runtimes.Host{Env: map[string]string{"HOME": repository(t)}, Cache: t.TempDir()}
	c, _, err := Runtime{}.client(host, linux)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(c.dir, jars[0].file()), c.native} {
		if err := os.WriteFile(file, []byte("evil"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, notices, err := Runtime{}.client(host, linux)
	if diff := cmp.Diff([]string{"aws-lambda-java-core-1.4.0.jar had been changed in lambkin's cache and was replaced"}, notices); diff != "" || err != nil {
		t.Errorf("notices (-want +got):\n%s%v", diff, err)
	}
	if sum, _ := sumOf(c.native); sum != natives["linux-x86_64"] {
		t.Errorf("the library has %s", sum)
	}
}

func TestProcessesFillTheCacheAtTheSameTime(t *testing.T) {
	host := &runtimes.Host{Env: map[string]string{"HOME": repository(t)}, Cache: t.TempDir()}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c, _, err := Runtime{}.client(host, linux)
			if err != nil {
				t.Error(err)
				return
			}
			if lacking, _ := c.check(); lacking != nil {
				t.Errorf("the cache lacks %v", lacking)
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(clientDir(host))
	if err != nil || len(entries) != len(jars)+1 {
		t.Errorf("the cache has %v, %v", entries, err)
	}
}

// maven is a host whose Maven is a shell script, and which has nothing else.
func maven(t *testing.T, script string) *runtimes.Host {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Maven is a shell script in this test")
	}
	testenv.Leaks(t)
	dir := t.TempDir()
	testenv.WriteFiles(t, dir, map[string]string{"mvn": "#!/bin/sh\n" + script})
	if err := os.Chmod(filepath.Join(dir, "mvn"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &runtimes.Host{Env: map[string]string{"PATH": dir + ":/usr/bin:/bin", "HOME": t.TempDir()}, Cache: t.TempDir()}
}

func TestMavenFetchesTheClientOnce(t *testing.T) {
	from := clientDir(machine(t))
	host := maven(t, `set -e
test "$JAVA_HOME" = /jvm
grep -q '<version>2.9.0</version>' pom.xml
for last; do :; done
cp `+from+`/*.jar "${last#-DoutputDirectory=}"
`)
	c, notices, err := Runtime{}.client(host, linux)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"AWS's runtime interface client for Java 2.9.0 was fetched with Maven and is kept in " + c.dir}
	if diff := cmp.Diff(want, notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if _, notices, err := (Runtime{}).client(&runtimes.Host{Cache: host.Cache}, linux); notices != nil || err != nil {
		t.Errorf("the second time: %q, %v", notices, err)
	}
	if left, _ := filepath.Glob(filepath.Join(host.Cache, "java", ".*")); left != nil {
		t.Errorf("%v is left in the cache", left)
	}
}

func TestWhatKeepsMavenFromFetchingIsSaid(t *testing.T) {
	tests := []struct {
		name, script, want string
	}{
		{"an error", "echo '[INFO] downloading'; echo '[ERROR] Unknown host'; echo '[ERROR] more'; exit 1", "Maven could not fetch it (exit status 1: Unknown host); when that is mended, run mvn dependency:get -Dartifact=com.amazonaws:aws-lambda-java-runtime-interface-client:2.9.0"},
		{"no end", "exec sleep 60", "Maven could not fetch it (it was not done after 200ms); when"},
		{"another program", "echo not here >&2; exit 127", "(exit status 127: not here)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Runtime{limit: 200 * time.Millisecond}.client(maven(t, tt.script), linux)
			var missing *runtimes.Missing
			if !errors.As(err, &missing) || !strings.Contains(missing.Hint, tt.want) || missing.What != "AWS's runtime interface client for Java 2.9.0" {
				t.Errorf("got %+v", err)
			}
		})
	}
	_, _, err := Runtime{}.client(&runtimes.Host{Env: map[string]string{"PATH": t.TempDir()}, Cache: t.TempDir()}, linux)
	var missing *runtimes.Missing
	if !errors.As(err, &missing) || missing.Hint != withoutMaven || !strings.Contains(missing.Hint, getCommand) {
		t.Errorf("without Maven: %+v", err)
	}
	_, _, err = Runtime{}.client(&runtimes.Host{}, linux)
	if !errors.As(err, &missing) || !strings.Contains(missing.Hint, "LAMBKIN_CACHE_DIR") {
		t.Errorf("without a cache: %+v", err)
	}
}

func TestTheJarsAreTheArtifacts(t *testing.T) {
	if want := withNatives.group + ":" + withNatives.name + ":" + withNatives.version; artifact != want {
		t.Errorf("the artifact is %s, the jar %s", artifact, want)
	}
}

func TestClassesComeFromAnArchive(t *testing.T) {
	host := machine(t)
	host.Cache = t.TempDir()
	c, _, err := Runtime{}.client(&runtimes.Host{Env: map[string]string{"HOME": repository(t)}, Cache: host.Cache}, linux)
	if err != nil {
		t.Fatal(err)
	}
	all := Runtime{}.machines(host)
	for _, j := range all {
		if j.major() < withArchives {
			continue
		}
		t.Run(j.version.String(), func(t *testing.T) {
			got := c.archive(host, j)
			if len(got) != 3 {
				t.Fatalf("options %q", got)
			}
			for _, want := range []int{8, 17} {
				args := slices.Concat([]string{heap(10240)}, machineOptions(j, want), got, []string{"-Xlog:class+load=info", "-classpath", runtimes.JoinList(c.classPath()), main})
				out, _ := exec.Command(j.java, args...).CombinedOutput() // it fails for want of a handler
				if !strings.Contains(string(out), main+" source: shared objects file (top)") {
					t.Errorf("for java%d the class comes from elsewhere: %.2000s", want, out)
				}
			}
			file := strings.TrimPrefix(got[2], "-XX:SharedArchiveFile=")
			before, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			c.archive(host, j)
			if after, err := os.Stat(file); err != nil || !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("the archive is made twice: %v", err)
			}
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(c.dir, withNatives.file()), later, later); err != nil {
				t.Fatal(err)
			}
			other := c.archive(host, j)
			if _, err := os.Stat(file); err == nil || len(other) != 3 {
				t.Errorf("the archive %s is kept beside the one that replaces it", file)
			}
		})
	}
}

func TestAMachineThatMakesNoArchiveIsNotAskedAgain(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the machine is a shell script in this test")
	}
	dir := t.TempDir()
	testenv.WriteFiles(t, dir, map[string]string{"java": "#!/bin/sh\necho x >>" + dir + "/asked\nexit 1\n"})
	if err := os.Chmod(filepath.Join(dir, "java"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := &client{dir: filepath.Join(dir, "java-client")}
	host := &runtimes.Host{Cache: t.TempDir()}
	if err := os.Mkdir(filepath.Join(host.Cache, "java"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := c.archive(host, jvm{home: dir, java: filepath.Join(dir, "java"), version: runtimes.Version{17}}); got != nil {
			t.Errorf("options %q", got)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "asked")); string(data) != "x\n" {
		t.Errorf("it was asked %q times, %v", data, err)
	}
	if got := c.archive(host, jvm{version: runtimes.Version{11}}); got != nil {
		t.Errorf("options of an old machine: %q", got)
	}
}

func TestABrokenArchiveIsReplaced(t *testing.T) {
	machine(t)
	host := &runtimes.Host{Env: testenv.Environ(), Cache: t.TempDir()}
	host.Env["HOME"] = repository(t)
	fn := &lambda.Function{Runtime: "java17", Handler: "demo.Plain::text"}
	for range 2 {
		l, err := Runtime{}.Launch(fn, runtimes.Paths{Task: classes()}, host)
		if err != nil {
			t.Skip(err)
		}
		out := rapitest.Run(t, l.Path, l.Args, classes(), append(l.Env, "_HANDLER="+fn.Handler), rapitest.Event{Body: `"a"`})
		if _, body, _ := out.First(); body != `"A"` || out.Stdout+out.Stderr != "" {
			t.Errorf("answer %s; output %s%s", body, out.Stdout, out.Stderr)
		}
		archives, err := filepath.Glob(filepath.Join(host.Cache, "java", "*.jsa"))
		if err != nil || len(archives) != 1 {
			t.Fatalf("archives %v, %v", archives, err)
		}
		if err := os.Truncate(archives[0], 1<<20); err != nil {
			t.Fatal(err)
		}
	}
}
