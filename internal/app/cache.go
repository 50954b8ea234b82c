package app

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/artifact/image"
	"github.com/lambkin-dev/lambkin/internal/fsx"
)

// imagesFolder is the part of the cache that images are in.
const imagesFolder = "images"

// CachedImage is an image in the cache.
type CachedImage = image.Entry

// SizeText writes a number of bytes for people.
func SizeText(bytes int64) string { return image.SizeText(bytes) }

// CachePart is a folder or file of the cache that holds no images.
type CachePart struct {
	Name  string // by which it can be removed
	About string // what is in it
	Size  int64  // bytes
}

// CacheContents is what lambkin keeps.
type CacheContents struct {
	Dir    string // "" when this user has no cache
	Images []CachedImage
	Parts  []CachePart
	Limit  int64 // bytes that the images may take together
}

// parts says what is known of the cache's folders.
var parts = map[string]string{
	"dotnet": "client for .NET functions", "esbuild": "code made of TypeScript and for bundlers", "interpreters.json": "which interpreters there are",
	"java": "client for Java functions, and class archives", "layers": "compressed layers of images", "pycache": "compiled Python modules",
	"runtime": "bootstraps", "unfinished": "images that are being unpacked, or were when lambkin was killed",
}

// The parts that belong to images.
const (
	layersPart     = "layers"
	unfinishedPart = "unfinished"
)

// Images is the store of container images in the user's cache. LAMBKIN_CACHE_LIMIT
// in env says how many bytes it keeps.
func Images(env map[string]string) (*image.Store, error) {
	dir := fsx.CacheDir(env)
	if dir == "" {
		return nil, BadCall("set LAMBKIN_CACHE_DIR to a folder of yours", "there is no folder for caches, which images are kept in")
	}
	limit, err := parseSize(env["LAMBKIN_CACHE_LIMIT"])
	if err != nil {
		return nil, BadCall("write a size such as 20GB, 500MB or 8GiB", "LAMBKIN_CACHE_LIMIT is %q: %v", env["LAMBKIN_CACHE_LIMIT"], err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	return image.Open(filepath.Join(dir, imagesFolder), image.Limits{Cache: limit}), nil
}

// parseSize understands "20GB", "1.5 GiB" and plain bytes; "" is 0.
func parseSize(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	upper := strings.ToUpper(strings.TrimSpace(text))
	factor := 1.0
	for _, unit := range []struct {
		name   string
		factor float64
	}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"TIB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}} {
		if number, ok := strings.CutSuffix(upper, unit.name); ok {
			upper, factor = strings.TrimSpace(number), unit.factor
			break
		}
	}
	n, err := strconv.ParseFloat(upper, 64)
	switch {
	case err != nil || math.IsNaN(n):
		return 0, errors.New("that is no size")
	case n*factor < 1:
		return 0, errors.New("it has to be more than nothing")
	case n*factor > math.MaxInt64/2:
		return 0, errors.New("no disk has as much")
	}
	return int64(n * factor), nil
}

// Cache looks through what lambkin keeps.
func Cache(env map[string]string) (CacheContents, error) {
	store, err := Images(env)
	if err != nil {
		return CacheContents{}, err
	}
	held, err := store.Contents()
	if err != nil {
		return CacheContents{}, explain(err)
	}
	c := CacheContents{Dir: fsx.CacheDir(env), Images: held.Images, Limit: held.Limit}
	add := func(name string, size int64) {
		if size > 0 {
			c.Parts = append(c.Parts, CachePart{name, parts[name], size})
		}
	}
	add(layersPart, held.Layers)
	add(unfinishedPart, held.Rest)
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return CacheContents{}, explain(err)
	}
	for _, e := range entries {
		if e.Name() != imagesFolder && !strings.HasPrefix(e.Name(), ".") {
			add(e.Name(), image.Usage(filepath.Join(c.Dir, e.Name())))
		}
	}
	slices.SortFunc(c.Parts, func(a, b CachePart) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
}

// Removed is what was removed from the cache.
type Removed struct {
	Name string // as it was asked for, or as the cache calls it
	Size int64  // bytes
}

// CleanCache removes images, by name or digest, and parts of the cache. All
// removes everything; without names and all it removes what is kept for later only, and no
// image: layers and what killed processes have left. What is in use, or not
// there, stays, and is in the error, a *[Problem], after the rest is removed.
func CleanCache(env map[string]string, names []string, all bool) ([]Removed, error) {
	store, err := Images(env)
	if err != nil {
		return nil, err
	}
	c, err := Cache(env)
	if err != nil {
		return nil, err
	}
	k := cleaning{store: store, contents: c}
	switch {
	case all:
		for _, i := range c.Images {
			k.image(i, imageName(i))
		}
		for _, p := range c.Parts {
			k.part(p)
		}
	case len(names) == 0:
		for _, p := range c.Parts {
			if p.Name == layersPart || p.Name == unfinishedPart {
				k.part(p)
			}
		}
	}
	for _, name := range names {
		k.name(name)
	}
	if len(k.problems.List) > 0 {
		return k.removed, &k.problems
	}
	return k.removed, nil
}

// imageName is the name that an image is called by: the first, or its digest.
func imageName(i CachedImage) string {
	if len(i.Names) > 0 {
		return i.Names[0]
	}
	return i.ID
}

// cleaning is one call of CleanCache.
type cleaning struct {
	store    *image.Store
	contents CacheContents
	removed  []Removed
	problems Problem
}

func (k *cleaning) fail(hint, format string, args ...any) {
	k.problems.List = append(k.problems.List, BadCall(hint, format, args...).List...)
}

func (k *cleaning) done(name string, size int64, err error) {
	switch {
	case errors.Is(err, image.ErrInUse):
		k.fail("end what runs it, then try again", "image %s is in use", name)
	case err != nil:
		k.fail("", "removing %s: %v", name, err)
	default:
		k.removed = append(k.removed, Removed{name, size})
	}
}

func (k *cleaning) image(i CachedImage, name string) {
	size, err := k.store.Remove(i.ID)
	k.done(name, size, err)
}

func (k *cleaning) part(p CachePart) {
	size, err := p.Size, error(nil)
	switch p.Name {
	case layersPart:
		size, err = k.store.RemoveLayers()
	case unfinishedPart:
		if size = k.store.Sweep(); size == 0 {
			return // somebody is at work on it
		}
	default:
		err = os.RemoveAll(filepath.Join(k.contents.Dir, p.Name))
	}
	k.done(p.Name, size, err)
}

// name removes what a user means by a name. The beginning of a digest is enough.
func (k *cleaning) name(name string) {
	found := false
	for _, i := range k.contents.Images {
		digest := len(name) >= len("sha256:")+6 && (strings.HasPrefix(i.Digest, name) || strings.HasPrefix(i.ID, name))
		if digest || slices.Contains(i.Names, name) {
			k.image(i, name)
			found = true
		}
	}
	for _, p := range k.contents.Parts {
		if p.Name == name {
			k.part(p)
			found = true
		}
	}
	if !found {
		k.fail("lambkin cache lists what there is", "the cache has no %q", name)
	}
}
