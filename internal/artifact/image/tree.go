package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// tree is a file system that layers are unpacked into. Names are relative to
// its root and have slashes. Links in names lead to where they lead when the
// tree is the root, never out of it: they are followed here, one part of the name
// at a time, and what is then opened has no link in its name; [os.Root] would
// refuse it otherwise. Nobody else changes the tree meanwhile.
type tree struct {
	root   *os.Root
	limits Limits
	room   func(bytes int64) error
	buffer []byte

	streamed int64 // bytes of the layers
	size     int64 // bytes of all files
	entries  int
	unasked  int64 // bytes since there was room

	// real are folders without the links in their names, by names that have led there.
	real map[string]string
	// open are folders that are open, for entries come by folders.
	open map[string]*os.Root
	// fresh is what the present layer has made, with the folders above: what
	// layers hide is that of the layers before.
	fresh map[string]bool
	// times are what the folders get at the end.
	times map[string]time.Time
}

const (
	maxOpen  = 32
	maxLinks = 40 // as Linux has it
	// asked is how many bytes are written before the disk is asked again for room.
	asked = 64 << 20

	hidden = ".wh."
	opaque = ".wh..wh..opq"
	// others is how names begin that AUFS kept for itself.
	others = ".wh..wh."
)

func newTree(dir string, limits Limits, room func(int64) error) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &tree{
		root: root, limits: limits, room: room, buffer: make([]byte, 1<<18),
		real: map[string]string{}, open: map[string]*os.Root{}, times: map[string]time.Time{},
	}, nil
}

func (t *tree) close() error {
	return errors.Join(t.forgetFolders(), t.root.Close())
}

// forgetFolders is called when a name may lead elsewhere than before.
func (t *tree) forgetFolders() error {
	clear(t.real)
	return t.closeFolders()
}

func (t *tree) closeFolders() error {
	var errs []error
	for _, r := range t.open {
		errs = append(errs, r.Close())
	}
	clear(t.open)
	return errors.Join(errs...)
}

// entryName checks an entry's name, or the name that a hard link leads to.
// Slashes at the beginning mean the image's root, as some tools write them.
func entryName(name string) (string, error) {
	switch {
	case len(name) > maxPath:
		return "", refuse("", "its name has %d bytes, more than %d", len(name), maxPath)
	case strings.ContainsRune(name, 0):
		return "", refuse("", "its name has a zero byte")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "..":
			return "", refuse("", "its name leads out of the image")
		case len(part) > maxName:
			return "", refuse("", "its name has a part of %d bytes, more than %d", len(part), maxName)
		}
	}
	clean := path.Join("/", name)[1:]
	if clean == "" {
		return ".", nil
	}
	if !filepath.IsLocal(filepath.FromSlash(clean)) {
		return "", refuse("", "this system has no files of that name")
	}
	return clean, nil
}

// layer unpacks one layer.
func (t *tree) layer(ctx context.Context, r io.Reader) error {
	t.fresh = map[string]bool{}
	archive := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // names are checked here
			return err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if t.entries++; t.entries > t.limits.Entries {
			return refuse("", "the image has more than %d files, folders and links", t.limits.Entries)
		}
		if err := t.entry(h, archive); err != nil {
			return inEntry(h.Name, err)
		}
	}
}

// inEntry names the entry that is refused.
func inEntry(name string, err error) error {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	var refused *Error
	if errors.As(err, &refused) {
		named := *refused
		named.Reason = fmt.Sprintf("entry %q: %s", name, refused.Reason)
		return &named
	}
	return err
}

func (t *tree) entry(h *tar.Header, content io.Reader) error {
	name, err := entryName(h.Name)
	if err != nil {
		return err
	}
	if name == "." {
		if h.Typeflag != tar.TypeDir {
			return refuse("", "the root of the image is no folder")
		}
		return t.mode(".", h)
	}
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	if strings.HasPrefix(base, hidden) {
		return t.hide(dir, base)
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse, tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		// Processes see a /dev of the sandbox's, whatever an old image has there.
		if strings.HasPrefix(name, "dev/") {
			return nil
		}
		return refuse("such images need a container engine", "it is %s, which cannot be made without root", kindText(h.Typeflag))
	default:
		return refuse("", "it is %s", kindText(h.Typeflag))
	}
	if dir, err = t.folder(dir, true); err != nil {
		return err
	}
	at := path.Join(dir, base)
	switch h.Typeflag {
	case tar.TypeDir:
		err = t.makeFolder(at, h)
	case tar.TypeSymlink:
		err = t.symlink(at, h)
	case tar.TypeLink:
		err = t.link(at, h)
	default:
		err = t.file(at, h, content)
	}
	if err == nil {
		t.made(at)
	}
	return err
}

