package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/artifact/image"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/sandbox/container"
)

// ImageOptions say which images functions run in, and how they are got.
type ImageOptions struct {
	// Runtime takes AWS's image for a function's runtime in the place of this
	// machine's interpreters. Containers always do.
	Runtime bool
	// Names are images in the place of AWS's, by a function's path, id or name;
	// the one for "" is for all others.
	Names map[string]string
	// Pull asks the registry even for what is here; SkipPull never asks it.
	Pull, SkipPull bool
	// Rebuild builds images anew that the project says how to build.
	Rebuild bool
}

// Progress is how far something is that may take its time.
type Progress struct {
	What  string // "fetching public.ecr.aws/lambda/nodejs:22"
	Done  int64  // bytes
	Total int64  // bytes, 0 when nobody knows
}

// images gets the images that functions run in.
type images struct {
	options Options
	where   isolation
	engine  func() (*container.Engine, error) // the machine's
	look    bool                              // build nothing, and ask no registry

	mu   sync.Mutex // guards what follows
	held []*image.Image
}

func newImages(ctx context.Context, o Options, where isolation) *images {
	return &images{
		options: o, where: where,
		engine: sync.OnceValues(func() (*container.Engine, error) {
			if where.engine != nil {
				return where.engine, nil
			}
			return container.Find(ctx, o.Env)
		}),
	}
}

// of is the image that fn runs in, nil for this machine's own programs.
func (m *images) of(ctx context.Context, fn *lambda.Function) (*sandbox.Image, error) {
	name := onDisk(fn.Code.ImageURI, filepath.Dir(fn.Source.File))
	if fn.PackageType != lambda.Image {
		if !m.options.Images.Runtime && m.where.engine == nil && m.named(fn) == "" {
			return nil, nil
		}
		name = cmp.Or(onDisk(m.named(fn), "."), baseImage(fn))
	}
	if !m.look && m.where.box.Name() == "process" {
		return nil, problem(InCall, diag.Diagnostic{
			Code: "isolation", Range: at(fn.SourceOf("Code")), Hint: "use --isolation namespace, or container",
			Summary: fmt.Sprintf("function %s runs in the image %s, which plain processes cannot", fn.Path, cmp.Or(name, "that is built for it")),
		})
	}
	if m.look {
		return m.known(ctx, fn, name)
	}
	built, err := m.build(ctx, fn, name)
	if err != nil {
		return nil, err
	}
	name = cmp.Or(built, name)
	if m.where.engine != nil {
		return m.inEngine(ctx, fn, name)
	}
	return m.unpacked(ctx, fn, name)
}

// prefixes begin the names of images that lie on this machine's disk.
var prefixes = []string{"oci:", "oci-archive:", "docker-archive:", ""}

// onDisk is the whole path of an image that lies on this machine's disk, by a path
// relative to dir; another name stays as it is.
func onDisk(name, dir string) string {
	for _, prefix := range prefixes {
		path, ok := strings.CutPrefix(name, prefix)
		if !ok || path == "" {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, filepath.FromSlash(path))
		}
		if prefix == "" && !isImage(path) {
			continue // a registry's name, which a folder may have, too
		}
		if path, err := filepath.Abs(path); err == nil {
			return prefix + path
		}
	}
	return name
}

// lies reports whether a name that onDisk has given is that of an image on disk.
func lies(name string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		path, ok := strings.CutPrefix(name, prefix)
		return ok && filepath.IsAbs(path)
	})
}

// isImage reports whether there is an archive, or a folder with an OCI layout.
func isImage(path string) bool {
	st, err := os.Stat(path)
	if err == nil && st.IsDir() {
		_, err = os.Stat(filepath.Join(path, "oci-layout"))
	}
	return err == nil
}

// known is an image as far as somebody here knows it.
func (m *images) known(ctx context.Context, fn *lambda.Function, name string) (*sandbox.Image, error) {
	if name == "" && fn.Image != nil && fn.Image.Build != nil {
		name = builtName(fn)
	}
	if engine, err := m.engine(); err == nil {
		if img, err := engine.Inspect(ctx, name); err == nil {
			return &img.Image, nil
		}
	}
	img, err := m.unpacked(ctx, fn, name)
	if err != nil {
		return nil, problem(InMachine, diag.Diagnostic{
			Code: "image", Summary: fmt.Sprintf("the variables of the image %s are missing: %v", name, err), Hint: "invoke the function once",
		})
	}
	return img, nil
}

// named is the image that the user has chosen for a function with code of its own.
func (m *images) named(fn *lambda.Function) string {
	for _, key := range []string{fn.Path, fn.ID, fn.LogicalID, fn.Name, ""} {
		if name := m.options.Images.Names[key]; name != "" {
			return name
		}
	}
	return ""
}

