package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// shape describes all that is in a folder but the mount points that nobody asked for.
func shape(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case d.Type().IsRegular():
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text += " " + string(data)
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(name)
			if err != nil {
				return err
			}
			text = "-> " + to
		}
		out[rel] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, usual := range map[string]string{
		".": "drwxr-xr-x", "dev": "drwxr-xr-x", "proc": "drwxr-xr-x", "sys": "drwxr-xr-x", "run": "drwxr-xr-x", "tmp": "dtrwxrwxrwx", "opt": "drwxr-xr-x",
		"etc": "drwxr-xr-x", "etc/hosts": "-rw-r--r-- ", "etc/hostname": "-rw-r--r-- ", "etc/resolv.conf": "-rw-r--r-- ",
		"var": "drwxr-xr-x", "var/task": "drwxr-xr-x", "var/runtime": "drwxr-xr-x",
	} {
		if out[name] == usual {
			delete(out, name)
		}
	}
	return out
}

func unpacked(t *testing.T, layers ...[]byte) *Image {
	t.Helper()
	s := newSample(t, "amd64", asItIs, nil, layers...)
	return got(t, newStore(t, Limits{}), writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s})), Options{})
}

func TestLayers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and links are Unix's")
	}
	tests := []struct {
		name   string
		layers [][]entry
		want   map[string]string
	}{
		{"modes", [][]entry{{
			entry{name: "x", content: "1", mode: 0o755},
			entry{name: "suid", content: "2", mode: 0o6755},
			entry{name: "secret", content: "3", mode: 0},
			entry{name: "none", content: "4", mode: 0o010},
			entry{name: "closed", kind: tar.TypeDir, mode: 0o555},
			file("closed/in", "5"),
			entry{name: "sticky", kind: tar.TypeDir, mode: 0o3777},
		}}, map[string]string{
			"x": "-rwxr-xr-x 1", "suid": "-rwxr-xr-x 2", "secret": "-rw-r--r-- 3", "none": "-r----x--- 4", "closed": "drwxr-xr-x", "closed/in": "-rw-r--r-- 5", "sticky": "dtrwxrwxrwx",
		}},
		{"later layers win", [][]entry{
			{file("a", "1"), file("b", "1"), dir("c"), file("c/d", "1")},
			{file("a", "2"), dir("c"), file("c/e", "2")},
		}, map[string]string{"a": "-rw-r--r-- 2", "b": "-rw-r--r-- 1", "c": "drwxr-xr-x", "c/d": "-rw-r--r-- 1", "c/e": "-rw-r--r-- 2"}},
		{"kinds change", [][]entry{
			{dir("a"), file("a/x", "1"), file("b", "1"), symlink("c", "a"), dir("d"), file("d/x", "1")},
			{file("a", "2"), dir("b"), file("b/y", "2"), dir("c"), file("c/z", "2"), symlink("d", "b")},
		}, map[string]string{"a": "-rw-r--r-- 2", "b": "drwxr-xr-x", "b/y": "-rw-r--r-- 2", "c": "drwxr-xr-x", "c/z": "-rw-r--r-- 2", "d": "-> b"}},
		{"a file over a link does not go through it", [][]entry{
			{file("a", "1"), symlink("b", "a"), hardlink("c", "a")},
			{file("b", "2"), file("c", "2")},
		}, map[string]string{"a": "-rw-r--r-- 1", "b": "-rw-r--r-- 2", "c": "-rw-r--r-- 2"}},
		{"whiteouts", [][]entry{
			{file("a", "1"), dir("b"), file("b/x", "1"), dir("c"), file("c/x", "1"), symlink("l", "c")},
			{file(".wh.a", ""), file(".wh.b", ""), file("c/.wh.x", ""), file("c/.wh.none", ""), file("no/.wh.none", ""), file(".wh.l", "")},
		}, map[string]string{"c": "drwxr-xr-x"}},
		{"whiteouts hide the layers before only", [][]entry{
			{file("a", "1"), dir("d"), file("d/old", "1")},
			{file("a", "2"), file(".wh.a", ""), dir("d"), file("d/new", "2"), file(".wh.d", "")},
		}, map[string]string{"a": "-rw-r--r-- 2", "d": "drwxr-xr-x", "d/new": "-rw-r--r-- 2"}},
		{"opaque, wherever it stands", [][]entry{
			{dir("d"), file("d/old", "1"), dir("d/sub"), file("d/sub/old", "1"), dir("d/gone"), file("d/gone/x", "1"), dir("e"), file("e/old", "1")},
			{dir("d"), file("d/new", "2"), file("d/sub/new", "2"), file("d/.wh..wh..opq", ""), file("e/.wh..wh..opq", ""), file("e/new", "2")},
		}, map[string]string{"d": "drwxr-xr-x", "d/new": "-rw-r--r-- 2", "d/sub": "drwxr-xr-x", "d/sub/new": "-rw-r--r-- 2", "e": "drwxr-xr-x", "e/new": "-rw-r--r-- 2"}},
		{"opaque root", [][]entry{{file("a", "1"), dir("d"), file("d/a", "1")}, {file(".wh..wh..opq", ""), file("b", "2")}}, map[string]string{"b": "-rw-r--r-- 2"}},
		{"AUFS's own", [][]entry{{file(".wh..wh.aufs", ""), file(".wh..wh.plnk/x", "")}}, map[string]string{".wh..wh.plnk": "drwxr-xr-x", ".wh..wh.plnk/x": "-rw-r--r-- "}},
		{"links lead within the image", [][]entry{
			{dir("usr/lib"), symlink("lib", "usr/lib"), symlink("lib64", "/usr/lib"), symlink("up", "../../../.."), symlink("far", "/else/away"), symlink("self", "../../proc/self/cwd")},
			{file("lib/a", "1"), file("lib64/b", "2"), file("up/c", "3"), file("far/d", "4"), hardlink("e", "lib64/b")},
		}, map[string]string{
			"usr": "drwxr-xr-x", "usr/lib": "drwxr-xr-x", "lib": "-> usr/lib", "lib64": "-> /usr/lib", "up": "-> ../../../..", "far": "-> /else/away", "self": "-> ../../proc/self/cwd",
			"usr/lib/a": "-rw-r--r-- 1", "usr/lib/b": "-rw-r--r-- 2", "c": "-rw-r--r-- 3", "else": "drwxr-xr-x", "else/away": "drwxr-xr-x", "else/away/d": "-rw-r--r-- 4",
			"e": "-rw-r--r-- 2",
		}},
		{"names from the root", [][]entry{{file("/a", "1"), file("./b", "2"), dir("./"), hardlink("/c", "/a")}}, map[string]string{"a": "-rw-r--r-- 1", "b": "-rw-r--r-- 2", "c": "-rw-r--r-- 1"}},
		{"devices below /dev are the sandbox's", [][]entry{{dir("dev"), entry{name: "dev/null", kind: tar.TypeChar}, entry{name: "dev/initctl", kind: tar.TypeFifo}}}, map[string]string{}},
		{"mount points", [][]entry{{
			symlink("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"), symlink("etc/hosts", "/usr/hosts"), file("usr/hosts", "mine"), dir("etc/hostname"), file("opt", "no folder"),
			symlink("run", "/var/run"), dir("var/run"), symlink("tmp", "nowhere"), symlink("var/task", "/srv/code"), dir("srv/code"), file("srv/code/app.py", "x"), symlink("sys", "sys"),
		}}, map[string]string{
			"etc/hosts": "-> /usr/hosts", "usr": "drwxr-xr-x", "usr/hosts": "-rw-r--r-- mine", "run": "-> /var/run", "var/run": "drwxr-xr-x",
			"var/task": "-> /srv/code", "srv": "drwxr-xr-x", "srv/code": "drwxr-xr-x", "srv/code/app.py": "-rw-r--r-- x",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var layers [][]byte
			for _, l := range tt.layers {
				layers = append(layers, tarOf(t, l...))
			}
			img := unpacked(t, layers...)
			if diff := cmp.Diff(tt.want, shape(t, img.Root)); diff != "" {
				t.Errorf("file system (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	img := unpacked(t, tarOf(t, dir("d"), file("d/f", "1")), tarOf(t, file("d/g", "2")))
	for _, name := range []string{"d", "d/f", "d/g"} {
		if st, err := os.Stat(filepath.Join(img.Root, name)); err != nil || !st.ModTime().Equal(longAgo) {
			t.Errorf("%s: %v, %v", name, st.ModTime(), err)
		}
	}
}

// refusals are images that nobody may unpack, with what is said of them after
// the image's name. LAYER stands for the beginning of the layer's digest.
var refusals = []struct {
	name    string
	layers  [][]entry
	want    string
	entries int // the limit, 0 for the default
}{
	{"dots", [][]entry{{file("../evil", "x")}}, `layer 1 (LAYER): entry "../evil": its name leads out of the image`, 0},
	{"dots further in", [][]entry{{file("a/../../evil", "x")}}, `layer 1 (LAYER): entry "a/../../evil": its name leads out of the image`, 0},
	{"dots that stay", [][]entry{{file("a/../evil", "x")}}, `layer 1 (LAYER): entry "a/../evil": its name leads out of the image`, 0},
	{"dots of a folder", [][]entry{{dir("..")}}, `layer 1 (LAYER): entry "..": its name leads out of the image`, 0},
	{"dots after a slash", [][]entry{{file("/../evil", "x")}}, `layer 1 (LAYER): entry "/../evil": its name leads out of the image`, 0},
	{"hard link out", [][]entry{{hardlink("l", "../../etc/passwd")}}, `layer 1 (LAYER): entry "l": it is a hard link to "../../etc/passwd", which is out of the image or no name`, 0},
	{"hard link to the host's file", [][]entry{{hardlink("l", "/etc/passwd")}}, `layer 1 (LAYER): entry "l": it is a hard link to "/etc/passwd", which is not there`, 0},
	{"hard link over a link of an earlier layer", [][]entry{{symlink("x", "/etc")}, {hardlink("l", "x/passwd")}}, `layer 2 (LAYER): entry "l": it is a hard link to "x/passwd", which is not there`, 0},
	{"hard link to a folder", [][]entry{{dir("d"), hardlink("l", "d")}}, `layer 1 (LAYER): entry "l": it is a hard link to the folder "d"`, 0},
	{"below a file", [][]entry{{file("f", "1")}, {file("f/x", "2")}}, `layer 2 (LAYER): entry "f/x": "f" is no folder`, 0},
	{"links in a circle", [][]entry{{symlink("a", "b"), symlink("b", "a"), file("a/x", "1")}}, `layer 1 (LAYER): entry "a/x": the links in "a" lead in a circle`, 0},
	{"a device", [][]entry{{entry{name: "x/sda", kind: tar.TypeBlock}}}, `layer 1 (LAYER): entry "x/sda": it is a device, which cannot be made without root`, 0},
	{"a pipe", [][]entry{{entry{name: "x/p", kind: tar.TypeFifo}}}, `layer 1 (LAYER): entry "x/p": it is a named pipe, which cannot be made without root`, 0},
	{"a kind that nobody knows", [][]entry{{entry{name: "x", kind: 'Z'}}}, `layer 1 (LAYER): entry "x": it is of a kind that is not known (Z)`, 0},
	{"a whiteout of the folder above", [][]entry{{file("a/.wh...", "")}}, `layer 1 (LAYER): entry "a/.wh...": it hides "..", which is no name`, 0},
	{"a whiteout of nothing", [][]entry{{file("a/.wh.", "")}}, `layer 1 (LAYER): entry "a/.wh.": it hides "", which is no name`, 0},
	{"a root that is no folder", [][]entry{{symlink("./", "/etc")}}, `layer 1 (LAYER): entry "./": the root of the image is no folder`, 0},
	{"a long name", [][]entry{{file(strings.Repeat("n", 300), "x")}}, `layer 1 (LAYER): entry "` + strings.Repeat("n", 200) + `…": its name has a part of 300 bytes, more than 255`, 0},
	{"a long path", [][]entry{{file(strings.Repeat("n/", 2100)+"n", "x")}}, `layer 1 (LAYER): entry "` + strings.Repeat("n/", 100) + `…": its name has 4201 bytes, more than 4096`, 0},
	{"an endless link", [][]entry{{symlink("l", strings.Repeat("n/", 2100))}}, `layer 1 (LAYER): entry "l": it is a link to a name of 4200 bytes`, 0},
	{"too many entries", [][]entry{{file("a", ""), file("b", "")}, {file("c", ""), file("a", "")}}, `layer 2 (LAYER): the image has more than 3 files, folders and links`, 3},
	{"too large at once", [][]entry{{file("big", strings.Repeat("1", 3<<20))}}, `layer 1 (LAYER): entry "big": the image holds more than 2.1 MB, which is the most that one may`, 0},
	{"too large in all", [][]entry{{file("a", strings.Repeat("1", 1<<20))}, {file("a", strings.Repeat("2", 1<<20))}}, `layer 2 (LAYER): entry "a": the image holds more than 2.1 MB, which is the most that one may`, 0},
}

func TestRefusals(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			testenv.Leaks(t)
			var layers [][]byte
			for _, l := range tt.layers {
				layers = append(layers, tarOf(t, l...))
			}
			s := newSample(t, "amd64", gzipped, nil, layers...)
			refused(t, s, Limits{Size: 2 << 20, Entries: tt.entries}, strings.Replace(tt.want, "LAYER", digestOf(gzipped(layers[len(layers)-1]))[:19], 1))
		})
	}
}

// refused checks that an image is refused, in the form of a layout and from a
// registry, that nothing is left of it, and that nothing is anywhere else.
func refused(t *testing.T, s *sample, limits Limits, want string) {
	t.Helper()
	h := newHub(t)
	h.serve("app:1", s)
	for _, name := range []string{writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s})), h.host + "/app:1"} {
		store := newStore(t, limits)
		wantRefusal(t, failure(t.Context(), store, name, Options{}), fmt.Sprintf("image %q: %s", name, want))
		if l := left(t, store); l != nil {
			t.Errorf("left behind: %v", l)
		}
		if entries, _ := os.ReadDir(filepath.Dir(store.dir)); len(entries) != 1 {
			t.Errorf("outside of the store there is %v", entries)
		}
	}
}

