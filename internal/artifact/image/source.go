package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// source is an image before it is unpacked, wherever it comes from.
type source struct {
	digest string // of the manifest, "" without one
	id     string // of the configuration
	config *v1.ConfigFile
	layers []layer
}

// layer is a part of a source.
type layer struct {
	digest string // of what open returns, "" when it is not known
	size   int64  // of what open returns, -1 when it is not known
	diffID string // the digest of what is in it, uncompressed
	open   func(ctx context.Context) (io.ReadCloser, error)
	// remote layers go through the cache.
	remote bool
}

// label names a layer in messages.
func (l layer) label() string {
	if l.digest != "" {
		return l.digest
	}
	return l.diffID
}

// newSource checks what a manifest and a configuration say of each other.
func newSource(digest string, config []byte, layers []layer) (*source, error) {
	cfg, err := v1.ParseConfigFile(bytes.NewReader(config))
	if err != nil {
		return nil, &Error{Reason: "its configuration is not valid JSON", Err: err}
	}
	switch {
	case cfg.OS != "" && cfg.OS != "linux":
		return nil, refuse("Lambda's images are Linux's", "it is an image for %s", cfg.OS)
	case len(cfg.RootFS.DiffIDs) != len(layers):
		return nil, refuse("", "its configuration names %d layers, its manifest %d", len(cfg.RootFS.DiffIDs), len(layers))
	case len(layers) > maxLayers:
		return nil, refuse("", "it has %d layers, more than %d", len(layers), maxLayers)
	}
	for i, id := range cfg.RootFS.DiffIDs {
		if _, err := digestHex(id.String()); err != nil {
			return nil, refuse("", "its configuration names a layer %q, which is no SHA-256 digest", id)
		}
		layers[i].diffID = id.String()
	}
	return &source{digest: digest, id: digestOf(config), config: cfg, layers: layers}, nil
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// digestHex returns the second part of a SHA-256 digest, which is fit to be a file's name.
func digestHex(digest string) (string, error) {
	text, ok := strings.CutPrefix(digest, "sha256:")
	if _, err := hex.DecodeString(text); !ok || err != nil || len(text) != 2*sha256.Size || text != strings.ToLower(text) {
		return "", fmt.Errorf("%q is no SHA-256 digest", digest)
	}
	return text, nil
}

// blobs is where an image's parts are found by their digests.
type blobs interface {
	// document reads a small part whole; its digest has been checked.
	document(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// layer makes the layer that d describes; open has not been called.
	layer(d v1.Descriptor) layer
}

// fromDescriptor follows a descriptor, over indexes, to the image for arch.
func fromDescriptor(ctx context.Context, b blobs, d v1.Descriptor, arch string) (*source, error) {
	for range 4 {
		data, err := b.document(ctx, d)
		if err != nil {
			return nil, err
		}
		if !isIndex(d.MediaType, data) {
			return fromManifest(ctx, b, digestOf(data), data)
		}
		index, err := v1.ParseIndexManifest(bytes.NewReader(data))
		if err != nil {
			return nil, &Error{Reason: "its index is not valid JSON", Err: err}
		}
		if d, err = choose(index.Manifests, arch); err != nil {
			return nil, err
		}
	}
	return nil, refuse("", "its indexes lead to indexes without an end")
}

// isIndex looks into the document where the media type does not tell.
func isIndex(mediaType types.MediaType, data []byte) bool {
	if mediaType.IsIndex() || mediaType.IsImage() {
		return mediaType.IsIndex()
	}
	var parts map[string]json.RawMessage
	return json.Unmarshal(data, &parts) == nil && parts["manifests"] != nil && parts["layers"] == nil
}

func fromManifest(ctx context.Context, b blobs, digest string, data []byte) (*source, error) {
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return nil, &Error{Reason: "its manifest is not valid JSON", Err: err}
	}
	if m.SchemaVersion == 1 {
		return nil, refuse("push it again with a current docker, podman or buildah", "its manifest is of the old schema 1")
	}
	config, err := b.document(ctx, m.Config)
	if err != nil {
		return nil, err
	}
	var layers []layer
	for _, d := range m.Layers {
		if _, err := digestHex(d.Digest.String()); err != nil || d.Size < 0 {
			return nil, refuse("", "its manifest names a layer %q of %d bytes", d.Digest, d.Size)
		}
		layers = append(layers, b.layer(d))
	}
	return newSource(digest, config, layers)
}

// choose returns the image for arch of those that there are. Without any
// platform named, the only one is meant.
func choose(manifests []v1.Descriptor, arch string) (v1.Descriptor, error) {
	var there []string
	for _, d := range manifests {
		p := d.Platform
		switch {
		case p == nil && len(manifests) == 1:
			return d, nil
		case p == nil || p.OS == "unknown": // attestations
			continue
		case p.OS == "linux" && p.Architecture == arch:
			return d, nil
		}
		there = append(there, p.OS+"/"+p.Architecture)
	}
	slices.Sort(there)
	has := strings.Join(slices.Compact(there), ", ")
	if has == "" {
		has = "none that name a platform"
	}
	return v1.Descriptor{}, refuse("set the function's Architectures to one that the image has, or build the image for both", "there is none for linux/%s; there are: %s", arch, has)
}

// checked reads what has to have a digest and a size, and says at its end when
// it has not. It reads no more than the size.
type checked struct {
	r      io.Reader
	what   string
	digest string // "" when it is not known
	size   int64  // -1 when it is not known
	sum    hash.Hash
	n      int64
	end    error // what every read after the end returns: who reads whole blocks may pass over the first
}

func newChecked(r io.Reader, what, digest string, size int64) *checked {
	return &checked{r: r, what: what, digest: digest, size: size, sum: sha256.New()}
}

func (c *checked) Read(p []byte) (int, error) {
	if c.end != nil {
		return 0, c.end
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	_, _ = c.sum.Write(p[:n]) // hashes take all
	if c.size >= 0 && c.n > c.size {
		n, err = 0, refuse("", "%s has more than the %d bytes that its manifest says", c.what, c.size)
	} else if errors.Is(err, io.EOF) {
		err = c.verdict()
	}
	c.end = err
	return n, err
}

// verdict is io.EOF when all is well.
func (c *checked) verdict() error {
	if c.size >= 0 && c.n != c.size {
		return refuse("", "%s has %d bytes, its manifest says %d", c.what, c.n, c.size)
	}
	if got := "sha256:" + hex.EncodeToString(c.sum.Sum(nil)); c.digest != "" && got != c.digest {
		return refuse("", "%s is damaged or not what it claims to be: its digest is %s", c.what, got)
	}
	return io.EOF
}

// readDocument reads a small part and checks it.
func readDocument(r io.Reader, what, digest string, size int64) ([]byte, error) {
	if size > maxDocument {
		return nil, refuse("", "%s has %d bytes, more than %d", what, size, maxDocument)
	}
	data, err := io.ReadAll(io.LimitReader(newChecked(r, what, digest, size), maxDocument+1))
	if err == nil && len(data) > maxDocument {
		return nil, refuse("", "%s has more than %d bytes", what, maxDocument)
	}
	return data, err
}
