// Package image fetches container images without a container engine and unpacks
// each into one folder, once: from registries, from folders and archives, and
// from what an engine hands out.
//
// The folder of a [Store] is
//
//	roots/ID/rootfs        an image's file system; ID is the digest of its configuration
//	roots/ID/image.json    what the configuration says, and the size
//	roots/ID.lock          held together by all who use the image, alone by who makes or removes it
//	names/KEY.json         which image a name meant when it was last asked for
//	blobs/DIGEST           compressed layers as a registry has sent them
//	tmp/NAME, NAME.lock    what is being made, as long as its maker lives
//
// All of it is made in tmp and moved to its place by one rename. What a killed
// process has left there, the next one removes, since locks end with their process.
package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/lambkin-dev/lambkin/internal/fsx"
)

// Limits bound what images may take. Zero values mean the defaults.
type Limits struct {
	// Size is the most bytes that all layers of an image may hold unpacked; the
	// default is AWS's limit, 10 GiB.
	Size int64
	// Entries is the most files, folders and links of all layers; the default is 500,000.
	Entries int
	// Cache is how many bytes the store keeps; the default is 20 GiB. Images in use may exceed it.
	Cache int64
}

// The defaults of [Limits], and bounds that nobody needs to change.
const (
	defaultSize    = 10 << 30
	defaultEntries = 500_000
	defaultCache   = 20 << 30

	maxLayers   = 200     // Docker's own limit is 127
	maxDocument = 8 << 20 // of manifests and configurations, in bytes
	maxPath     = 4096
	maxName     = 255
	// reserve is how many bytes of the disk stay free.
	reserve = 256 << 20
)

func (l Limits) orDefaults() Limits {
	if l.Size <= 0 {
		l.Size = defaultSize
	}
	if l.Entries <= 0 {
		l.Entries = defaultEntries
	}
	if l.Cache <= 0 {
		l.Cache = defaultCache
	}
	return l
}

// Store keeps images in a folder. Its methods may be called from several
// goroutines, and several processes may have the folder open.
type Store struct {
	dir    string
	limits Limits
}

// Open returns the store in the folder dir, an absolute path. Nothing is made
// before the first image is.
func Open(dir string, limits Limits) *Store {
	return &Store{dir: dir, limits: limits.orDefaults()}
}

// Options say how an image is found. The zero value asks the registry for the
// image of this machine's architecture.
type Options struct {
	// Architecture is chosen where there are several: "amd64" or "arm64", ""
	// for this machine's.
	Architecture string
	// SkipPull takes what the name meant the last time, when the cache has that,
	// and asks the registry only for what is not here. Offline never asks it.
	SkipPull, Offline bool
	// Engine is asked before the registry, nil for none.
	Engine *Engine
	// Progress hears how far the image is, at most ten times a second and when
	// a phase begins and ends, from one goroutine at a time. It may be nil.
	Progress func(Progress)
	// Notice takes remarks for the user. It may be nil.
	Notice func(string)
}

// Engine is a container engine, as far as images are taken from it.
type Engine struct {
	// ID returns a name that changes when the image behind ref does, so that it
	// is saved once only. It returns [ErrNotFound] when the engine has no such
	// image. Nil saves the image each time.
	ID func(ctx context.Context, ref string) (string, error)
	// Save returns the image as `docker save` writes it, or [ErrNotFound].
	Save func(ctx context.Context, ref string) (io.ReadCloser, error)
}

// ErrNotFound is what an [Engine] returns for an image that it does not have.
var ErrNotFound = errors.New("there is no such image")

// Phase is a part of getting an image.
type Phase string

// The phases, in their order. Sources that lie on this machine have no [Download].
const (
	Wait     Phase = "wait"     // somebody else makes the same image
	Save     Phase = "save"     // the engine hands it out; the total is not known
	Download Phase = "download" // layers come from a registry
	Unpack   Phase = "unpack"   // layers are unpacked; bytes count as they are stored
)

// Progress is how far an image is.
type Progress struct {
	Name   string // as in [Store.Get]
	Digest string // of the manifest, "" when there is none
	Phase  Phase
	Done   int64 // bytes
	Total  int64 // bytes, 0 when not known
}

// Image is an unpacked image. It stays as it is until Release.
type Image struct {
	Name   string // as it was asked for
	Digest string // of its manifest, "sha256:…"; "" when it came without one, as from `docker save`
	ID     string // the digest of its configuration, "sha256:…", which stands for all of its content
	Root   string // the folder with its file system, which nobody may write to
	// Architecture is "amd64" or "arm64", whatever was asked for: an image that
	// there is for one architecture only is taken as it is.
	Architecture string

	Entrypoint, Command []string
	Env                 []string // NAME=value
	Dir                 string   // working folder, "" for none
	User                string   // "" for none

	lock *fsx.Lock
}

// Release says that the image is not used any more: it may be removed from now on.
func (i *Image) Release() error {
	if i.lock == nil {
		return nil
	}
	lock := i.lock
	i.lock = nil
	return lock.Close()
}

// ErrOffline is behind the error of an image that only a registry could give.
var ErrOffline = errors.New("its registry is not to be asked")

// Error says why there is no image, in the user's terms.
type Error struct {
	Image  string // as it was asked for
	Reason string
	Hint   string // what to do, "" when nobody knows
	Err    error  // behind it, or nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("image %q: %s: %v", e.Image, e.Reason, e.Err)
	}
	return fmt.Sprintf("image %q: %s", e.Image, e.Reason)
}

