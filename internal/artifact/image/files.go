package image

import (
	"errors"
	"io/fs"
	"slices"
)

// Files are the names of the files that lie directly in a folder of the image
// ("opt/extensions"), sorted; none when there is no such folder. Links lead
// where they lead in the image.
func (i *Image) Files(dir string) (names []string, err error) {
	t, err := newTree(i.Root, Limits{}, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	at, err := t.folder(dir, false)
	var refused *Error
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &refused) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	folder, err := t.root.Open(at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	entries, err := folder.ReadDir(-1)
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, err
}
