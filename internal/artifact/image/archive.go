package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// files are the files of a folder or archive, by names with slashes.
type files interface {
	open(name string) (r io.ReadCloser, size int64, err error)
	has(name string) bool
}

// fromFile gets an image out of a folder or archive. That has not changed when
// it has the same size and time.
func (g *getting) fromFile(ctx context.Context, w where) (*Image, error) {
	if w.kind == inFolder {
		root, err := os.OpenRoot(w.path)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return g.fromFiles(ctx, folder{root}, w, "")
	}
	st, err := os.Stat(w.path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, refuse("", "%q is no file", w.path)
	}
	stamp := fmt.Sprintf("%s %d %d", w.path, st.Size(), st.ModTime().UnixNano())
	img, err := g.known(ctx, func(r record) bool { return r.Stamp == stamp })
	if img != nil || err != nil {
		return img, err
	}
	f, err := os.Open(w.path)
	if err != nil {
		return nil, unreadable(w.path, err)
	}
	defer f.Close()
	return g.fromArchive(ctx, f, w, stamp)
}

// fromArchive reads a tar file, which is uncompressed into the store first when it is compressed.
func (g *getting) fromArchive(ctx context.Context, f *os.File, w where, stamp string) (*Image, error) {
	head := make([]byte, 2)
	if _, err := f.ReadAt(head, 0); err == nil && bytes.Equal(head, gzipMagic) {
		place, err := g.store.workplace()
		if err != nil {
			return nil, err
		}
		defer place.remove()
		z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<20))
		if err != nil {
			return nil, &Error{Reason: "the archive is damaged", Err: err}
		}
		spooled, err := g.spool(ctx, place, z)
		if err != nil {
			return nil, err
		}
		defer spooled.Close()
		f = spooled
	}
	index, err := indexTar(ctx, f, g.store.limits.Entries)
	if err != nil {
		return nil, err
	}
	return g.fromFiles(ctx, index, w, stamp)
}

