package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestMain lets this binary get an image, as another lambkin would: its
// arguments are the store's folder, the image's name, and a phase in the middle
// of which it stops for good, or none. It says what it has; then it keeps the
// image until its input ends.
func TestMain(m *testing.M) {
	if len(os.Args) != 5 || os.Args[1] != "get-image" {
		os.Exit(m.Run())
	}
	img, err := Open(os.Args[2], Limits{}).Get(context.Background(), os.Args[3], Options{Architecture: "amd64", Progress: func(p Progress) {
		switch {
		case p.Phase != Phase(os.Args[4]):
		case p.Done == 0:
			time.Sleep(2 * pace) // so that the next bytes are told at once
		default:
			fmt.Println("in the middle")
			select {}
		}
	}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("root", img.Root)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// another starts another process that gets an image. wait waits for a line that
// begins with a word and returns the rest.
func another(t *testing.T, s *Store, name string, stopIn Phase) (cmd *exec.Cmd, stop func(), wait func(word string) string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(program, "get-image", s.dir, name, string(stopIn))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			_ = in.Close()
			_ = cmd.Wait() // it may have been killed
		})
	}
	t.Cleanup(stop)
	lines := bufio.NewScanner(out)
	return cmd, stop, func(word string) string {
		t.Helper()
		var seen []string
		for lines.Scan() {
			seen = append(seen, lines.Text())
			if rest, ok := strings.CutPrefix(lines.Text(), word); ok {
				return strings.TrimSpace(rest)
			}
		}
		t.Fatalf("no %q: %q", word, seen)
		return ""
	}
}