func TestWhatTheManifestSays(t *testing.T) {
	layer := tarOf(t, file("a", strings.Repeat("1", 5000)))
	stored := gzipped(layer)
	label := digestOf(stored)[:19]
	corrupt := bytes.Clone(stored)
	corrupt[len(corrupt)/2]++
	another := gzipped(tarOf(t, file("a", "2")))
	tests := []struct {
		name   string
		change func(*v1.Manifest, *v1.ConfigFile)
		blob   []byte // served in the layer's place
		want   string // of a layout; and of a registry where it differs
		hub    string
	}{
		{"too short", nil, stored[:100], "layer 1 (" + label + "): the layer blobs/sha256/" + idHex(digestOf(stored)) + fmt.Sprintf(" has 100 bytes, its manifest says %d", len(stored)), "the layer " + digestOf(stored) + fmt.Sprintf(" has 100 bytes, its manifest says %d", len(stored))},
		{"too long", nil, append(bytes.Clone(stored), 1), "layer 1 (" + label + "): the layer blobs/sha256/" + idHex(digestOf(stored)) + fmt.Sprintf(" has %d bytes, its manifest says %d", len(stored)+1, len(stored)), "the layer " + digestOf(stored) + fmt.Sprintf(" has more than the %d bytes that its manifest says", len(stored))},
		{"damaged", nil, corrupt, "layer 1 (" + label + "): ", "the layer " + digestOf(stored) + " is damaged or not what it claims to be: its digest is " + digestOf(corrupt)},
		{"another", func(m *v1.Manifest, _ *v1.ConfigFile) { m.Layers[0].Size = int64(len(another)) }, another, "layer 1 (" + label + "): the layer is damaged or not what it claims to be: its digest is " + digestOf(another), "the layer " + digestOf(stored) + " is damaged or not what it claims to be: its digest is " + digestOf(another)},
		{"another size", func(m *v1.Manifest, _ *v1.ConfigFile) { m.Layers[0].Size++ }, nil, "layer 1 (" + label + "): the layer blobs/sha256/" + idHex(digestOf(stored)) + fmt.Sprintf(" has %d bytes, its manifest says %d", len(stored), len(stored)+1), "the layer " + digestOf(stored) + fmt.Sprintf(" has %d bytes, its manifest says %d", len(stored), len(stored)+1)},
		{"another content", func(_ *v1.Manifest, c *v1.ConfigFile) { c.RootFS.DiffIDs[0] = hashOf(t, nil) }, nil, "layer 1 (" + label + "): the uncompressed layer is damaged or not what it claims to be: its digest is " + digestOf(layer), ""},
		{"more layers", func(_ *v1.Manifest, c *v1.ConfigFile) { c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, hashOf(t, nil)) }, nil, "its configuration names 2 layers, its manifest 1", ""},
		{"a digest that is a path", func(m *v1.Manifest, _ *v1.ConfigFile) {
			m.Layers[0].Digest = v1.Hash{Algorithm: "sha512", Hex: strings.Repeat("0", 128)}
		}, nil, `its manifest names a layer "sha512:000`, ""},
		{"more than an image may hold", func(m *v1.Manifest, _ *v1.ConfigFile) { m.Layers[0].Size = 1 << 50 }, nil, "layer 1 (" + label + "): the layer blobs/sha256/" + idHex(digestOf(stored)) + fmt.Sprintf(" has %d bytes, its manifest says %d", len(stored), int64(1<<50)), "the image holds more than 10.7 GB, which is the most that one may"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			testenv.Leaks(t)
			s := newSample(t, "amd64", gzipped, tt.change, layer)
			if tt.blob != nil {
				s.blobs[digestOf(stored)] = tt.blob
			}
			layout := writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s}))
			h := newHub(t)
			h.serve("app:1", s)
			for name, want := range map[string]string{layout: tt.want, h.host + "/app:1": tt.hub} {
				if want == "" {
					want = tt.want
				}
				store := newStore(t, Limits{})
				wantRefusal(t, failure(t.Context(), store, name, Options{}), fmt.Sprintf("image %q: %s", name, want))
				if l := left(t, store); l != nil {
					t.Errorf("left behind: %v", l)
				}
			}
		})
	}
}

