package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/fsx"
)

// prepare makes the store's folders. Images may hold what is not for others to see.
func (s *Store) prepare() error {
	for _, name := range []string{"", "roots", "names", "blobs", "tmp"} {
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func idHex(id string) string { return strings.TrimPrefix(id, "sha256:") }

func (s *Store) root(id string) string     { return filepath.Join(s.dir, "roots", idHex(id)) }
func (s *Store) rootLock(id string) string { return s.root(id) + ".lock" }
func (s *Store) madeFile(id string) string { return filepath.Join(s.root(id), "image.json") }

// made is what is kept of an unpacked image.
type made struct {
	ID, Digest, Architecture string
	Entrypoint, Command      []string
	Env                      []string
	Dir, User                string
	Size                     int64
}

func (s *Store) readMade(id string) (made, error) {
	var m made
	data, err := os.ReadFile(s.madeFile(id))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m, err
}

// record is what a name meant when it was last asked for.
type record struct {
	Name, Architecture string
	ID, Digest         string
	// Stamp changes when the name may mean something else: a manifest's digest,
	// an engine's name for the image, the time of a file.
	Stamp string
}

func (s *Store) recordFile(name, arch string) string {
	sum := sha256.Sum256([]byte(name + "\n" + arch))
	return filepath.Join(s.dir, "names", hex.EncodeToString(sum[:16])+".json")
}

func (s *Store) recall(name, arch string) (record, bool) {
	r, err := readRecord(s.recordFile(name, arch))
	return r, err == nil && r.Name == name && r.Architecture == arch
}

func readRecord(file string) (r record, err error) {
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err == nil {
		_, err = digestHex(r.ID)
	}
	return r, err
}

// remember keeps what a name means. Without it the image is looked up again: no reason to fail.
func (s *Store) remember(r record) {
	w, err := s.workplace()
	if err != nil {
		return
	}
	name := filepath.Join(w.dir, "name.json")
	if data, err := json.Marshal(r); err == nil && os.WriteFile(name, data, 0o600) == nil {
		_ = os.Rename(name, s.recordFile(r.Name, r.Architecture))
	}
	w.remove()
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// workplace is a folder in tmp that belongs to its maker while that lives.
type workplace struct {
	dir  string
	lock *fsx.Lock
}

// workplace makes one.
func (s *Store) workplace() (*workplace, error) {
	for {
		name := fmt.Sprintf("%d-%x", os.Getpid(), time.Now().UnixNano())
		w := &workplace{dir: filepath.Join(s.dir, "tmp", name)}
		var err error
		if w.lock, err = fsx.TryLock(w.dir+".lock", false); errors.Is(err, fsx.ErrLocked) {
			continue
		} else if err != nil {
			return nil, err
		}
		if err = os.Mkdir(w.dir, 0o700); err == nil {
			return w, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, errors.Join(err, w.lock.Remove())
		}
		if err := w.lock.Close(); err != nil {
			return nil, err
		}
	}
}

// remove removes it with all that is still in it. What cannot be removed is
// left to the next [Store.Sweep].
func (w *workplace) remove() {
	_ = os.RemoveAll(w.dir)
	_ = w.lock.Remove()
}

// Sweep removes what killed processes have left in tmp, and returns how many bytes that were.
func (s *Store) Sweep() int64 {
	var freed int64
	entries, err := os.ReadDir(filepath.Join(s.dir, "tmp"))
	if err != nil {
		return 0
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".lock")
		dir := filepath.Join(s.dir, "tmp", name)
		lock, err := fsx.TryLock(dir+".lock", false)
		if err != nil {
			continue
		}
		freed += Usage(dir)
		(&workplace{dir, lock}).remove()
	}
	return freed
}

// Usage is about how many bytes of disk a file or folder takes.
func Usage(name string) int64 {
	const block = 4096
	var sum int64
	seen := map[inode]bool{}
	_ = filepath.WalkDir(name, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what goes away meanwhile takes nothing
		}
		info, err := d.Info()
		switch {
		case err != nil:
		case d.IsDir():
			sum += block
		default:
			node, shared := inodeOf(info)
			if !shared || !seen[node] {
				sum += (info.Size() + block - 1) / block * block
			}
			if shared {
				seen[node] = true
			}
		}
		return nil
	})
	return sum
}

// room says whether the disk has room for so many bytes more.
func (s *Store) room(bytes int64) error {
	free, ok, err := fsx.FreeSpace(s.dir)
	if err != nil {
		return err
	}
	if ok && free < bytes+reserve {
		return refuse("remove what is not needed, with lambkin cache clean or by hand, or set LAMBKIN_CACHE_DIR to a folder on another disk",
			"the disk of %s has %s left, which is too little", s.dir, SizeText(free))
	}
	return nil
}

// SizeText writes a number of bytes for people.
func SizeText(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	case bytes >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return fmt.Sprintf("%d B", bytes)
}

func (s *Store) blob(digest string) string { return filepath.Join(s.dir, "blobs", idHex(digest)) }

// touchBlob reports whether a layer is in the cache, and marks it as used.
func (s *Store) touchBlob(digest string) bool {
	now := time.Now()
	return os.Chtimes(s.blob(digest), now, now) == nil
}

// writeBlob puts a layer into the cache, when write brings all of it.
func (s *Store) writeBlob(digest string, write func(io.Writer) error) (err error) {
	w, err := s.workplace()
	if err != nil {
		return err
	}
	defer w.remove()
	name := filepath.Join(w.dir, "blob")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(name, s.blob(digest))
}

