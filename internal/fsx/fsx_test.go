package fsx_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/lambkin-dev/lambkin/internal/fsx"
)

func TestWriteFileReplacesWhole(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	for _, content := range []string{"a long first content", "short"} {
		if err := fsx.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(name); string(got) != content {
			t.Errorf("content %q, want %q", got, content)
		}
	}
	if st, _ := os.Stat(name); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("files are left behind: %v", entries)
	}
}

func TestWriteFileLeavesNothingWhenItCannotWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "f"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fsx.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600); err == nil {
		t.Error("no error for a folder in the file's place")
	}
	if err := fsx.WriteFile(filepath.Join(dir, "no", "f"), []byte("x"), 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestCacheDir(t *testing.T) {
	abs, err := filepath.Abs("cache")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"own", map[string]string{"LAMBKIN_CACHE_DIR": "x", "XDG_CACHE_HOME": abs}, "x"},
		{"XDG", map[string]string{"XDG_CACHE_HOME": abs}, filepath.Join(abs, "lambkin")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fsx.CacheDir(tt.env); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := fsx.CacheDir(map[string]string{"XDG_CACHE_HOME": "relative"}); !filepath.IsAbs(got) {
		t.Errorf("a relative XDG_CACHE_HOME counts: %q", got)
	}
}

func TestMaterialize(t *testing.T) {
	src, err := fsx.ReadTree(fstest.MapFS{"one.js": {Data: []byte("1")}, "sub/two.js": {Data: []byte("2")}}, "a")
	if err != nil {
		t.Fatal(err)
	}
	src["b/one.py"] = []byte("3")
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	var wg sync.WaitGroup
	got := make([]string, 8)
	for i := range got {
		wg.Go(func() {
			target, err := fsx.Materialize(src, dir)
			if err != nil {
				t.Error(err)
			}
			got[i] = target
		})
	}
	wg.Wait()
	for _, target := range got {
		if target != got[0] {
			t.Fatalf("folders %v differ", got)
		}
	}
	for file, want := range map[string]string{"a/one.js": "1", "a/sub/two.js": "2", "b/one.py": "3"} {
		if data, err := os.ReadFile(filepath.Join(got[0], file)); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", file, data, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("besides the folder there is %v", entries)
	}
	src["b/one.py"] = []byte("4")
	if other, err := fsx.Materialize(src, dir); err != nil || other == got[0] {
		t.Errorf("changed files go to the same folder %s (%v)", other, err)
	}
}

type entry struct {
	name, content string
	mode          fs.FileMode
}

func archive(t *testing.T, entries []entry) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.zip")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name}
		h.SetMode(e.mode)
		part, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUnzip(t *testing.T) {
	dir := t.TempDir()
	err := fsx.Unzip(archive(t, []entry{
		{"./", "", fs.ModeDir | 0o755},
		{"bootstrap", "#!", 0o755},
		{"lib/", "", fs.ModeDir | 0o755},
		{"lib/a.so", "so", 0o644},
		{"lib/b.so", "a.so", fs.ModeSymlink | 0o777},
		{"deep/er/f", "x", 0o600},
	}), dir)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(dir, "bootstrap")); err != nil || st.Mode().Perm()&0o100 == 0 {
		t.Errorf("bootstrap: %v, %v", st, err)
	}
	for file, want := range map[string]string{"lib/b.so": "so", "deep/er/f": "x"} {
		if data, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", file, data, err)
		}
	}
}

func TestUnzipStaysInItsFolder(t *testing.T) {
	tests := []struct {
		name    string
		entries []entry
	}{
		{"dots", []entry{{"../evil", "x", 0o644}}},
		{"dots further in", []entry{{"a/../../evil", "x", 0o644}}},
		{"absolute", []entry{{"/tmp/evil", "x", 0o644}}},
		{"link out", []entry{{"l", "../..", fs.ModeSymlink | 0o777}}},
		{"absolute link", []entry{{"l", "/etc", fs.ModeSymlink | 0o777}}},
		{"a device", []entry{{"evil", "", fs.ModeDevice | 0o666}}},
		{"a pipe", []entry{{"evil", "", fs.ModeNamedPipe | 0o666}}},
		{"link over a link", []entry{{"d/l", "..", fs.ModeSymlink | 0o777}, {"d/l/m", "../..", fs.ModeSymlink | 0o777}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outer := t.TempDir()
			dir := filepath.Join(outer, "in", "side")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := fsx.Unzip(archive(t, tt.entries), dir); err == nil {
				t.Error("no error")
			}
			_ = filepath.WalkDir(outer, func(path string, d fs.DirEntry, _ error) error {
				if strings.Contains(path, "evil") {
					t.Errorf("%s was written", path)
				}
				return nil
			})
		})
	}
}

func TestUnzipIsBounded(t *testing.T) {
	many := func(w *zip.Writer) error {
		for i := range 200_001 {
			if _, err := w.CreateRaw(&zip.FileHeader{Name: strconv.Itoa(i)}); err != nil {
				return err
			}
		}
		return nil
	}
	// raw is an entry of a megabyte of zeros that announces another size.
	raw := func(announced uint64) func(*zip.Writer) error {
		return func(w *zip.Writer) error {
			var b bytes.Buffer
			f, err := flate.NewWriter(&b, flate.BestSpeed)
			if err == nil {
				_, err = f.Write(make([]byte, 1<<20))
			}
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			out, err := w.CreateRaw(&zip.FileHeader{Name: "zeros", Method: zip.Deflate, UncompressedSize64: announced, CompressedSize64: uint64(b.Len())})
			if err == nil {
				_, err = out.Write(b.Bytes())
			}
			return err
		}
	}
	for _, tt := range []struct {
		name, want string
		make       func(*zip.Writer) error
	}{
		{"ten gigabytes", "more than 2 GB", raw(10 << 30)},
		{"more than it announces", "zip: not a valid zip file", raw(10)},
		{"too many entries", "it has 200001 entries", many},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name, dir := filepath.Join(t.TempDir(), "a.zip"), t.TempDir()
			f, err := os.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			w := zip.NewWriter(f)
			if err := errors.Join(tt.make(w), w.Close(), f.Close()); err != nil {
				t.Fatal(err)
			}
			if err := fsx.Unzip(name, dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if st, err := os.Stat(filepath.Join(dir, "zeros")); err == nil && st.Size() > 32<<10 {
				t.Errorf("%d bytes were written", st.Size())
			}
		})
	}
}

func TestReadLimited(t *testing.T) {
	if data, err := fsx.ReadLimited(strings.NewReader("12345"), 5); err != nil || string(data) != "12345" {
		t.Errorf("at the limit: %q, %v", data, err)
	}
	if _, err := fsx.ReadLimited(strings.NewReader("123456"), 5); err == nil {
		t.Error("over the limit: no error")
	}
}