// zeros is a stream of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestBombs has layers of 10 GB of zeros, which gzip makes 10 MB of: one says
// so in its entry, one comes after the archive's end, one in many entries.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("it compresses 10 GB")
	}
	const gigabytes = 10
	member := func(n int64) []byte {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		_, _ = io.CopyN(w, zeros{}, n)
		_ = w.Close()
		return b.Bytes()
	}
	head := func(size int64) []byte {
		var b bytes.Buffer
		if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Mode: 0o644, Size: size, Format: tar.FormatGNU}); err != nil {
			t.Fatal(err)
		}
		return gzipped(b.Bytes())
	}
	// A gzip stream may have several members: this one is what a compressor makes of the whole, but for its speed.
	whole := bytes.Repeat(member(1<<28), gigabytes*4)
	tests := map[string]struct {
		layer []byte
		limit int64
		want  string
	}{
		"declared":      {append(head(gigabytes<<30), whole...), 64 << 20, `entry "zeros": the image holds more than 67.1 MB, which is the most that one may`},
		"after the end": {append(gzipped(tarOf(t, file("a", "1"))), whole...), 64 << 20, "the image holds more than 67.1 MB, which is the most that one may"},
		"one byte over": {append(head(10<<30+1), whole...), 0, `entry "zeros": the image holds more than 10.7 GB, which is the most that one may`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSample(t, "amd64", asItIs, func(_ *v1.Manifest, c *v1.ConfigFile) { c.RootFS.DiffIDs[0] = hashOf(t, nil) }, tt.layer)
			var before, after runtime.MemStats
			layout := writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s}))
			store := newStore(t, Limits{Size: tt.limit})
			runtime.ReadMemStats(&before)
			began := time.Now()
			err := failure(t.Context(), store, layout, Options{})
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			wantRefusal(t, err, fmt.Sprintf("image %q: layer 1 (%s): %s", layout, digestOf(tt.layer)[:19], tt.want))
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 32<<20 || took > 10*time.Second {
				t.Errorf("it took %v and %d bytes of memory", took, allocated)
			}
			if l := left(t, store); l != nil {
				t.Errorf("left behind: %v", l)
			}
		})
	}
}