// baseImage is AWS's image for the function's runtime and architecture
// (https://gallery.ecr.aws/lambda).
func baseImage(fn *lambda.Function) string {
	var language, version string
	if rest, ok := strings.CutPrefix(fn.Runtime, "provided"); ok {
		language, version = "provided", cmp.Or(strings.TrimPrefix(rest, "."), "alami")
	} else if i := strings.IndexAny(fn.Runtime, "0123456789"); i >= 0 {
		language, version = fn.Runtime[:i], strings.TrimSuffix(fn.Runtime[i:], ".x")
	}
	if language == "dotnetcore" {
		language, version = "dotnet", "core"+version
	}
	return fmt.Sprintf("public.ecr.aws/lambda/%s:%s-%s", language, version, cmp.Or(fn.Architecture, "x86_64"))
}

// architecture is what images call the function's.
func architecture(fn *lambda.Function) string {
	if fn.Architecture == "arm64" {
		return "arm64"
	}
	return "amd64"
}

// ImageName is the image of a function that is one: what the project names, or
// what is built for it.
func ImageName(fn *lambda.Function) string {
	if fn.Code.ImageURI == "" && fn.Image != nil && fn.Image.Build != nil {
		return builtName(fn)
	}
	return fn.Code.ImageURI
}

// builtName is what `sam build` calls the image of a function.
func builtName(fn *lambda.Function) string {
	return strings.ToLower(fn.LogicalID) + ":" + cmp.Or(fn.Image.Build.Tag, "latest")
}

// build makes the function's image where the project says how, and it is not
// there or wanted anew. It returns the image's name, "" when there is nothing to build.
func (m *images) build(ctx context.Context, fn *lambda.Function, name string) (string, error) {
	if fn.PackageType != lambda.Image || fn.Image == nil || fn.Image.Build == nil {
		return "", nil
	}
	how := fn.Image.Build
	asset := filepath.Clean(how.Context) == filepath.Join(filepath.Dir(fn.Source.File), filepath.FromSlash(name))
	if name != "" && !asset && !m.options.Images.Rebuild {
		return "", nil // what `sam build` has built
	}
	engine, err := m.engine()
	if err != nil {
		return "", problem(InMachine, diag.Diagnostic{
			Code: "image-build", Range: at(how.Source), Summary: fmt.Sprintf("the image of function %s has to be built, which takes a container engine", fn.Path),
			Detail: err.Error(), Hint: "start one; or build the image elsewhere, and name it, or its archive, in ImageUri",
		})
	}
	name = builtName(fn)
	if _, err := engine.Inspect(ctx, name); err == nil && !m.options.Images.Rebuild {
		return name, nil
	}
	args := map[string]string{}
	for _, a := range how.Args {
		args[a.Name] = a.Value
	}
	m.progress(Progress{What: "building " + name})
	var log bytes.Buffer
	var out io.Writer = &log
	if m.options.Output != nil {
		out = m.options.Output
	}
	_, err = engine.Build(ctx, container.BuildSpec{
		Context: how.Context, Dockerfile: how.Dockerfile, Target: how.Target, Args: args, Tags: []string{name}, Platform: "linux/" + architecture(fn),
	}, out)
	if err != nil {
		return "", notBuilt(ctx, fn, err, log.String())
	}
	return name, nil
}

// notBuilt is the error of a build. The project is to be mended, unless the
// engine has gone.
func notBuilt(ctx context.Context, fn *lambda.Function, err error, log string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	kind := InProject
	if _, gone := errors.AsType[*container.Unreachable](err); gone {
		kind = InMachine
	}
	const most = 20 // lines of what the builder has printed
	lines := strings.SplitAfter(strings.TrimSpace(log), "\n")
	return problem(kind, diag.Diagnostic{
		Code: "image-build", Subject: fn.Path, Range: at(fn.Image.Build.Source), Summary: fmt.Sprintf("the image of function %s cannot be built: %v", fn.Path, err),
		Detail: strings.Join(lines[max(0, len(lines)-most):], ""),
	})
}

// inEngine is an image as the container engine knows it.
func (m *images) inEngine(ctx context.Context, fn *lambda.Function, name string) (*sandbox.Image, error) {
	engine := m.where.engine
	if lies(name) {
		return nil, m.failed(ctx, fn, &image.Error{
			Image: name, Reason: "it lies on this machine's disk, and a container engine runs what it has itself",
			Hint: "load it into the engine (docker load) and give its name, or use --isolation namespace",
		})
	}
	img, err := engine.Inspect(ctx, name)
	if (container.NotFound(err) || err == nil && m.options.Images.Pull) && !m.options.Images.SkipPull {
		m.progress(Progress{What: "pulling " + name})
		if err = engine.Pull(ctx, name, "linux/"+architecture(fn), image.Credentials, nil); err == nil {
			img, err = engine.Inspect(ctx, name)
		}
	}
	if err != nil {
		return nil, m.failed(ctx, fn, m.unknown(name, err))
	}
	out := img.Image
	out.Name = name
	return &out, nil
}