// made notes what the layer has made.
func (t *tree) made(at string) {
	for ; at != "." && !t.fresh[at]; at = path.Dir(at) {
		t.fresh[at] = true
	}
}

// within returns a folder opened, and the name of at in it.
func (t *tree) within(at string) (*os.Root, string, error) {
	dir, base := path.Dir(at), path.Base(at)
	if dir == "." {
		return t.root, base, nil
	}
	if r, ok := t.open[dir]; ok {
		return r, base, nil
	}
	if len(t.open) >= maxOpen {
		if err := t.closeFolders(); err != nil {
			return nil, "", err
		}
	}
	r, err := t.root.OpenRoot(filepath.FromSlash(dir))
	if err != nil {
		return nil, "", err
	}
	t.open[dir] = r
	return r, base, nil
}

// folder finds the folder that a name means and, when asked to, makes it. The
// error is [fs.ErrNotExist] when it is not there.
func (t *tree) folder(name string, create bool) (string, error) {
	if name == "." {
		return name, nil
	}
	if real, ok := t.real[name]; ok {
		return real, nil
	}
	at, st, err := t.walk(name, create)
	switch {
	case err != nil:
		return "", err
	case st != nil:
		return "", notFolder(at)
	}
	t.real[name] = at
	return at, nil
}

func notFolder(at string) error { return refuse("", "%q is no folder", at) }

// walk goes a name part by part. At its end there is a folder, or what st describes.
func (t *tree) walk(name string, create bool) (at string, st fs.FileInfo, err error) {
	links := 0
	at = "."
	for todo := strings.Split(name, "/"); len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		in, base, err := t.within(next)
		if err != nil {
			return "", nil, err
		}
		st, err := in.Lstat(base)
		switch {
		case errors.Is(err, fs.ErrNotExist) && create:
			if err := t.newFolder(next); err != nil {
				return "", nil, err
			}
			t.made(next)
			at = next
		case err != nil:
			return "", nil, err
		case st.IsDir():
			at = next
		case st.Mode()&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return "", nil, refuse("", "the links in %q lead in a circle", name)
			}
			target, err := in.Readlink(base)
			if err != nil {
				return "", nil, err
			}
			target = filepath.ToSlash(target)
			if path.IsAbs(target) {
				at = "."
			}
			todo = append(strings.Split(target, "/"), todo...)
			if len(todo) > maxPath {
				return "", nil, refuse("", "the links in %q lead too far", name)
			}
		case len(todo) == 0:
			return next, st, nil
		default:
			return "", nil, notFolder(next)
		}
	}
	return at, nil, nil
}

// newFolder makes a folder that no layer has described.
func (t *tree) newFolder(at string) error {
	in, base, err := t.within(at)
	if err != nil {
		return err
	}
	if err := in.Mkdir(base, 0o755); err != nil {
		return err
	}
	return in.Chmod(base, 0o755)
}

// free makes sure that nothing is at a name, and says whether a folder stays
// there that a folder may be put in the place of.
func (t *tree) free(at string, forFolder bool) (stays bool, err error) {
	in, base, err := t.within(at)
	if err != nil {
		return false, err
	}
	st, err := in.Lstat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case st.IsDir() && forFolder:
		return true, nil
	}
	return false, t.remove(at, st)
}

// remove removes what is at a name. Folders can be emptied, since all that are
// made here let their owner do so.
func (t *tree) remove(at string, st fs.FileInfo) error {
	if st.Mode().IsRegular() {
		in, base, err := t.within(at)
		if err != nil {
			return err
		}
		return in.Remove(base)
	}
	if err := t.forgetFolders(); err != nil {
		return err
	}
	return t.root.RemoveAll(filepath.FromSlash(at))
}

func (t *tree) makeFolder(at string, h *tar.Header) error {
	stays, err := t.free(at, true)
	if err != nil {
		return err
	}
	if !stays {
		if err := t.newFolder(at); err != nil {
			return err
		}
	}
	return t.mode(at, h)
}