// spool writes a stream to a file in the store, within the bounds.
func (g *getting) spool(ctx context.Context, place *workplace, r io.Reader) (_ *os.File, err error) {
	f, err := os.OpenFile(filepath.Join(place.dir, "archive.tar"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	g.meter.begin(Save, 0)
	defer g.meter.end()
	// An archive holds little besides the layers, compressed or not.
	limit := g.store.limits.Size + g.store.limits.Size/16 + 1<<20
	const portion = 64 << 20
	r = &metered{ctx, r, &g.meter}
	for total := int64(0); ; {
		if err := g.store.room(portion); err != nil {
			return nil, err
		}
		n, err := io.CopyN(f, r, min(portion, limit-total+1))
		total += n
		switch {
		case total > limit:
			return nil, g.tooLarge()
		case errors.Is(err, io.EOF):
			return f, nil
		case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, &Error{Reason: "the archive is damaged", Err: err}
		case err != nil:
			return nil, err
		}
	}
}

// fromFiles tells the two forms apart.
func (g *getting) fromFiles(ctx context.Context, f files, w where, stamp string) (*Image, error) {
	var src *source
	var err error
	switch {
	case !w.oci && w.kind == inArchive && f.has("manifest.json"):
		src, err = fromDocker(f, w.tag)
	case f.has("index.json"):
		src, err = fromLayout(ctx, f, w.tag, g.arch)
	default:
		err = refuse("docker save, podman save and skopeo copy write such files", "it holds neither manifest.json nor index.json: it is no image that was saved")
	}
	if err != nil {
		return nil, err
	}
	return g.provide(ctx, src, stamp)
}

// savedImage is an entry of what `docker save` writes as manifest.json.
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func fromDocker(f files, tag string) (*source, error) {
	data, err := readFile(f, "manifest.json", "", -1)
	if err != nil {
		return nil, err
	}
	var saved []savedImage
	if err := json.Unmarshal(data, &saved); err != nil {
		return nil, &Error{Reason: "manifest.json is not what docker save writes", Err: err}
	}
	chosen, err := chooseSaved(saved, tag)
	if err != nil {
		return nil, err
	}
	config, err := readFile(f, path.Clean(chosen.Config), "", -1)
	if err != nil {
		return nil, err
	}
	// The file is named for its digest, in either of the forms that there have been.
	named := strings.TrimSuffix(path.Base(chosen.Config), ".json")
	if _, err := digestHex("sha256:" + named); err == nil && digestOf(config) != "sha256:"+named {
		return nil, refuse("", "the configuration %s is damaged: its digest is %s", chosen.Config, digestOf(config))
	}
	var layers []layer
	for _, name := range chosen.Layers {
		layers = append(layers, fileLayer(f, path.Clean(name), "", -1))
	}
	return newSource("", config, layers)
}

func chooseSaved(saved []savedImage, tag string) (savedImage, error) {
	var there []string
	for _, s := range saved {
		if tag != "" && slices.ContainsFunc(s.RepoTags, func(t string) bool { return t == tag || strings.HasSuffix(t, "/"+tag) }) {
			return s, nil
		}
		there = append(there, s.RepoTags...)
	}
	switch {
	case len(saved) == 0:
		return savedImage{}, refuse("", "the archive is empty")
	case tag != "":
		return savedImage{}, refuse("", "the archive has no image %q; it has: %s", tag, strings.Join(there, ", "))
	case len(saved) > 1:
		return savedImage{}, refuse("name one: docker-archive:FILE:NAME", "the archive has %d images: %s", len(saved), strings.Join(there, ", "))
	}
	return saved[0], nil
}

// layoutBlobs implements [blobs] for an OCI layout.
type layoutBlobs struct{ files }

func (b layoutBlobs) document(_ context.Context, d v1.Descriptor) ([]byte, error) {
	name, err := blobName(d)
	if err != nil {
		return nil, err
	}
	return readFile(b, name, d.Digest.String(), d.Size)
}

func (b layoutBlobs) layer(d v1.Descriptor) layer {
	name, _ := blobName(d) // the digest has been checked
	return fileLayer(b, name, d.Digest.String(), d.Size)
}

func blobName(d v1.Descriptor) (string, error) {
	text, err := digestHex(d.Digest.String())
	if err != nil {
		return "", refuse("", "it refers to %q, which is no SHA-256 digest", d.Digest)
	}
	return "blobs/sha256/" + text, nil
}

const (
	tagAnnotation  = "org.opencontainers.image.ref.name"
	nameAnnotation = "io.containerd.image.name"
)

func fromLayout(ctx context.Context, f files, tag, arch string) (*source, error) {
	data, err := readFile(f, "index.json", "", -1)
	if err != nil {
		return nil, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(data))
	if err != nil {
		return nil, &Error{Reason: "index.json is not valid JSON", Err: err}
	}
	var there []string
	tagged := slices.DeleteFunc(slices.Clone(index.Manifests), func(d v1.Descriptor) bool {
		there = append(there, d.Annotations[tagAnnotation])
		return tag != d.Annotations[tagAnnotation] && tag != d.Annotations[nameAnnotation]
	})
	switch {
	case tag == "":
		tagged = index.Manifests
	case len(tagged) == 0:
		return nil, refuse("", "it has no image with the tag %q; it has: %s", tag, strings.Join(slices.DeleteFunc(there, func(t string) bool { return t == "" }), ", "))
	}
	if len(tagged) == 0 {
		return nil, refuse("", "index.json names no image")
	}
	first := tagged[0]
	if len(tagged) > 1 {
		different := slices.ContainsFunc(tagged, func(d v1.Descriptor) bool { return d.Platform == nil })
		if different {
			return nil, refuse("name one: oci:FOLDER:TAG or oci-archive:FILE:TAG", "it has %d images: %s", len(tagged), strings.Join(there, ", "))
		}
		if first, err = choose(tagged, arch); err != nil {
			return nil, err
		}
	}
	return fromDescriptor(ctx, layoutBlobs{f}, first, arch)
}

func fileLayer(f files, name, digest string, size int64) layer {
	return layer{digest: digest, size: size, open: func(context.Context) (io.ReadCloser, error) {
		r, n, err := f.open(name)
		if err == nil && size >= 0 && n != size {
			return nil, errors.Join(refuse("", "the layer %s has %d bytes, its manifest says %d", name, n, size), r.Close())
		}
		return r, err
	}}
}

func readFile(f files, name, digest string, size int64) (_ []byte, err error) {
	r, n, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if n > maxDocument {
		return nil, refuse("", "%s has %d bytes, more than %d", name, n, maxDocument)
	}
	return readDocument(r, name, digest, size)
}

// folder implements [files] for a folder.
type folder struct{ root *os.Root }

func (f folder) has(name string) bool {
	_, err := f.root.Stat(filepath.FromSlash(name))
	return err == nil
}

func (f folder) open(name string) (io.ReadCloser, int64, error) {
	file, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, 0, missingPart(name, err)
	}
	st, err := file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = refuse("", "%s is no file", name)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, st.Size(), nil
}

func missingPart(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return refuse("", "%s, which is a part of it, is not there", name)
	}
	return &Error{Reason: name + ", which is a part of it, cannot be read", Err: err}
}

// tarFiles implements [files] for a tar file that is not compressed.
type tarFiles struct {
	file    *os.File
	parts   map[string]part
	aliases map[string]string // links, by what they lead to
}

type part struct{ offset, size int64 }

// indexTar finds where the files of an archive lie.
func indexTar(ctx context.Context, f *os.File, most int) (*tarFiles, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	t := &tarFiles{file: f, parts: map[string]part{}, aliases: map[string]string{}}
	r := tar.NewReader(f) // which seeks over what nobody reads
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return t, nil
		case err != nil:
			return nil, &Error{Reason: "it is no tar archive, or damaged", Err: err}
		case n >= most:
			return nil, refuse("", "the archive has more than %d entries", most)
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			t.parts[name] = part{at, h.Size}
		case tar.TypeSymlink:
			t.aliases[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			t.aliases[name] = path.Clean(h.Linkname)
		}
	}
}

func (t *tarFiles) find(name string) (part, bool) {
	for range 8 { // links may lead to links, and in a circle
		if p, ok := t.parts[name]; ok {
			return p, true
		}
		name = t.aliases[name]
	}
	return part{}, false
}

func (t *tarFiles) has(name string) bool {
	_, ok := t.find(name)
	return ok
}

func (t *tarFiles) open(name string) (io.ReadCloser, int64, error) {
	p, ok := t.find(name)
	if !ok {
		return nil, 0, missingPart(name, os.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(t.file, p.offset, p.size)), p.size, nil
}