func TestDamagedArchives(t *testing.T) {
	whole := tarOf(t, file("a", strings.Repeat("1", 5000)))
	tests := map[string]struct {
		layer []byte
		want  string
	}{
		"cut off in a file": {whole[:3000], "it is damaged: unexpected EOF"},
		"no archive":        {bytes.Repeat([]byte("x"), 2000), "it is damaged: archive/tar: invalid tar header"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSample(t, "amd64", asItIs, nil, tt.layer)
			refused(t, s, Limits{}, fmt.Sprintf("layer 1 (%s): %s", digestOf(tt.layer)[:19], tt.want))
		})
	}
}

func TestSparseFilesCountWhole(t *testing.T) {
	// A sparse file of 1 GB whose data are none, as GNU tar writes it in PAX form.
	raw := paxSparse(1 << 30)
	s := newSample(t, "amd64", asItIs, nil, raw)
	name := writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s}))
	store := newStore(t, Limits{Size: 1 << 20})
	wantRefusal(t, failure(t.Context(), store, name, Options{}), fmt.Sprintf("image %q: layer 1 (%s): entry \"sparse\": the image holds more than 1.0 MB", name, digestOf(raw)[:19]))
}

// paxSparse writes a file that is all hole.
func paxSparse(size int64) []byte {
	record := func(key, value string) string {
		text := fmt.Sprintf(" %s=%s\n", key, value)
		n := len(text) + 1
		for len(fmt.Sprint(n))+len(text) != n {
			n++
		}
		return fmt.Sprint(n) + text
	}
	pax := record("GNU.sparse.major", "0") + record("GNU.sparse.minor", "1") + record("GNU.sparse.name", "sparse") +
		record("GNU.sparse.size", fmt.Sprint(size)) + record("GNU.sparse.numblocks", "1") + record("GNU.sparse.map", fmt.Sprintf("%d,0", size))
	block := func(name string, kind byte, size int) []byte {
		h := make([]byte, 512)
		copy(h, name)
		copy(h[100:], "0000644\x00")
		copy(h[108:], "0000000\x00")
		copy(h[116:], "0000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x00", size))
		copy(h[136:], "00000000000\x00")
		copy(h[148:], "        ")
		h[156] = kind
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, b := range h {
			sum += int(b)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		return h
	}
	out := append(block("pax", 'x', len(pax)), pax...)
	out = append(out, make([]byte, (512-len(pax)%512)%512)...)
	out = append(out, block("sparse", '0', 0)...)
	return append(out, make([]byte, 1024)...)
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	tr, err := newTree(dir, Limits{}.orDefaults(), func(n int64) error { return refuse("free some", "no room for %d", n) })
	if err != nil {
		t.Fatal(err)
	}
	err = tr.layer(t.Context(), bytes.NewReader(tarOf(t, entry{name: "d", kind: tar.TypeDir}, file("d/f", "1234"))))
	if err == nil || err.Error() != `image "": entry "d/f": no room for 4` {
		t.Errorf("error %v", err)
	}
	if err := tr.close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "d", "f")); err == nil {
		t.Error("it was written")
	}
	s := Open(dir, Limits{})
	if err := s.room(1 << 60); err == nil {
		t.Error("the disk has room for an exabyte")
	}
}

