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
// such an archive is an error.
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
	for _, f := range r.File {
		if err := unzipOne(root, f); err != nil {
			return fmt.Errorf("unpacking %q: %w", f.Name, err)
		}
	}
	return nil
}

func unzipOne(root *os.Root, f *zip.File) error {
	name := path.Clean(strings.TrimPrefix(f.Name, "./"))
	if name == "." {
		return nil
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return errors.New("the name leads out of the archive")
	}
	file := filepath.FromSlash(name)
	if err := throughNoLink(root, file); err != nil {
		return err
	}
	if strings.HasSuffix(f.Name, "/") || f.Mode().IsDir() {
		return root.MkdirAll(file, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	if f.Mode()&fs.ModeSymlink != 0 {
		return unzipLink(root, content, file)
	}
	out, err := root.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode().Perm()|0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

// throughNoLink refuses a name that goes through a link of the archive: where
// such an entry lies, and so where a relative link in it leads, is not what
// its name says.
func throughNoLink(root *os.Root, file string) error {
	for dir := filepath.Dir(file); dir != "."; dir = filepath.Dir(dir) {
		if st, err := root.Lstat(dir); err == nil && st.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%q is a link", filepath.ToSlash(dir))
		}
	}
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
