package container

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Image is an image that an engine has.
type Image struct {
	sandbox.Image
	OS, Architecture string // "linux", "amd64"
}

// Auth says how to sign in at a registry: "public.ecr.aws", "docker.io". A user
// "<token>" has an identity token for a secret; "" is nobody, who pulls what is
// public.
type Auth func(ctx context.Context, registry string) (user, secret string, err error)

// Inspect says what the engine knows of an image, by its name or id. An error
// for which [NotFound] holds means that the engine does not have it.
func (e *Engine) Inspect(ctx context.Context, name string) (Image, error) {
	var said struct {
		ID               string
		RepoDigests      []string
		Os, Architecture string
		Config           struct {
			Entrypoint, Cmd, Env []string
			WorkingDir, User     string
		}
	}
	if err := e.ask(ctx, request{method: http.MethodGet, path: "/images/" + name + "/json"}, &said); err != nil {
		return Image{}, err
	}
	img := Image{OS: said.Os, Architecture: said.Architecture, Image: sandbox.Image{
		Name: name, ID: said.ID, Entrypoint: said.Config.Entrypoint, Command: said.Config.Cmd,
		Env: said.Config.Env, Dir: said.Config.WorkingDir, User: said.Config.User,
	}}
	repository := split(name).repository
	for _, digest := range said.RepoDigests {
		if where, sum, ok := strings.Cut(digest, "@"); ok && (img.Digest == "" || split(where).repository == repository) {
			img.Digest = sum
		}
	}
	return img, nil
}

// Pull gets an image from its registry. platform is "linux/amd64" or the
// like, "" for the engine's own; auth may be nil. What the engine says of its
// progress goes to progress, line by line, unless that is nil.
func (e *Engine) Pull(ctx context.Context, name, platform string, auth Auth, progress io.Writer) error {
	ref := split(name)
	header := http.Header{}
	if auth != nil {
		user, secret, err := auth(ctx, ref.registry)
		if err != nil {
			return fmt.Errorf("signing in at %s: %w", ref.registry, err)
		}
		if user != "" || secret != "" {
			value, err := registryAuth(ref.registry, user, secret)
			if err != nil {
				return err
			}
			header.Set("X-Registry-Auth", value)
		}
	}
	query := url.Values{"fromImage": {ref.name}, "tag": {ref.version}}
	if platform != "" {
		query.Set("platform", platform)
	}
	res, err := e.do(ctx, request{method: http.MethodPost, path: "/images/create", query: query, header: header})
	if err == nil {
		defer res.Body.Close()
		_, err = report(res.Body, progress)
	}
	if err != nil {
		return fmt.Errorf("pulling %s: %w", name, err)
	}
	return nil
}

func registryAuth(registry, user, secret string) (string, error) {
	server := registry
	if registry == "docker.io" {
		server = "https://index.docker.io/v1/" // what this one goes by
	}
	fields := map[string]string{"username": user, "password": secret, "serveraddress": server}
	if user == "<token>" {
		fields = map[string]string{"identitytoken": secret, "serveraddress": server}
	}
	data, err := json.Marshal(fields)
	return base64.URLEncoding.EncodeToString(data), err
}

// Save is an image as `docker save` writes it, a tar archive. The caller closes it.
func (e *Engine) Save(ctx context.Context, name string) (io.ReadCloser, error) {
	res, err := e.do(ctx, request{method: http.MethodGet, path: "/images/" + name + "/get"})
	if err != nil {
		return nil, fmt.Errorf("saving the image %s: %w", name, err)
	}
	return res.Body, nil
}

// Remove removes an image, or only its name where it has others.
func (e *Engine) Remove(ctx context.Context, name string) error {
	if err := e.ask(ctx, request{method: http.MethodDelete, path: "/images/" + name}, nil); err != nil {
		return fmt.Errorf("removing the image %s: %w", name, err)
	}
	return nil
}

// reference is an image's name, taken apart.
type reference struct {
	registry   string // "docker.io" where the name has none
	repository string // with the registry, written out
	name       string // as given, without version
	version    string // tag or digest, "latest" where the name has none
}

func split(name string) reference {
	r := reference{name: name, version: "latest"}
	if before, digest, ok := strings.Cut(name, "@"); ok {
		r.name, r.version = before, digest
	}
	// A colon before a slash is a port's.
	if i := strings.LastIndexByte(r.name, ':'); i > strings.LastIndexByte(r.name, '/') {
		if r.version == "latest" {
			r.version = r.name[i+1:]
		}
		r.name = r.name[:i]
	}
	first, rest, ok := strings.Cut(r.name, "/")
	switch {
	case ok && (strings.ContainsAny(first, ".:") || first == "localhost"):
		r.registry, r.repository = first, r.name
		if first == "index.docker.io" {
			r.registry, r.repository = "docker.io", "docker.io/"+rest
		}
	case ok:
		r.registry, r.repository = "docker.io", "docker.io/"+r.name
	default:
		r.registry, r.repository = "docker.io", "docker.io/library/"+r.name
	}
	return r
}

// report reads what an engine says of what it does, to its end: lines for
// progress, the id of an image that it made, and its error.
func report(in io.Reader, progress io.Writer) (id string, err error) {
	if progress == nil {
		progress = io.Discard
	}
	line := "" // a step that is not said to its end
	for decoder := json.NewDecoder(in); ; {
		var said struct {
			Stream, Status, ID, Progress, Error string
			ProgressDetail                      struct{ Current, Total int64 }
			ErrorDetail                         struct{ Message string }
			Aux                                 struct{ ID string }
		}
		if err := decoder.Decode(&said); errors.Is(err, io.EOF) {
			return id, nil
		} else if err != nil {
			return id, fmt.Errorf("the container engine has stopped in the middle: %w", err)
		}
		switch {
		case said.Error != "":
			return id, errors.New(strings.TrimSpace(said.Error))
		case said.Aux.ID != "":
			id = said.Aux.ID
		case said.Stream != "":
			_, _ = io.WriteString(progress, said.Stream) // nobody listening is no error of the work
		case said.Status != "" && said.ProgressDetail.Total == 0:
			text := said.Status
			if said.ID != "" {
				text = said.ID + ": " + text
			}
			if text != line {
				_, _ = fmt.Fprintln(progress, text)
			}
			line = text
		}
	}
}