func TestOneUnpacksTheOthersWait(t *testing.T) {
	var entries []entry
	for i := range 300 {
		entries = append(entries, file(fmt.Sprintf("d%d/f", i), strings.Repeat("x", 1000)))
	}
	s := plain(t, entries...)
	h := newHub(t)
	h.serve("app:1", s)
	store, name := newStore(t, Limits{}), h.host+"/app:1"
	_, _, one := another(t, store, name, "")
	_, _, two := another(t, store, name, "")
	var wg sync.WaitGroup
	var mu sync.Mutex
	roots := map[string]int{}
	count := func(root string) {
		mu.Lock()
		defer mu.Unlock()
		roots[root]++
	}
	for range 6 {
		wg.Go(func() {
			img, err := store.Get(t.Context(), name, Options{Architecture: "amd64"})
			if err != nil {
				t.Error(err)
				return
			}
			if data, err := os.ReadFile(filepath.Join(img.Root, "d299", "f")); err != nil || len(data) != 1000 {
				t.Errorf("%d bytes, %v", len(data), err)
			}
			count(img.Root)
			if err := img.Release(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count(one("root"))
	count(two("root"))
	if diff := cmp.Diff(map[string]int{filepath.Join(store.root(digestOf(s.config)), "rootfs"): 8}, roots); diff != "" {
		t.Errorf("roots (-want +got):\n%s", diff)
	}
	if n := h.asked("/blobs/" + hashOf(t, gzipped(s.layers[0])).String()); n != 1 {
		t.Errorf("the layer was asked for %d times", n)
	}
}

// TestKilled kills a process in the middle of each phase, and has the image
// made by the next one.
func TestKilled(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<17)
	s := newSample(t, "amd64", asItIs, nil, tarOf(t, file("a", big), file("b", big)))
	h := newHub(t)
	h.serve("app:1", s)
	for _, phase := range []Phase{Download, Unpack} {
		t.Run(string(phase), func(t *testing.T) {
			store, name := newStore(t, Limits{}), h.host+"/app:1"
			cmd, stop, wait := another(t, store, name, phase)
			wait("in the middle")
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			stop()
			if made, err := filepath.Glob(filepath.Join(store.dir, "roots", "*", "*")); err != nil || len(made) != 0 {
				t.Errorf("half an image is there: %v, %v", made, err)
			}
			if len(working(t, store)) != 1 {
				t.Errorf("left behind: %v", working(t, store))
			}
			img := got(t, store, name, Options{})
			if content(t, img, "b") != big {
				t.Error("files differ")
			}
			if after := working(t, store); len(after) != 0 {
				t.Errorf("left behind: %v", after)
			}
		})
	}
}

func working(t *testing.T, s *Store) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.dir, "tmp"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestSweepLeavesTheLiving(t *testing.T) {
	store := newStore(t, Limits{})
	if err := store.prepare(); err != nil {
		t.Fatal(err)
	}
	mine, err := store.workplace()
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, store.dir, map[string][]byte{"tmp/dead/f": []byte("1"), "tmp/dead.lock": nil, "tmp/lonely.lock": nil, "tmp/closed/f": nil})
	if freed := store.Sweep(); freed == 0 {
		t.Error("nothing was freed")
	}
	entries, _ := os.ReadDir(filepath.Join(store.dir, "tmp"))
	if len(entries) != 2 || entries[0].Name() != filepath.Base(mine.dir) {
		t.Errorf("left: %v", entries)
	}
	mine.remove()
	if l := left(t, store); l != nil {
		t.Errorf("left: %v", l)
	}
}

// three are images of about a megabyte each, in their order.
func three(t *testing.T) (names []string, samples []*sample) {
	t.Helper()
	for i := range 3 {
		s := plain(t, entry{name: "closed", kind: '5', mode: 0o500}, file("closed/f", strings.Repeat(fmt.Sprint(i), 1<<20)))
		samples = append(samples, s)
		names = append(names, writeFiles(t, t.TempDir(), layoutFiles(t, map[string]*sample{"": s})))
	}
	return names, samples
}

func TestEviction(t *testing.T) {
	names, samples := three(t)
	store := newStore(t, Limits{Cache: 5 << 19}) // two and a half
	there := func() string {
		var out []string
		for i, s := range samples {
			if _, err := store.readMade(digestOf(s.config)); err == nil {
				out = append(out, fmt.Sprint(i))
			}
		}
		return strings.Join(out, " ")
	}
	for _, step := range []struct {
		get  int
		keep bool
		want string
	}{{0, false, "0"}, {1, false, "0 1"}, {0, false, "0 1"}, {2, false, "0 2"}, {0, true, "0 2"}, {2, true, "0 2"}, {1, false, "0 1 2"}, {1, false, "0 1 2"}} {
		img, err := store.Get(t.Context(), names[step.get], Options{Architecture: "amd64"})
		if err != nil {
			t.Fatal(err)
		}
		if step.keep {
			t.Cleanup(func() { _ = img.Release() })
		} else if err := img.Release(); err != nil {
			t.Fatal(err)
		}
		if now := there(); now != step.want {
			t.Fatalf("after %+v there is %q", step, now)
		}
		time.Sleep(5 * time.Millisecond) // the times of files tell who was used last
	}
}

func TestContentsAndRemove(t *testing.T) {
	testenv.Leaks(t)
	names, samples := three(t)
	store := newStore(t, Limits{})
	if c, err := store.Contents(); err != nil || len(c.Images) != 0 || c.Limit != 20<<30 {
		t.Errorf("an empty store holds %+v, %v", c, err)
	}
	got(t, store, names[0], Options{})
	img, err := store.Get(t.Context(), names[1], Options{Architecture: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Release(); err != nil {
		t.Fatal(err)
	}
	c, err := store.Contents()
	if err != nil || len(c.Images) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	for i, want := range []Entry{
		{Names: []string{names[1]}, ID: digestOf(samples[1].config), Digest: samples[1].manifest.Digest.String(), Architecture: "amd64"},
		{Names: []string{names[0]}, ID: digestOf(samples[0].config), Digest: samples[0].manifest.Digest.String(), Architecture: "amd64", InUse: true},
	} {
		e := c.Images[i]
		if e.Size < 1<<20 || e.Size > 1<<20+1<<17 || time.Since(e.Used) > time.Minute {
			t.Errorf("size %d, used %v", e.Size, e.Used)
		}
		e.Size, e.Used = 0, time.Time{}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("entry (-want +got):\n%s", diff)
		}
	}
	if _, err := store.Remove(digestOf(samples[0].config)); !errors.Is(err, ErrInUse) {
		t.Errorf("error %v", err)
	}
	if freed, err := store.Remove(digestOf(samples[1].config)); err != nil || freed < 1<<20 {
		t.Errorf("freed %d, %v", freed, err)
	}
	if _, err := store.Remove("sha256:../../etc"); err == nil {
		t.Error("a path was taken for a digest")
	}
	if c, err = store.Contents(); err != nil || len(c.Images) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	if img := got(t, store, names[1], Options{}); len(content(t, img, "closed/f")) != 1<<20 {
		t.Error("it does not come back")
	}
}

func TestRemoveLayers(t *testing.T) {
	h := newHub(t)
	h.serve("app:1", plain(t, file("a", "1")))
	store := newStore(t, Limits{})
	got(t, store, h.host+"/app:1", Options{})
	if c, err := store.Contents(); err != nil || c.Layers == 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if freed, err := store.RemoveLayers(); err != nil || freed == 0 {
		t.Errorf("freed %d, %v", freed, err)
	}
	if c, err := store.Contents(); err != nil || c.Layers != 0 || len(c.Images) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestADamagedRecordIsMadeAnew(t *testing.T) {
	names, samples := three(t)
	store := newStore(t, Limits{})
	img, err := store.Get(t.Context(), names[0], Options{Architecture: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Release(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store.madeFile(digestOf(samples[0].config)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got(t, store, names[0], Options{})
}