func TestTheFirstBytesDecide(t *testing.T) {
	// What a manifest says of the compression is not looked at.
	s := newSample(t, "amd64", gzipped, func(m *v1.Manifest, _ *v1.ConfigFile) { m.Layers[0].MediaType = types.OCILayerZStd }, tarOf(t, file("a", "1")))
	img := got(t, newStore(t, Limits{}), writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s})), Options{})
	if content(t, img, "a") != "1" {
		t.Error("files differ")
	}
}

// FuzzEntryNames unpacks an entry of any name, kind and target over links that
// lead out: nothing comes to be outside.
func FuzzEntryNames(f *testing.F) {
	for _, name := range []string{"a", "../a", "/a", "a/../../b", "out/evil", "up/evil", "out/../evil", ".wh.a", ".wh..", "a/.wh..wh..opq", "./", "..", "out", "up/in/evil", "\x00", "a//b", "a/."} {
		f.Add(name, byte(0), "out/x")
		f.Add(name, byte(tar.TypeLink), "out/outside")
		f.Add(name, byte(tar.TypeSymlink), "../..")
		f.Add(name, byte(tar.TypeDir), "")
	}
	f.Fuzz(func(t *testing.T, name string, kind byte, target string) {
		outer := t.TempDir()
		inner := filepath.Join(outer, "in", "side")
		if err := os.MkdirAll(inner, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(outer, "outside"), []byte("untouched"), 0o644); err != nil {
			t.Fatal(err)
		}
		tr, err := newTree(inner, Limits{}.orDefaults(), func(int64) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		tr.fresh = map[string]bool{}
		for _, h := range []*tar.Header{
			{Name: "out", Typeflag: tar.TypeSymlink, Linkname: outer},
			{Name: "up", Typeflag: tar.TypeSymlink, Linkname: "../.."},
			{Name: "a", Typeflag: tar.TypeDir, Mode: 0o755},
			{Name: name, Typeflag: kind, Linkname: target, Size: 4, Mode: 0o777},
			{Name: name + "/more", Typeflag: tar.TypeReg, Size: 4},
		} {
			if h.Typeflag == 0 {
				h.Typeflag = tar.TypeReg
			}
			_ = tr.entry(h, strings.NewReader("evil")) // a refusal is fine
		}
		_ = tr.mountPoints()
		if err := tr.close(); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(filepath.Join(outer, "outside")); err != nil || string(data) != "untouched" {
			t.Errorf("the file outside: %q, %v", data, err)
		}
		for dir, most := range map[string]int{outer: 2, filepath.Join(outer, "in"): 1} {
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != most {
				t.Errorf("%s holds %v (%v)", dir, entries, err)
			}
		}
	})
}
