package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// kind is where an image is.
type kind int

const (
	inRegistry kind = iota
	inFolder        // an OCI layout
	inArchive       // a tar file, what is in it decides
)

// where is a name, understood.
type where struct {
	kind kind
	ref  name.Reference // of a registry
	path string         // absolute, of a folder or archive
	tag  string         // in it, "" for the only image there is
	oci  bool           // the archive is asked for as an OCI layout
}

func (w where) pinned() bool {
	_, ok := w.ref.(name.Digest)
	return ok
}

// parseName understands what a user writes. A path is one with a separator that
// is there, and a folder with a layout or a tar archive; all others are names.
func parseName(text string) (where, error) {
	for prefix, k := range map[string]kind{"oci:": inFolder, "oci-archive:": inArchive, "docker-archive:": inArchive} {
		rest, ok := strings.CutPrefix(text, prefix)
		if !ok {
			continue
		}
		path, tag, err := splitTag(rest)
		if err != nil {
			return where{}, err
		}
		return where{kind: k, path: path, tag: tag, oci: prefix == "oci-archive:"}, nil
	}
	if w, ok, err := parsePath(text); ok || err != nil {
		return w, err
	}
	ref, err := name.ParseReference(text)
	if err != nil {
		return where{}, refuse("write it as registry/repository:tag, or as the path of a folder or archive with an image", "that is no name of an image (%v)", err)
	}
	return where{kind: inRegistry, ref: ref}, nil
}

// splitTag tells a path from what follows it. A file may have a colon in its name.
func splitTag(text string) (path, tag string, err error) {
	path = text
	if _, err := os.Stat(text); err != nil {
		from := len(filepath.VolumeName(text))
		if at := strings.IndexByte(text[from:], ':'); at >= 0 {
			path, tag = text[:from+at], text[from+at+1:]
		}
	}
	if path == "" {
		return "", "", refuse("write the path of a folder or archive after the colon", "it names no file")
	}
	if _, err := os.Stat(path); err != nil {
		return "", "", unreadable(path, err)
	}
	path, err = filepath.Abs(path)
	return path, tag, err
}

func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return refuse("", "there is no file or folder %q", path)
	}
	return &Error{Reason: "it cannot be read", Err: err}
}

func parsePath(text string) (where, bool, error) {
	looksIt := filepath.IsAbs(text) || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || hasTarName(text)
	st, err := os.Stat(text)
	switch {
	case err != nil && looksIt && text != "":
		return where{}, false, unreadable(text, err)
	case err != nil || text == "":
		return where{}, false, nil
	}
	path, err := filepath.Abs(text)
	if err != nil {
		return where{}, false, err
	}
	if st.IsDir() {
		if _, err := os.Stat(filepath.Join(path, "oci-layout")); err == nil {
			return where{kind: inFolder, path: path}, true, nil
		}
		if looksIt {
			return where{}, false, refuse("an image's folder is an OCI layout, as skopeo copy and docker buildx build write it", "the folder has no file oci-layout")
		}
		return where{}, false, nil // nobody who writes "app" means the folder beside the template
	}
	if looksIt || isTar(path) {
		return where{kind: inArchive, path: path}, true, nil
	}
	return where{}, false, nil
}

func hasTarName(text string) bool {
	for _, end := range []string{".tar", ".tar.gz", ".tgz"} {
		if strings.HasSuffix(strings.ToLower(text), end) {
			return true
		}
	}
	return false
}

// isTar reports whether a file begins as a tar archive does, compressed or not.
func isTar(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	r := bufio.NewReader(f)
	var in io.Reader = r
	if magic, _ := r.Peek(2); bytes.Equal(magic, gzipMagic) {
		if in, err = gzip.NewReader(r); err != nil {
			return false
		}
	}
	_, err = tar.NewReader(in).Next()
	return err == nil
}

// loopback reports whether a host is this machine: only there does anybody
// speak to a registry without TLS.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
