// Package imagetest makes container images of what this machine has, for tests
// that can reach no registry.
package imagetest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Config is what an image says of the program to start.
type Config struct {
	Entrypoint, Cmd, Env []string `json:",omitempty"`
	WorkingDir           string   `json:",omitempty"`
}

// Write makes an archive as `docker save` does, of one image called name: the
// files and links of the folder dir, and programs of this machine, by their names in
// PATH, below /usr/bin with the libraries that they load. Everything in it can
// be executed. With a folder for a program, that folder is in it at its own path.
func Write(file, name string, c Config, dir string, programs ...string) (err error) {
	files := map[string]string{} // here, by the path in the image
	for _, program := range programs {
		if err := add(files, program); err != nil {
			return err
		}
	}
	if err := folder(files, dir, ""); err != nil {
		return err
	}
	var layer bytes.Buffer
	if err := archive(&layer, files); err != nil {
		return err
	}
	return save(file, name, c, layer.Bytes())
}

// Folder makes a file system for an image in dir, as if it had been unpacked:
// programs of this machine as [Write] has them, and what sandboxes put
// something at.
func Folder(dir string, programs ...string) error {
	files := map[string]string{}
	for _, program := range programs {
		if err := add(files, program); err != nil {
			return err
		}
	}
	for _, name := range []string{"dev", "proc", "sys", "tmp", "run", "opt", "etc", "var/task", "var/runtime"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), nil, 0o644); err != nil {
			return err
		}
	}
	for name, from := range files {
		content, err := os.ReadFile(from)
		to := filepath.Join(dir, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o755)
		}
		if err == nil {
			err = os.WriteFile(to, content, 0o755)
		}
		if err != nil {
			return err
		}
	}
	return os.Symlink("usr/bin", filepath.Join(dir, "bin"))
}

// add adds a program and its libraries, or a folder.
func add(files map[string]string, program string) error {
	if st, err := os.Stat(program); err == nil && st.IsDir() {
		return folder(files, program, strings.TrimPrefix(program, "/"))
	}
	path, err := exec.LookPath(program)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return err
	}
	files["usr/bin/"+filepath.Base(program)], files["usr/bin/"+filepath.Base(path)] = path, path
	said, err := exec.Command("ldd", path).CombinedOutput()
	if err != nil && !bytes.Contains(said, []byte("not a dynamic executable")) {
		return fmt.Errorf("looking for the libraries of %s: %w: %s", path, err, said)
	}
	for _, word := range strings.Fields(string(said)) {
		if !strings.HasPrefix(word, "/") {
			continue
		}
		if files[strings.TrimPrefix(word, "/")], err = filepath.EvalSymlinks(word); err != nil {
			return err
		}
	}
	return nil
}

// folder adds the files below dir, at another path.
func folder(files map[string]string, dir, at string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() && d.Type()&fs.ModeSymlink == 0 {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(filepath.Join(at, rel))] = path
		return err
	})
}

func archive(to *bytes.Buffer, files map[string]string) error {
	w := tar.NewWriter(to)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if target, err := os.Readlink(files[name]); err == nil {
			if err := w.WriteHeader(&tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink}); err != nil {
				return err
			}
			continue
		}
		content, err := os.ReadFile(files[name])
		if err != nil {
			return err
		}
		st, err := os.Stat(files[name])
		if err != nil {
			return err
		}
		// Python takes what it has compiled for its source's by the time of that.
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), ModTime: st.ModTime(), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	// Where scripts look for their shell.
	if err := w.WriteHeader(&tar.Header{Name: "bin", Linkname: "usr/bin", Typeflag: tar.TypeSymlink}); err != nil {
		return err
	}
	return w.Close()
}

func save(file, name string, c Config, layer []byte) (err error) {
	sum := sha256.Sum256(layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": c,
		"history": []any{map[string]string{"created_by": "files"}},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(sum[:])}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, part := range []struct {
		name    string
		content []byte
	}{{"layer.tar", layer}, {"config.json", config}, {"manifest.json", manifest}} {
		if err := w.WriteHeader(&tar.Header{Name: part.name, Mode: 0o644, Size: int64(len(part.content)), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		if _, err := w.Write(part.content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}