// Entry is an image in the cache.
type Entry struct {
	Names        []string // that mean it, without those that mean another one by now
	ID           string   // the digest of its configuration
	Digest       string   // of its manifest, "" when it came without one
	Architecture string
	Size         int64 // bytes on disk, about
	Used         time.Time
	InUse        bool
}

// Contents is what a store holds.
type Contents struct {
	Images []Entry // the last used first
	Layers int64   // bytes of compressed layers, which are kept for other images
	Rest   int64   // bytes of what is being made, or was when its process was killed
	Limit  int64   // see [Limits]
}

// Contents looks through the store.
func (s *Store) Contents() (Contents, error) {
	images, err := s.images()
	for i := range images {
		images[i].InUse = s.inUse(images[i].ID)
	}
	return Contents{
		Images: images, Limit: s.limits.Cache,
		Layers: contents(filepath.Join(s.dir, "blobs")), Rest: contents(filepath.Join(s.dir, "tmp")),
	}, err
}

// images are those that are there, the last used first; whether they are in use is left open.
func (s *Store) images() (images []Entry, err error) {
	names := map[string][]string{}
	files, err := os.ReadDir(filepath.Join(s.dir, "names"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range files {
		if r, err := readRecord(filepath.Join(s.dir, "names", f.Name())); err == nil && !slices.Contains(names[r.ID], r.Name) {
			names[r.ID] = append(names[r.ID], r.Name)
		}
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, "roots"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		id := "sha256:" + e.Name()
		st, err := os.Stat(s.madeFile(id))
		if !e.IsDir() || err != nil {
			continue
		}
		m, err := s.readMade(id)
		if err != nil {
			continue
		}
		slices.Sort(names[id])
		images = append(images, Entry{
			Names: names[id], ID: id, Digest: m.Digest, Architecture: m.Architecture, Size: m.Size, Used: st.ModTime(),
		})
	}
	slices.SortStableFunc(images, func(a, b Entry) int { return b.Used.Compare(a.Used) })
	return images, nil
}

// contents is the usage of what is in a folder, 0 when it is empty.
func contents(dir string) int64 {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return 0
	}
	var sum int64
	for _, e := range entries {
		sum += Usage(filepath.Join(dir, e.Name()))
	}
	return sum
}

func (s *Store) inUse(id string) bool {
	lock, err := fsx.TryLock(s.rootLock(id), false)
	if err != nil {
		return errors.Is(err, fsx.ErrLocked)
	}
	_ = lock.Close() // it was ours for a moment
	return false
}

// ErrInUse is what [Store.Remove] returns for an image that somebody uses.
var ErrInUse = errors.New("the image is in use")

// Remove removes an image by the digest of its configuration, and the names that mean it. It
// returns how many bytes that frees. The error is [ErrInUse] when somebody
// uses the image; nothing is removed then.
func (s *Store) Remove(id string) (freed int64, err error) {
	if _, err := digestHex(id); err != nil {
		return 0, err
	}
	if err := s.prepare(); err != nil {
		return 0, err
	}
	lock, err := fsx.TryLock(s.rootLock(id), false)
	if errors.Is(err, fsx.ErrLocked) {
		return 0, ErrInUse
	} else if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.Remove()) }()
	m, err := s.readMade(id)
	if err != nil {
		return 0, ignoreMissing(err) // somebody else was faster
	}
	if err := s.discard(s.root(id)); err != nil {
		return 0, err
	}
	return m.Size, s.forgetNames(id)
}

// forgetNames removes the names that mean an image.
func (s *Store) forgetNames(id string) error {
	files, err := os.ReadDir(filepath.Join(s.dir, "names"))
	for _, f := range files {
		file := filepath.Join(s.dir, "names", f.Name())
		if r, bad := readRecord(file); bad == nil && r.ID == id {
			err = errors.Join(err, ignoreMissing(os.Remove(file)))
		}
	}
	return err
}

// discard removes a folder in one step as far as others see.
func (s *Store) discard(dir string) (err error) {
	w, err := s.workplace()
	if err != nil {
		return err
	}
	defer w.remove()
	return os.Rename(dir, filepath.Join(w.dir, "old"))
}

// RemoveLayers removes the compressed layers that are kept for other images. It
// returns how many bytes that frees.
func (s *Store) RemoveLayers() (freed int64, err error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "blobs"))
	if err != nil {
		return freed, ignoreMissing(err)
	}
	for _, e := range entries {
		name := filepath.Join(s.dir, "blobs", e.Name())
		bytes := Usage(name)
		if err := ignoreMissing(os.Remove(name)); err != nil {
			return freed, err
		}
		freed += bytes
	}
	return freed, nil
}

// evict removes what has not been used for longest until the rest fits. What
// is in use stays, and so does the image keep, which is about to be. It has no
// error: what cannot be removed now is tried the next time.
func (s *Store) evict(keep string) {
	images, err := s.images()
	if err != nil {
		return
	}
	type item struct {
		used   time.Time
		size   int64
		remove func() error
	}
	var items []item
	var sum int64
	for _, e := range images {
		sum += e.Size
		if e.ID != keep {
			items = append(items, item{e.Used, e.Size, func() error { _, err := s.Remove(e.ID); return err }})
		}
	}
	entries, _ := os.ReadDir(filepath.Join(s.dir, "blobs"))
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			sum += info.Size()
			items = append(items, item{info.ModTime(), info.Size(), func() error { return os.Remove(filepath.Join(s.dir, "blobs", e.Name())) }})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return a.used.Compare(b.used) })
	for _, i := range items {
		if sum <= s.limits.Cache {
			return
		}
		if i.remove() == nil {
			sum -= i.size
		}
	}
}
