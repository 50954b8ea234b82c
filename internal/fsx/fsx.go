// Package fsx is what the rest of lambkin needs of the file system: whole
// writes, a cache folder, archives that cannot escape their folder, locks
// between processes. It imports the standard library only, and on Windows
// golang.org/x/sys.
package fsx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// WriteFile writes data to path so that a reader sees the old content or the
// new, never a part of it, also when the machine stops half way.
func WriteFile(name string, data []byte, perm fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// CacheDir is lambkin's cache folder: $LAMBKIN_CACHE_DIR, else lambkin in the
// system's folder for caches; "" where the user has no such folder. env is the
// user's environment. The folder need not exist; everything in it can be
// deleted at any time.
func CacheDir(env map[string]string) string {
	if dir := env["LAMBKIN_CACHE_DIR"]; dir != "" {
		return dir
	}
	if dir := env["XDG_CACHE_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "lambkin")
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "lambkin")
	}
	return "" // a shared folder would let others slip files in
}

// ReadTree returns the content of all files of src, by their names below
// prefix, with slashes.
func ReadTree(src fs.FS, prefix string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path.Join(prefix, name)], err = fs.ReadFile(src, name)
		return err
	})
	return files, err
}

// Embedded reads a folder that is part of the program, with prefix before the
// names of its files.
func Embedded(program fs.FS, dir, prefix string) map[string][]byte {
	sub, err := fs.Sub(program, dir)
	if err == nil {
		var files map[string][]byte
		if files, err = ReadTree(sub, prefix); err == nil {
			return files
		}
	}
	panic(err) // the folder is in the program
}

// Materialize writes files, by their names with slashes, into a folder below
// dir that is named for their content, once, and returns that folder.
// Processes that do so at the same time do not disturb each other.
func Materialize(files map[string][]byte, dir string) (string, error) {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s %d\n", name, len(files[name]))
		sum.Write(files[name])
	}
	target := filepath.Join(dir, hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // gone already when renamed
	for name, data := range files {
		file := filepath.Join(tmp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return "", err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, target); err != nil {
		if _, there := os.Stat(target); there == nil {
			return target, nil // somebody else was faster
		}
		return "", err
	}
	return target, nil
}

// ReadLimited reads r to its end, or fails when it holds more than limit bytes.
func ReadLimited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return data, err
}
