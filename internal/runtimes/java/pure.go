package java

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the source of the class
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// nativeClient is the class that stands in for the one of AWS's client that
// calls its native library, where AWS makes none: on macOS and Windows.
//
//go:embed native/NativeClient.java
var nativeClient []byte

// nativeClass is its name in a jar.
const nativeClass = "com/amazonaws/services/lambda/runtime/api/client/runtimeapi/NativeClient.class"

// compileLimit is how long the compiler may take.
const compileLimit = time.Minute

// addPure compiles the stand-in for the client's native part, unless the cache
// has it. It comes before the client on the class path; its jars stay as they are.
func (r Runtime) addPure(c *client, host *runtimes.Host, j jvm) error {
	sum := sha256.Sum256(nativeClient)
	c.pure = filepath.Join(c.dir, "native-"+hex.EncodeToString(sum[:8])+".jar")
	if _, err := os.Stat(c.pure); err == nil {
		return nil
	}
	compiler, found := r.compiler(host, j)
	if !found {
		return &runtimes.Missing{
			What: fmt.Sprintf("a Java compiler for %s, whose native part AWS makes for Linux only,", clientName),
			Hint: fmt.Sprintf("%s has none: install a JDK in its place", j.home),
		}
	}
	class, err := c.compileNative(compiler)
	if err != nil {
		return fmt.Errorf("compiling a part of %s: %w", clientName, err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	entry, err := w.Create(nativeClass)
	if err == nil {
		_, err = entry.Write(class)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("packing a part of %s: %w", clientName, err)
	}
	return fsx.WriteFile(c.pure, b.Bytes(), 0o644)
}

// compileNative compiles the stand-in and returns its class file.
func (c *client) compileNative(compiler jvm) ([]byte, error) {
	tmp, err := os.MkdirTemp(c.dir, ".compile-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // what is left is in the cache, where everything may be deleted
	source := filepath.Join(tmp, "NativeClient.java")
	if err := os.WriteFile(source, nativeClient, 0o644); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), compileLimit)
	defer cancel()
	args := []string{"-nowarn", "-d", tmp, "-classpath", filepath.Join(c.dir, withNatives.file())}
	if compiler.major() > 8 {
		args = append(args, "--release", "8")
	}
	cmd := exec.CommandContext(ctx, javac(compiler), append(args, source)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = tmp, []string{}, time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return os.ReadFile(filepath.Join(tmp, filepath.FromSlash(nativeClass)))
}

// compiler is a Java virtual machine with a compiler: j, or another one.
func (r Runtime) compiler(host *runtimes.Host, j jvm) (jvm, bool) {
	all := append([]jvm{j}, r.machines(host)...)
	i := slices.IndexFunc(all, func(j jvm) bool {
		st, err := os.Stat(javac(j))
		return err == nil && st.Mode().IsRegular()
	})
	if i < 0 {
		return jvm{}, false
	}
	return all[i], true
}

func javac(j jvm) string {
	name := "javac"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(j.home, "bin", name)
}
