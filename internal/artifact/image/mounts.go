package image

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// mountPoints are what a sandbox puts something at. Those that end with a
// slash are folders.
var mountPoints = []string{
	"dev/", "proc/", "sys/", "tmp/", "run/", "opt/", "var/task/", "var/runtime/", "etc/hosts", "etc/hostname", "etc/resolv.conf",
}

// mountPoints makes those of the places that the image lacks. A link stays when
// it leads, within the image, to what is wanted; a link that leads nowhere,
// and what is of the wrong kind, is replaced.
func (t *tree) mountPoints() error {
	t.fresh = map[string]bool{}
	for _, name := range mountPoints {
		name, isFolder := strings.CutSuffix(name, "/")
		if err := t.mountPoint(name, isFolder); err != nil {
			return inEntry(name, err)
		}
	}
	return nil
}

func (t *tree) mountPoint(name string, isFolder bool) error {
	dir, err := t.mountFolder(path.Dir(name))
	if err != nil {
		return err
	}
	at := path.Join(dir, path.Base(name))
	if isFolder {
		_, err = t.mountFolder(at)
		return err
	}
	if fine, err := t.isFile(at); fine || err != nil {
		return err
	}
	if _, err := t.free(at, false); err != nil {
		return err
	}
	in, base, err := t.within(at)
	if err != nil {
		return err
	}
	f, err := in.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o644), f.Close())
}

// mountFolder finds or makes a folder and says where it is.
func (t *tree) mountFolder(name string) (string, error) {
	at, err := t.folder(name, false)
	if err == nil || name == "." {
		return at, err
	}
	var refused *Error
	if !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &refused) {
		return "", err
	}
	// Something in its name is missing or in the way: take it part by part.
	dir, err := t.mountFolder(path.Dir(name))
	if err != nil {
		return "", err
	}
	at = path.Join(dir, path.Base(name))
	if real, err := t.folder(at, false); err == nil {
		return real, nil
	}
	if _, err := t.free(at, false); err != nil {
		return "", err
	}
	if err := t.newFolder(at); err != nil {
		return "", err
	}
	if name == "tmp" {
		in, base, err := t.within(at)
		if err != nil {
			return "", err
		}
		return at, in.Chmod(base, 0o777|fs.ModeSticky)
	}
	return at, nil
}

// isFile reports whether a name, over links, is a file.
func (t *tree) isFile(name string) (bool, error) {
	_, st, err := t.walk(name, false)
	var refused *Error
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &refused) {
		return false, nil
	}
	return err == nil && st != nil && st.Mode().IsRegular(), err
}