// mode gives a folder its permissions. The owner keeps all, so that layers to
// come and a removal find it open; a sticky folder stays so.
func (t *tree) mode(at string, h *tar.Header) error {
	mode := h.FileInfo().Mode()
	t.times[at] = h.ModTime
	if at == "." {
		return t.root.Chmod(".", mode.Perm()|0o700)
	}
	in, base, err := t.within(at)
	if err != nil {
		return err
	}
	return in.Chmod(base, mode.Perm()|0o700|mode&fs.ModeSticky)
}

func (t *tree) symlink(at string, h *tar.Header) error {
	if h.Linkname == "" || len(h.Linkname) > maxPath {
		return refuse("", "it is a link to a name of %d bytes", len(h.Linkname))
	}
	if _, err := t.free(at, false); err != nil {
		return err
	}
	in, base, err := t.within(at)
	if err != nil {
		return err
	}
	return in.Symlink(h.Linkname, base)
}

func (t *tree) link(at string, h *tar.Header) error {
	target, err := entryName(h.Linkname)
	if err != nil {
		return refuse("", "it is a hard link to %q, which is out of the image or no name", h.Linkname)
	}
	dir, err := t.folder(path.Dir(target), false)
	if errors.Is(err, fs.ErrNotExist) {
		return refuse("", "it is a hard link to %q, which is not there", h.Linkname)
	} else if err != nil {
		return err
	}
	from := path.Join(dir, path.Base(target))
	if from == at {
		return nil
	}
	in, base, err := t.within(from)
	if err != nil {
		return err
	}
	st, err := in.Lstat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse("", "it is a hard link to %q, which is not there", h.Linkname)
	case err != nil:
		return err
	case st.IsDir():
		return refuse("", "it is a hard link to the folder %q", h.Linkname)
	}
	if _, err := t.free(at, false); err != nil {
		return err
	}
	return t.root.Link(filepath.FromSlash(from), filepath.FromSlash(at))
}

// file writes a file. Its size is checked before the first byte is written.
func (t *tree) file(at string, h *tar.Header, content io.Reader) (err error) {
	if h.Size > t.limits.Size-t.size {
		return tooLarge(t.limits.Size)
	}
	t.size += h.Size
	if t.unasked += h.Size; t.unasked > asked || h.Size == t.size {
		if err := t.room(h.Size); err != nil {
			return err
		}
		t.unasked = 0
	}
	if _, err := t.free(at, false); err != nil {
		return err
	}
	in, base, err := t.within(at)
	if err != nil {
		return err
	}
	f, err := in.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(onlyWriter{f}, content, t.buffer)
	if err == nil {
		// No set-user-ID, and readable for who has unpacked it.
		err = f.Chmod(h.FileInfo().Mode().Perm() | 0o400)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return in.Chtimes(base, h.ModTime, h.ModTime)
}

// onlyWriter keeps io.CopyBuffer to the buffer.
type onlyWriter struct{ io.Writer }

// hide carries out what a layer says of the layers before it.
func (t *tree) hide(dir, base string) error {
	name := strings.TrimPrefix(base, hidden)
	switch {
	case base == opaque:
	case strings.HasPrefix(base, others):
		return nil
	case name == "", name == ".", name == "..":
		return refuse("", "it hides %q, which is no name", name)
	}
	at, err := t.folder(dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there is nothing to hide
	} else if err != nil {
		return err
	}
	if base != opaque {
		at = path.Join(at, name)
	}
	return t.hideOld(at, base == opaque)
}

// hideOld removes at, or only what is in it, as far as the present layer has not made it.
func (t *tree) hideOld(at string, contentOnly bool) error {
	if at != "." {
		in, base, err := t.within(at)
		if err != nil {
			return err
		}
		st, err := in.Lstat(base)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !contentOnly && !t.fresh[at]:
			return t.remove(at, st)
		case !st.IsDir():
			return nil
		}
	}
	f, err := t.root.Open(filepath.FromSlash(at))
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, name := range names {
		if err := t.hideOld(path.Join(at, name), false); err != nil {
			return err
		}
	}
	return nil
}

// setTimes gives the folders their times, when nothing is put into them any more.
func (t *tree) setTimes() error {
	for at, when := range t.times {
		name := filepath.FromSlash(at)
		if st, err := t.root.Lstat(name); err != nil || !st.IsDir() {
			continue // a later layer has hidden it
		}
		if err := t.root.Chtimes(name, when, when); err != nil {
			return err
		}
	}
	return nil
}
