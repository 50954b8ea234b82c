package java

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// artifact is AWS's runtime interface client by its Maven coordinates.
const artifact = "com.amazonaws:aws-lambda-java-runtime-interface-client:2.9.0"

// clientName is what messages call it.
const clientName = "AWS's runtime interface client for Java"

// jar is one of the client's files, as Maven repositories name it.
type jar struct {
	group, name, version string
	sum                  string // SHA-256
}

// jars are the client and all that it depends on, in the order of its class
// path. To take a newer version, change artifact too, and the sums of natives.
var jars = []jar{
	{"com.amazonaws", "aws-lambda-java-core", "1.4.0", "575c24393cc1ad645e83e618956eabd89ffe8cc09efae2cb62bc6589154d68ed"},
	{"com.amazonaws", "aws-lambda-java-runtime-interface-client", "2.9.0", "26568a5f63bf9e921567e77661be425650abc8972bae2aa0b7e99bab4e4239d9"},
	{"com.amazonaws", "aws-lambda-java-serialization", "1.2.0", "1513c1f945a3213f916a4b2de1760c97b51d84d110f82bbbcf9cfac53d5651e7"},
	{"software.amazon.awssdk", "utils-lite", "2.34.0", "efaf784f07ae526f0b5c89d71ef21cf16636131c47d44616e3df9bedc3f4f89a"},
	{"software.amazon.awssdk", "annotations", "2.34.0", "fafdcb55f4e5af603f5219f4a2b080aa0decb562a7c0944f7a7eca82dd47e487"},
}

// withNatives is the jar that holds the natives.
var withNatives = jars[1]

// natives are the client's libraries for Linux, by the ends of their names,
// with their SHA-256. Left alone, each process would unpack its own over that
// of all others, in /tmp.
var natives = map[string]string{
	"linux-x86_64":        "f54267a1f585ced7cd9814415568f96832fac067827905371a013c1243d6fc8d",
	"linux-aarch_64":      "f2a7d34f2a442ebb6c542e91775ef9c5dd70ea1ac9464b9d12f0484d59297e29",
	"linux_musl-x86_64":   "b90329822c10317c644dadb7c2831adb3f67bf1c88f6e3afe5217503429a977c",
	"linux_musl-aarch_64": "e88c0cb1889b410eb2d56590f234085b434f1fa408774274b1c3fb5c2309a908",
}

func (j jar) file() string { return j.name + "-" + j.version + ".jar" }

// path is the jar's place below a Maven repository.
func (j jar) path() string {
	return filepath.Join(filepath.FromSlash(strings.ReplaceAll(j.group, ".", "/")), j.name, j.version, j.file())
}

// client is AWS's client on disk, every file of it checked.
type client struct {
	dir    string // the jars, in lambkin's cache
	native string // the library for the Java virtual machine; "" where pure takes its place
	pure   string // the jar that stands in for the native part; "" for none
}

// classPath lists the client's jars.
func (c *client) classPath() []string {
	var path []string
	if c.pure != "" {
		path = append(path, c.pure)
	}
	for _, j := range jars {
		path = append(path, filepath.Join(c.dir, j.file()))
	}
	return path
}

// options tell the client where its library is.
func (c *client) options() []string {
	if c.native == "" {
		return nil
	}
	return []string{"-Dcom.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI=" + c.native}
}

// clientDir is where the cache has the client.
func clientDir(host *runtimes.Host) string {
	return filepath.Join(host.Cache, "java", withNatives.version)
}

// client brings AWS's client to the cache, unless it is there, and returns it
// with remarks for the user. Files are written whole, so that several
// processes may do it at the same time.
func (r Runtime) client(host *runtimes.Host, j jvm) (*client, []string, error) {
	if host.Cache == "" {
		return nil, nil, &runtimes.Missing{What: "a cache folder for " + clientName, Hint: "name one in the variable LAMBKIN_CACHE_DIR"}
	}
	c := &client{dir: clientDir(host)}
	lacking, notices := c.check()
	if len(lacking) > 0 {
		if err := os.MkdirAll(c.dir, 0o755); err != nil {
			return nil, nil, fmt.Errorf("making the folder of %s: %w", clientName, err)
		}
		fetched, err := r.collect(c.dir, lacking, host, j)
		if err != nil {
			return nil, nil, err
		}
		if fetched {
			notices = append(notices, fmt.Sprintf("%s %s was fetched with Maven and is kept in %s", clientName, withNatives.version, c.dir))
		}
	}
	end := nativeFor(j)
	if end == "" || r.pure {
		return c, notices, r.addPure(c, host, j)
	}
	return c, notices, c.addNative(end)
}

