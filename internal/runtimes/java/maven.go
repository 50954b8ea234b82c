package java

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// getCommand gets the client by hand.
const getCommand = "mvn dependency:get -Dartifact=" + artifact

// withoutMaven says how to get the client where there is no Maven.
const withoutMaven = "lambkin fetches it with Maven: install Maven, for instance with \"brew install maven\" or \"apt-get install maven\", and run this again, or run " + getCommand

// patience is how long Maven may take to fetch the client: on a new machine it
// fetches parts of itself, too.
const patience = 3 * time.Minute

// repositories are the user's local Maven repositories, the configured one first.
func repositories(env map[string]string) []string {
	var dirs []string
	add := func(dir string) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	const option = "-Dmaven.repo.local="
	for _, name := range []string{"MAVEN_ARGS", "MAVEN_OPTS"} {
		for _, word := range strings.Fields(env[name]) {
			if dir, ok := strings.CutPrefix(word, option); ok {
				add(dir)
			}
		}
	}
	home := env["HOME"]
	if home == "" {
		home = env["USERPROFILE"]
	}
	if home == "" {
		return dirs
	}
	add(configuredRepository(filepath.Join(home, ".m2", "settings.xml"), home, env))
	add(filepath.Join(home, ".m2", "repository"))
	return dirs
}

// configuredRepository is the local repository that the user's settings name,
// "" when they name none. A file that cannot be read is Maven's to complain of.
func configuredRepository(settings, home string, env map[string]string) string {
	data, err := os.ReadFile(settings)
	if err != nil {
		return ""
	}
	var s struct {
		LocalRepository string `xml:"localRepository"`
	}
	if xml.Unmarshal(data, &s) != nil {
		return ""
	}
	return os.Expand(strings.TrimSpace(s.LocalRepository), func(name string) string {
		if name == "user.home" {
			return home
		}
		return env[strings.TrimPrefix(name, "env.")]
	})
}

// program finds a program on PATH, "" when it is not there.
func program(env map[string]string, name string) string {
	names := []string{name}
	if runtime.GOOS == "windows" {
		names = []string{name + ".cmd", name + ".exe", name + ".bat"}
	}
	for _, dir := range filepath.SplitList(env["PATH"]) {
		for _, n := range names {
			if path, err := exec.LookPath(filepath.Join(dir, n)); err == nil && filepath.IsAbs(path) {
				return path
			}
		}
	}
	return ""
}

// project is what Maven is to resolve: the client, with what it depends on.
const project = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>lambkin</groupId>
  <artifactId>java-client</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>%s</groupId>
      <artifactId>%s</artifactId>
      <version>%s</version>
    </dependency>
  </dependencies>
</project>
`

// fetch lets the user's Maven bring the client's jars to the folder dir, with
// the user's own settings: repositories, mirrors, proxies.
func (r Runtime) fetch(host *runtimes.Host, j jvm, dir string) error {
	mvn := program(host.Env, "mvn")
	what := clientName + " " + withNatives.version
	if mvn == "" {
		return &runtimes.Missing{What: what, Hint: withoutMaven}
	}
	pom := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(pom, fmt.Appendf(nil, project, withNatives.group, withNatives.name, withNatives.version), 0o644); err != nil {
		return fmt.Errorf("fetching %s: %w", clientName, err)
	}
	limit := r.limit
	if limit == 0 {
		limit = patience
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "-B", "-q", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory="+dir)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Env = mavenEnvironment(host.Env, j)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it was not done after %v", limit)
	}
	if err != nil {
		return &runtimes.Missing{What: what, Hint: fmt.Sprintf("Maven could not fetch it (%v%s); when that is mended, run %s", err, complaint(out.String()), getCommand)}
	}
	return nil
}

// mavenEnvironment is the user's, with a Java for Maven where it names none.
func mavenEnvironment(env map[string]string, j jvm) []string {
	list := make([]string, 0, len(env)+1)
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	if env["JAVA_HOME"] == "" {
		list = append(list, "JAVA_HOME="+j.home)
	}
	return list
}

// complaint is the first thing that Maven calls an error, else its last line.
func complaint(output string) string {
	const most = 500
	last := ""
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "[ERROR] "); ok {
			last = text
			break
		}
		if line != "" {
			last = line
		}
	}
	if last == "" {
		return ""
	}
	return ": " + last[:min(len(last), most)]
}
