package fsx

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Unzip unpacks an archive into the folder dir, with the archive's permissions.
// No entry, be it by its name or through a symbolic link, gets out of dir:
// such an archive is an error, and so is one with devices or pipes, or one that
// holds more than 2 GB or 200,000 entries, before anything is written.
func Unzip(archive, dir string) (err error) {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := bounded(r.File); err != nil {
		return err
	}
	u := unzipper{root: root, folders: map[string]bool{".": true}}
	for _, f := range r.File {
		if err := u.one(f); err != nil {
			return fmt.Errorf("unpacking %q: %w", f.Name, err)
		}
	}
	return nil
}

// The most that an archive may hold: well over what AWS takes, 250 MB unpacked.
const (
	maxUnzipped = 2 << 30 // bytes
	maxEntries  = 200_000
)

// bounded refuses an archive that announces too much. What an entry holds beyond
// what it announces is an error when it is read.
func bounded(entries []*zip.File) error {
	if len(entries) > maxEntries {
		return fmt.Errorf("it has %d entries; lambkin unpacks at most %d, and AWS takes 250 MB in all", len(entries), maxEntries)
	}
	var total uint64
	for _, f := range entries {
		if total += f.UncompressedSize64; total > maxUnzipped || f.UncompressedSize64 > maxUnzipped {
			return errors.New("it holds more than 2 GB unpacked; AWS takes 250 MB")
		}
	}
	return nil
}

// unzipper unpacks one archive.
type unzipper struct {
	root *os.Root
	// folders are those that are there and are no links. They stay so: nothing
	// takes a folder away again.
	folders map[string]bool
}

func (u *unzipper) one(f *zip.File) error {
	name := path.Clean(strings.TrimPrefix(f.Name, "./"))
	if name == "." {
		return nil
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return errors.New("the name leads out of the archive")
	}
	file := filepath.FromSlash(name)
	if err := u.folder(filepath.Dir(file)); err != nil {
		return err
	}
	if strings.HasSuffix(f.Name, "/") || f.Mode().IsDir() {
		return u.root.MkdirAll(file, 0o755)
	}
	if kind := f.Mode().Type(); kind != 0 && kind != fs.ModeSymlink {
		return errors.New("it is neither a file nor a folder nor a link")
	}
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	if f.Mode()&fs.ModeSymlink != 0 {
		return unzipLink(u.root, content, file)
	}
	out, err := u.root.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode().Perm()|0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

// folder makes a folder, and refuses one that is a link of the archive or lies
// behind one: where such an entry lies, and so where a relative link in it
// leads, is not what its name says.
func (u *unzipper) folder(dir string) error {
	if u.folders[dir] {
		return nil
	}
	if err := u.folder(filepath.Dir(dir)); err != nil {
		return err
	}
	if st, err := u.root.Lstat(dir); err == nil && st.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%q is a link", filepath.ToSlash(dir))
	}
	if err := u.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	u.folders[dir] = true
	return nil
}

func unzipLink(root *os.Root, content io.Reader, file string) error {
	target, err := ReadLimited(content, 4096)
	if err != nil {
		return err
	}
	if !filepath.IsLocal(filepath.Join(filepath.Dir(file), filepath.FromSlash(string(target)))) || path.IsAbs(string(target)) {
		return fmt.Errorf("the link leads out of the archive, to %q", target)
	}
	return root.Symlink(string(target), file)
}