// check lists the jars that the cache lacks, and says which are not what they
// were when they were put there.
func (c *client) check() (lacking []jar, notices []string) {
	for _, j := range jars {
		sum, err := sumOf(filepath.Join(c.dir, j.file()))
		if sum == j.sum {
			continue
		}
		if err == nil {
			notices = append(notices, fmt.Sprintf("%s had been changed in lambkin's cache and was replaced", j.file()))
		}
		lacking = append(lacking, j)
	}
	return lacking, notices
}

// collect copies jars into dir: from a local repository or, when one is not
// there, with Maven; it reports whether that was needed.
func (r Runtime) collect(dir string, lacking []jar, host *runtimes.Host, machine jvm) (fetched bool, err error) {
	var left []jar
	for _, j := range lacking {
		done, err := copyFrom(repositories(host.Env), j, dir)
		if err != nil {
			return false, err
		}
		if !done {
			left = append(left, j)
		}
	}
	if len(left) == 0 {
		return false, nil
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".fetch-*")
	if err != nil {
		return false, fmt.Errorf("making a folder for %s: %w", clientName, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // what is left is in the cache, where everything may be deleted
	if err := r.fetch(host, machine, tmp); err != nil {
		return false, err
	}
	for _, j := range left {
		if err := copyChecked(filepath.Join(tmp, j.file()), j, dir); err != nil {
			return false, err
		}
	}
	return true, nil
}

// copyFrom copies a jar from the first repository that has it.
func copyFrom(repositories []string, j jar, dir string) (done bool, err error) {
	for _, repository := range repositories {
		err := copyChecked(filepath.Join(repository, j.path()), j, dir)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

// copyChecked copies a jar into dir if it is the one that is pinned.
func copyChecked(path string, j jar, dir string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", clientName, err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != j.sum {
		return &runtimes.Missing{
			What: fmt.Sprintf("a genuine %s (%s has the SHA-256 %x, not %s)", j.file(), path, sum, j.sum),
			Hint: fmt.Sprintf("remove that file, find out who has changed it, and get it again: mvn dependency:get -Dartifact=%s:%s:%s", j.group, j.name, j.version),
		}
	}
	return fsx.WriteFile(filepath.Join(dir, j.file()), data, 0o644)
}

// sumOf returns a file's SHA-256.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// nativeFor returns the end of the name of the library for a Java virtual
// machine, "" where AWS makes none: it runs Java on Linux only.
func nativeFor(j jvm) string {
	processor := map[string]string{"x86_64": "x86_64", "aarch64": "aarch_64"}[j.processor]
	if j.system != "Linux" || processor == "" {
		return ""
	}
	if j.libc == "musl" {
		return "linux_musl-" + processor
	}
	return "linux-" + processor
}

// addNative unpacks the client's library, unless the cache has it.
func (c *client) addNative(end string) (err error) {
	name := "libaws-lambda-jni." + end + ".so"
	c.native = filepath.Join(c.dir, name)
	if sum, err := sumOf(c.native); err == nil && sum == natives[end] {
		return nil
	}
	archive, err := zip.OpenReader(filepath.Join(c.dir, withNatives.file()))
	if err != nil {
		return fmt.Errorf("opening %s: %w", clientName, err)
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	data, err := fs.ReadFile(archive, "jni/"+name)
	if err != nil {
		return fmt.Errorf("unpacking the library of %s: %w", clientName, err)
	}
	return fsx.WriteFile(c.native, data, 0o755)
}

// surveyClient says whether the client is there, for `lambkin doctor`.
func surveyClient(host *runtimes.Host) runtimes.Finding {
	f := runtimes.Finding{Name: "Java's runtime interface client"}
	if host.Cache != "" {
		c := &client{dir: clientDir(host)}
		if lacking, _ := c.check(); len(lacking) == 0 {
			f.Version, f.Path = withNatives.version, c.dir
			return f
		}
	}
	for _, repository := range repositories(host.Env) {
		file := filepath.Join(repository, withNatives.path())
		if _, err := os.Stat(file); err == nil {
			f.Version, f.Path = withNatives.version, file
			return f
		}
	}
	f.Hint = "the first Java function fetches it with Maven"
	if program(host.Env, "mvn") == "" {
		f.Hint = withoutMaven
	}
	return f
}
