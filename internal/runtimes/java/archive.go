package java

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// loadAll is a class of the client that loads all of its classes, made for
// such archives.
const loadAll = "com.amazonaws.services.lambda.runtime.api.client.ClasspathLoader"

// archiveLimit is how long the making of an archive may take.
const archiveLimit = 20 * time.Second

// withArchives is the first version that makes archives of the classes of one
// run. It needs no list of them.
const withArchives = 13

// archive returns the options with which a Java virtual machine takes the
// client's classes from an archive, as on AWS: that halves the time until the
// client asks for work. It makes the archive when there is none for this
// machine; where that does not work out there are no options. The machine itself
// checks that an archive fits, and does without if not.
func (c *client) archive(host *runtimes.Host, j jvm) []string {
	if j.major() < withArchives {
		return nil
	}
	// Compilers and the heap's size are of no account to an archive, so that
	// one serves all runtimes.
	options := machineOptions(j, 0)
	owner, state := c.archiveKey(j, options)
	begin := filepath.Join(host.Cache, "java", owner+"-"+state)
	file, found := archiveFile(begin)
	if !found {
		c.makeArchive(begin, j, options)
		if file, found = archiveFile(begin); !found {
			return nil
		}
		removeOthers(filepath.Join(host.Cache, "java", owner), file)
	}
	if strings.HasSuffix(file, unusable) {
		return nil
	}
	return append(quiet(j), "-Xshare:auto", "-XX:SharedArchiveFile="+file)
}

// unusable ends the name of an empty archive: the machine cannot make one, and
// is not asked again.
const unusable = "-0.jsa"

// archiveFile finds the archive whose name begins so. Its size stands in the
// name: a machine that is given a part of an archive crashes.
func archiveFile(begin string) (file string, found bool) {
	files, _ := filepath.Glob(begin + "-*.jsa") // the name is no pattern that could be wrong
	for _, file := range files {
		if st, err := os.Stat(file); err == nil && file == archiveName(begin, st.Size()) {
			return file, true
		}
	}
	return "", false
}

func archiveName(begin string, size int64) string { return fmt.Sprintf("%s-%d.jsa", begin, size) }

// removeOthers removes the archives whose names begin so, but one.
func removeOthers(begin, but string) {
	files, _ := filepath.Glob(begin + "-*.jsa")
	for _, file := range files {
		if file != but {
			_ = os.Remove(file) // one that stays takes space, nothing else
		}
	}
}

// quiet keeps remarks on archives out of the function's log.
func quiet(j jvm) []string {
	if j.major() >= 24 {
		return []string{"-Xlog:cds*=off,aot*=off"}
	}
	return []string{"-Xlog:cds*=off"}
}

// archiveKey names an archive: by the Java virtual machine's folder, and by
// all that makes it useless when it changes.
func (c *client) archiveKey(j jvm, options []string) (owner, state string) {
	short := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:8])
	}
	var b strings.Builder
	fmt.Fprintln(&b, j.version, options)
	for _, file := range append(c.classPath(), j.java, filepath.Join(j.home, "lib", "modules")) {
		if st, err := os.Stat(file); err == nil {
			fmt.Fprintln(&b, file, st.Size(), st.ModTime().UnixNano())
		}
	}
	return short(j.home), short(b.String())
}

// makeArchive writes the archive, or an empty file where that does not work out.
func (c *client) makeArchive(begin string, j jvm, options []string) {
	tmp, err := os.MkdirTemp(filepath.Dir(begin), ".archive-*")
	if err != nil {
		return
	}
	defer func() { _ = os.RemoveAll(tmp) }() // nothing of it is needed
	made := filepath.Join(tmp, "archive.jsa")
	ctx, cancel := context.WithTimeout(context.Background(), archiveLimit)
	defer cancel()
	args := append(quiet(j), options...)
	args = append(args, "-XX:ArchiveClassesAtExit="+made, "-classpath", runtimes.JoinList(c.classPath()), loadAll)
	cmd := exec.CommandContext(ctx, j.java, args...)
	cmd.Dir, cmd.Env = tmp, []string{}
	_ = cmd.Run() // some classes cannot be loaded, which ends the program, but not the making of the archive
	size, err := synced(made)
	if err != nil {
		if size, err = 0, os.WriteFile(made, nil, 0o644); err != nil {
			return
		}
	}
	_ = os.Rename(made, archiveName(begin, size)) // where it fails another process has been faster
}

// synced makes sure that a file is on the disk, and returns its size.
func synced(file string) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}
