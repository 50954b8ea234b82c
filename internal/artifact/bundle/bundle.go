// Package bundle brings a function's code to disk in the shape that it has at
// /var/task: a folder as it lies, an archive unpacked, inline code in the file
// that its handler names. Layers likewise.
package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Code is a function's code on disk.
type Code struct {
	Dir    string   // the code
	Layers []string // the layers, in order

	temporary []*fsx.Temp // removed by Close
}

// Unavailable says that code is not on this machine.
type Unavailable struct {
	What   string // "code", "layer"
	Where  string // the path, S3 object or ARN
	Source lambda.Source
	Hint   string
	Err    error // the cause, nil when Where is not a path
}

func (e *Unavailable) Error() string {
	text := fmt.Sprintf("the %s %s is not on this machine", e.What, e.Where)
	if e.Err != nil && !errors.Is(e.Err, fs.ErrNotExist) {
		text = fmt.Sprintf("the %s %s cannot be used: %v", e.What, e.Where, e.Err)
	}
	return text
}

func (e *Unavailable) Unwrap() error { return e.Err }

// Prepare brings fn's code and layers to disk. Layers that only have an ARN are
// looked for in the folder layerCache, "" for none; see [CachedLayer]. The
// caller closes the result when no process uses it any more.
func Prepare(fn *lambda.Function, layerCache string) (*Code, error) {
	c := &Code{}
	dir, err := c.code(fn)
	if err == nil {
		c.Dir = dir
		err = c.layers(fn, layerCache)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close removes what Prepare has made. What was there before stays.
func (c *Code) Close() error {
	var errs []error
	for _, t := range c.temporary {
		errs = append(errs, t.Close())
	}
	c.temporary = nil
	return errors.Join(errs...)
}

func (c *Code) code(fn *lambda.Function) (string, error) {
	at := fn.SourceOf("CodeUri")
	switch {
	case fn.Code.Inline != "":
		return c.inline(fn)
	case fn.Code.Archive != "":
		return c.unpack("code", fn.Code.Archive, at)
	case fn.Code.Dir != "":
		if st, err := os.Stat(fn.Code.Dir); err != nil || !st.IsDir() {
			if err == nil {
				err = errors.New("it is not a folder")
			}
			return "", &Unavailable{What: "code folder", Where: fn.Code.Dir, Source: at, Err: err, Hint: "check CodeUri, or build the project first"}
		}
		return fn.Code.Dir, nil
	}
	return "", &Unavailable{
		What: "code", Where: fn.Code.Remote, Source: at,
		Hint: "download it and let the function's code point to the folder or zip file",
	}
}

func (c *Code) layers(fn *lambda.Function, cache string) error {
	for _, l := range fn.Layers {
		switch {
		case l.Dir != "":
			if _, err := os.Stat(l.Dir); err != nil {
				return &Unavailable{What: "layer folder", Where: l.Dir, Source: l.Source, Err: err, Hint: "check the layer's path, or build the layer first"}
			}
			c.Layers = append(c.Layers, l.Dir)
		case l.Archive != "":
			dir, err := c.unpack("layer", l.Archive, l.Source)
			if err != nil {
				return err
			}
			c.Layers = append(c.Layers, dir)
		default:
			dir, err := cached(l, cache)
			if err != nil {
				return err
			}
			c.Layers = append(c.Layers, dir)
		}
	}
	return nil
}

// inline writes inline code into the one file that its handler names.
func (c *Code) inline(fn *lambda.Function) (string, error) {
	name := "index"
	if i := strings.LastIndexByte(fn.Handler, '.'); i > 0 {
		name = fn.Handler[:i]
	}
	ext := ".js"
	if strings.HasPrefix(fn.Runtime, "python") {
		ext = ".py"
	}
	dir, err := c.temp()
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	file := filepath.FromSlash(name + ext)
	if err := root.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", fmt.Errorf("writing inline code of %s: %w", fn.Path, err)
	}
	return dir, root.WriteFile(file, []byte(fn.Code.Inline), 0o644)
}

func (c *Code) unpack(what, archive string, at lambda.Source) (string, error) {
	dir, err := c.temp()
	if err != nil {
		return "", err
	}
	if err := fsx.Unzip(archive, dir); err != nil {
		return "", &Unavailable{What: what + " archive", Where: archive, Source: at, Err: err, Hint: "check that the file is a complete zip archive"}
	}
	return dir, nil
}

func (c *Code) temp() (string, error) {
	t, err := fsx.NewTemp("code")
	if err != nil {
		return "", err
	}
	c.temporary = append(c.temporary, t)
	return t.Dir, nil
}