func (e *Error) Unwrap() error { return e.Err }

// refuse makes an Error without the image's name, which Get puts in.
func refuse(hint, format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...), Hint: hint}
}

// Get returns the image that name means, and unpacks it when it is not there
// yet. The caller releases it. A name is a registry's ("public.ecr.aws/lambda/nodejs:22"),
// "oci:FOLDER[:TAG]", "oci-archive:FILE[:TAG]", "docker-archive:FILE[:NAME]",
// or the path of such a folder or file.
//
// A registry's name is looked up in the engine first, then asked of the
// registry. When the registry cannot be reached, what the name meant the last
// time is taken. Errors that the user can mend are of type *[Error]; when ctx
// ends, its error is returned and nothing is left half made.
func (s *Store) Get(ctx context.Context, name string, o Options) (*Image, error) {
	g := &getting{store: s, name: name, options: o, arch: o.Architecture, meter: meter{name: name, report: o.Progress}}
	if g.arch == "" {
		g.arch = runtime.GOARCH
	}
	img, err := g.get(ctx)
	if err == nil {
		return img, nil
	}
	if cause := ctx.Err(); cause != nil {
		return nil, cause
	}
	return nil, g.named(err)
}

// named puts the image's name into an error.
func (g *getting) named(err error) error {
	var refused *Error
	switch {
	case !errors.As(err, &refused):
		return fmt.Errorf("getting image %q: %w", g.name, err)
	case refused.Image != "":
		return err
	}
	named := *refused
	named.Image = g.name
	return &named
}

// getting is one call of Get.
type getting struct {
	store   *Store
	name    string
	arch    string
	options Options
	meter   meter
}

func (g *getting) notice(format string, args ...any) {
	if g.options.Notice != nil {
		g.options.Notice(fmt.Sprintf(format, args...))
	}
}

func (g *getting) get(ctx context.Context) (*Image, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w, err := parseName(g.name)
	if err != nil {
		return nil, err
	}
	if err := g.store.prepare(); err != nil {
		return nil, err
	}
	if w.kind != inRegistry {
		return g.fromFile(ctx, w)
	}
	if g.options.Engine != nil {
		if img, err := g.fromEngine(ctx); !errors.Is(err, ErrNotFound) {
			return img, err
		}
	}
	if g.options.SkipPull || g.options.Offline || w.pinned() {
		if img, err := g.known(ctx, func(record) bool { return true }); img != nil || err != nil {
			return img, err
		}
	}
	if g.options.Offline {
		return nil, &Error{Reason: "it is not here", Err: ErrOffline}
	}
	return g.fromRegistry(ctx, w)
}

// known returns what the name meant when it was last asked for, nil when that is
// not there any more or is not what is wanted.
func (g *getting) known(ctx context.Context, wanted func(record) bool) (*Image, error) {
	r, ok := g.store.recall(g.name, g.arch)
	if !ok || !wanted(r) {
		return nil, nil
	}
	img, err := g.use(ctx, r.ID)
	if err != nil || img == nil {
		return nil, err
	}
	img.Digest = r.Digest
	return img, nil
}

// use returns the image of that ID when it is there, nil otherwise. It waits for who makes it.
func (g *getting) use(ctx context.Context, id string) (*Image, error) {
	lock, err := g.wait(ctx, g.store.rootLock(id), true, nil)
	if err != nil {
		return nil, err
	}
	m, err := g.store.readMade(id)
	if err != nil {
		var path *os.PathError
		if errors.Is(err, fs.ErrNotExist) || !errors.As(err, &path) {
			err = nil // it is missing, or not what was written: it is made anew
		}
		return nil, errors.Join(err, lock.Close())
	}
	now := time.Now()
	_ = os.Chtimes(g.store.madeFile(id), now, now) // at worst it is removed earlier than others
	return &Image{
		Name: g.name, Digest: m.Digest, ID: m.ID, Root: filepath.Join(g.store.root(id), "rootfs"), Architecture: m.Architecture,
		Entrypoint: m.Entrypoint, Command: m.Command, Env: m.Env, Dir: m.Dir, User: m.User, lock: lock,
	}, nil
}

// provide returns the image of a source, and makes it when it is not there.
func (g *getting) provide(ctx context.Context, src *source, stamp string) (*Image, error) {
	unpacked := false
	for range 5 { // somebody may remove it between making and using
		img, err := g.use(ctx, src.id)
		if err != nil {
			return nil, err
		}
		if img != nil {
			img.Digest = src.digest
			g.store.remember(record{Name: g.name, Architecture: g.arch, ID: src.id, Digest: src.digest, Stamp: stamp})
			if unpacked {
				g.store.evict(img.ID)
			}
			return img, nil
		}
		if err := g.make(ctx, src); err != nil {
			return nil, err
		}
		unpacked = true
	}
	return nil, refuse("", "it is removed from the cache as often as it is unpacked")
}

// wait takes a lock as soon as it is free. When over is not nil and says that
// there is nothing to wait for any more, it returns nil instead.
func (g *getting) wait(ctx context.Context, name string, shared bool, over func() bool) (*fsx.Lock, error) {
	for first := true; ; first = false {
		lock, err := fsx.TryLock(name, shared)
		if !errors.Is(err, fsx.ErrLocked) {
			return lock, err
		}
		if over != nil && over() {
			return nil, nil
		}
		if first {
			g.meter.begin(Wait, 0)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(30 * time.Millisecond):
		}
	}
}
