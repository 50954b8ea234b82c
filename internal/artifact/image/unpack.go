package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// tooLarge is the refusal of what exceeds the limit of unpacked bytes.
func (g *getting) tooLarge() error {
	return tooLarge(g.store.limits.Size)
}

func tooLarge(limit int64) error {
	return refuse("", "the image holds more than %s, which is the most that one may", SizeText(limit))
}

// make unpacks an image and moves it to its place. It does nothing when
// somebody else has done so meanwhile. What it refuses leaves nothing behind.
func (g *getting) make(ctx context.Context, src *source) (err error) {
	there := func() bool {
		_, err := g.store.readMade(src.id)
		return err == nil
	}
	// Who uses an image that has been made meanwhile may do so for long.
	lock, err := g.wait(ctx, g.store.rootLock(src.id), false, there)
	if lock == nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Remove())
		} else {
			err = lock.Close()
		}
	}()
	if there() {
		return nil
	}
	if err := os.RemoveAll(g.store.root(src.id)); err != nil { // a record that cannot be read
		return err
	}
	g.store.Sweep()
	g.meter.manifest(src.digest)
	if err := g.download(ctx, src.layers); err != nil {
		g.store.forget(src.layers, err)
		return err
	}
	w, err := g.store.workplace()
	if err != nil {
		return err
	}
	defer w.remove()
	root := filepath.Join(w.dir, "rootfs")
	if err := g.unpack(ctx, src, root); err != nil {
		g.store.forget(src.layers, err)
		return err
	}
	cfg := src.config.Config
	data, err := json.Marshal(made{
		ID: src.id, Digest: src.digest, Architecture: src.config.Architecture, Entrypoint: cfg.Entrypoint, Command: cfg.Cmd,
		Env: cfg.Env, Dir: cfg.WorkingDir, User: cfg.User, Size: Usage(root),
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, "image.json"), data, 0o600)
	}
	if err != nil {
		return err
	}
	// The lock of the working place is outside of its folder, so that the folder can go.
	return os.Rename(w.dir, g.store.root(src.id))
}

// forget removes the layers of an image that is refused.
func (s *Store) forget(layers []layer, err error) {
	var refused *Error
	if !errors.As(err, &refused) {
		return
	}
	for _, l := range layers {
		if l.remote {
			_ = os.Remove(s.blob(l.digest)) // at worst it is found damaged again
		}
	}
}

// unpack makes the file system of an image in the folder dir.
func (g *getting) unpack(ctx context.Context, src *source, dir string) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	t, err := newTree(dir, g.store.limits, g.store.room)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	var total int64
	for _, l := range src.layers {
		total += max(l.size, 0)
	}
	g.meter.begin(Unpack, total)
	for i, l := range src.layers {
		if err := g.layer(ctx, t, l); err != nil {
			return inLayer(i, l, err)
		}
	}
	if err := t.mountPoints(); err != nil {
		return err
	}
	if err := t.setTimes(); err != nil {
		return err
	}
	g.meter.end()
	return nil
}

// inLayer names the layer that is refused.
func inLayer(i int, l layer, err error) error {
	label := l.label()
	label = label[:min(len(label), len("sha256:")+12)]
	var refused *Error
	if errors.As(err, &refused) {
		named := *refused
		named.Reason = fmt.Sprintf("layer %d (%s): %s", i+1, label, refused.Reason)
		return &named
	}
	return fmt.Errorf("unpacking layer %d (%s): %w", i+1, label, err)
}

// layer unpacks one layer over those before it.
func (g *getting) layer(ctx context.Context, t *tree, l layer) (err error) {
	open := l.open
	if l.remote {
		open = func(ctx context.Context) (io.ReadCloser, error) {
			f, err := os.Open(g.store.blob(l.digest))
			if !errors.Is(err, fs.ErrNotExist) {
				return f, err
			}
			// Somebody has made room meanwhile.
			if err := g.fetch(ctx, l); err != nil {
				return nil, err
			}
			return os.Open(g.store.blob(l.digest))
		}
	}
	stored, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stored.Close()) }()
	whole := newChecked(&metered{ctx, stored, &g.meter}, "the layer", l.digest, l.size)
	content, done, err := uncompressed(whole)
	if err != nil {
		return damaged(err)
	}
	defer done()
	early := newAhead(&bounded{content, &t.streamed, t.limits.Size})
	defer early.close()
	unpacked := newChecked(early, "the uncompressed layer", l.diffID, -1)
	if err := t.layer(ctx, unpacked); err != nil {
		return damaged(err)
	}
	// What follows the archive's end counts for the digests.
	if _, err := io.Copy(io.Discard, unpacked); err != nil {
		return damaged(err)
	}
	if _, err := io.Copy(io.Discard, whole); err != nil {
		return damaged(err)
	}
	return nil
}

// damaged puts what decompressors and archives say into the user's terms.
func damaged(err error) error {
	var refused *Error
	var path *os.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &refused), errors.As(err, &path), errors.As(err, &link),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, tar.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return &Error{Reason: "it is damaged", Err: err}
	}
	return &Error{Reason: "it cannot be unpacked", Err: err}
}

// uncompressed finds out by its beginning how a layer is compressed: what
// manifests say of it is not always so. The size of a window is bounded, and so
// is the memory.
func uncompressed(r io.Reader) (content io.Reader, done func(), err error) {
	b := bufio.NewReaderSize(r, 1<<18)
	head, err := b.Peek(len(zstdMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.Equal(head, zstdMagic):
		z, err := zstd.NewReader(b, zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}

// bounded reads no more of all layers than an image may hold.
type bounded struct {
	r     io.Reader
	read  *int64
	limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	*b.read += int64(n)
	if *b.read > b.limit {
		return 0, tooLarge(b.limit)
	}
	return n, err
}

// kindText names what an entry is that is no file, folder or link.
func kindText(kind byte) string {
	switch kind {
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeFifo:
		return "a named pipe"
	}
	return fmt.Sprintf("of a kind that is not known (%s)", strings.Trim(fmt.Sprintf("%q", rune(kind)), "'"))
}
