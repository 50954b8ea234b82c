package container

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"syscall"
)

// archive is a tar archive for an engine.
type archive struct{ *tar.Writer }

func newArchive(out io.Writer) archive { return archive{tar.NewWriter(out)} }

// add adds a file or an empty folder as name. Owners are root's, whoever has
// it here. With open everybody may read it: what a developer alone may read is
// to be read by the user that functions run as. What is neither file, folder
// nor link stays out.
func (a archive) add(file, name string, open bool) error {
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	link := ""
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if link, err = os.Readlink(file); err != nil {
			return err
		}
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil
	}
	header, err := tar.FileInfoHeader(info, filepath.ToSlash(link))
	if err != nil {
		return err
	}
	header.Name = name
	if info.IsDir() {
		header.Name += "/"
	}
	header.Uid, header.Gid, header.Uname, header.Gname = 0, 0, "", ""
	header.Format = tar.FormatPAX
	if runtime.GOOS == "windows" {
		header.Mode |= 0o755 // it does not say which files are programs
	}
	if open {
		owners := header.Mode & 0o500
		header.Mode |= owners>>3 | owners>>6
	}
	if err := a.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	// A file that grows meanwhile is cut where it ended.
	_, err = io.Copy(a, io.LimitReader(in, header.Size))
	return err
}

// merged adds the folders' files below name, later folders over earlier ones:
// what is there already is replaced unless both are folders.
func (a archive) merged(name string, dirs []string) error {
	for i, dir := range dirs {
		later := dirs[i+1:]
		err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, file)
			if err != nil || rel == "." {
				return err
			}
			if hidden, err := replaced(rel, d.IsDir(), later); err != nil {
				return err
			} else if hidden && d.IsDir() {
				return fs.SkipDir
			} else if hidden {
				return nil
			}
			return a.add(file, path.Join(name, filepath.ToSlash(rel)), true)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// replaced reports whether a later folder has something else in an entry's place.
func replaced(rel string, isDir bool, later []string) (bool, error) {
	for _, dir := range later {
		info, err := os.Lstat(filepath.Join(dir, rel))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			// A file in the place of a folder above has been met there.
		case err != nil:
			return false, err
		case !isDir || !info.IsDir():
			return true, nil
		}
	}
	return false, nil
}