// unknown is the error of an image that the container engine does not have and
// has not got either.
func (m *images) unknown(name string, err error) error {
	if _, gone := errors.AsType[*container.Unreachable](err); gone {
		return err
	}
	out := &image.Error{Image: name, Reason: "the container engine at " + m.where.engine.Host + " does not have it and cannot pull it", Err: err}
	if m.options.Images.SkipPull {
		out.Reason, out.Hint = "the container engine does not have it, and --skip-pull-image keeps it from pulling it", "leave that option out, or pull or build the image: docker pull "+name
		out.Err = nil
	} else if inner := errors.Unwrap(err); inner != nil {
		out.Err = inner // without its name once more
	}
	return out
}

// unpacked is an image as a folder.
func (m *images) unpacked(ctx context.Context, fn *lambda.Function, name string) (*sandbox.Image, error) {
	store, err := Images(m.options.Env)
	if err != nil {
		return nil, err
	}
	said := ""
	o := image.Options{
		Architecture: architecture(fn), SkipPull: !m.options.Images.Pull, Offline: m.look || m.options.Images.SkipPull, Notice: m.options.Notice,
		Progress: func(p image.Progress) {
			if p.Digest != "" && said == "" {
				said = p.Digest
				m.options.Notice(fmt.Sprintf("image %s is %s", p.Name, p.Digest))
			}
			m.progress(Progress{What: fmt.Sprintf("%s: %s", p.Name, p.Phase), Done: p.Done, Total: p.Total})
		},
	}
	if fn.PackageType != lambda.Image {
		o.Architecture = runtime.GOARCH // code for any runs on this machine's, or says so itself
	}
	if engine, err := m.engine(); err == nil {
		o.Engine = savings(engine)
	}
	img, err := store.Get(ctx, name, o)
	if err != nil {
		return nil, m.failed(ctx, fn, err)
	}
	m.mu.Lock()
	m.held = append(m.held, img)
	m.mu.Unlock()
	if img.Architecture != runtime.GOARCH {
		return nil, problem(InMachine, diag.Diagnostic{
			Code: "image", Range: at(fn.SourceOf("Architectures")),
			Summary: fmt.Sprintf("the image %s is for %s, and this machine is %s", name, img.Architecture, runtime.GOARCH),
			Hint:    "use --isolation container with an engine that emulates it, or an image for both",
		})
	}
	return &sandbox.Image{
		Name: name, Digest: img.Digest, Root: img.Root,
		Entrypoint: img.Entrypoint, Command: img.Command, Env: img.Env, Dir: img.Dir, User: img.User,
	}, nil
}

// savings are an engine's images as the cache takes them.
func savings(engine *container.Engine) *image.Engine {
	missing := func(err error) error {
		if container.NotFound(err) {
			return image.ErrNotFound
		}
		return err
	}
	return &image.Engine{
		ID: func(ctx context.Context, name string) (string, error) {
			img, err := engine.Inspect(ctx, name)
			return img.ID, missing(err)
		},
		Save: func(ctx context.Context, name string) (io.ReadCloser, error) {
			r, err := engine.Save(ctx, name)
			return r, missing(err)
		},
	}
}

// failed is the error of an image that cannot be had.
func (m *images) failed(ctx context.Context, fn *lambda.Function, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	refused, ok := errors.AsType[*image.Error](err)
	if !ok {
		return err
	}
	d := diag.Diagnostic{Code: "image", Subject: fn.Path, Range: at(fn.SourceOf("Code")), Summary: refused.Error(), Hint: refused.Hint}
	switch {
	case d.Hint != "":
	case errors.Is(err, image.ErrOffline):
		d.Hint = "leave out --skip-pull-image once"
	case fn.PackageType == lambda.Image && m.where.engine != nil:
		d.Hint = "correct its name, sign in at its registry (docker login), or build it (docker build -t " + refused.Image + " .)"
	case fn.PackageType == lambda.Image && (filepath.IsAbs(refused.Image) || lies(refused.Image)):
		d.Hint = "save the image once more: docker save -o FILE NAME"
	case fn.PackageType == lambda.Image:
		d.Hint = "correct its name, sign in at its registry (docker login), or give a file that docker save has written"
	case m.where.engine != nil:
		d.Hint = "use --isolation namespace to run it with this machine's " + fn.Runtime
	default:
		d.Hint = "leave out --runtime-source image to run it with this machine's " + fn.Runtime
	}
	return problem(InMachine, d)
}

func (m *images) progress(p Progress) {
	if m.options.Progress != nil {
		m.options.Progress(p)
	}
}

// close lets go of the images.
func (m *images) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, img := range m.held {
		errs = append(errs, img.Release())
	}
	m.held = nil
	return errors.Join(errs...)
}
