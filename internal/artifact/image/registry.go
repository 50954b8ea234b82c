package image

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// parallel is how many layers are fetched at a time.
	parallel = 3
	// silence is for how long a registry may send nothing of a layer.
	silence = time.Minute
	// tries is how often a layer is asked for that breaks off.
	tries = 3
)

// fromRegistry asks the registry what the name means, and gets that.
func (g *getting) fromRegistry(ctx context.Context, w where) (*Image, error) {
	r := newRepository(w.ref)
	defer r.close()
	first, err := r.resolve(ctx)
	if err != nil {
		err = explain(ctx, w.ref, err)
		if !passing(err) {
			return nil, err
		}
		img, none := g.known(ctx, func(record) bool { return true })
		if img == nil || none != nil {
			return nil, errors.Join(err, none)
		}
		g.notice("%v; the copy in the cache is used", g.named(err))
		return img, nil
	}
	// What was unpacked before needs no further look.
	stamp := digestOf(first.Data)
	img, err := g.known(ctx, func(rec record) bool { return rec.Stamp == stamp })
	if img != nil || err != nil {
		return img, err
	}
	src, err := fromDescriptor(ctx, r, first, g.arch)
	if err != nil {
		return nil, explain(ctx, w.ref, err)
	}
	if img, err = g.provide(ctx, src, stamp); err != nil {
		return nil, explain(ctx, w.ref, err)
	}
	return img, nil
}

// repository is one of a registry, for one image. It implements [blobs].
type repository struct {
	ref       name.Reference
	transport *http.Transport

	mu     sync.Mutex
	client *http.Client // nil before the first request
}

func newRepository(ref name.Reference) *repository {
	return &repository{ref: ref, transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: silence,
		IdleConnTimeout:       30 * time.Second,
	}}
}

func (r *repository) close() { r.transport.CloseIdleConnections() }

// login finds out how the registry wants to be spoken to, and with which credentials.
func (r *repository) login(ctx context.Context) (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	repo := r.ref.Context()
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, repo)
	if err != nil {
		return nil, &Error{Reason: fmt.Sprintf("the login for %s cannot be read from Docker's configuration", repo.RegistryStr()), Hint: "check config.json in ~/.docker or DOCKER_CONFIG, and the credential helper that it names", Err: err}
	}
	again := transport.NewRetry(guarded{r.transport},
		transport.WithRetryBackoff(transport.Backoff{Duration: 500 * time.Millisecond, Factor: 3, Jitter: 0.1, Steps: tries}),
		transport.WithRetryPredicate(func(err error) bool {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
		}),
		transport.WithRetryStatusCodes(http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout))
	t, err := transport.NewWithContext(ctx, repo.Registry, auth, transport.NewUserAgent(again, "lambkin"), []string{repo.Scope(transport.PullScope)})
	if err != nil {
		return nil, err
	}
	r.client = &http.Client{Transport: t}
	return r.client, nil
}

// guarded keeps requests without TLS on this machine, wherever a registry or
// who hands out its tokens sends them.
type guarded struct{ next http.RoundTripper }

// errPlain is the refusal of [guarded].
var errPlain = errors.New("without TLS only registries on this machine are asked")

// RoundTrip implements [http.RoundTripper].
func (t guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !loopback(req.URL.Hostname()) {
		return nil, fmt.Errorf("asking %s: %w", req.URL.Host, errPlain)
	}
	return t.next.RoundTrip(req)
}

// get asks for a part of the repository.
func (r *repository) get(ctx context.Context, kind, which string, accept ...string) (*http.Response, error) {
	client, err := r.login(ctx)
	if err != nil {
		return nil, err
	}
	repo := r.ref.Context()
	address := url.URL{Scheme: repo.Scheme(), Host: repo.RegistryStr(), Path: "/v2/" + repo.RepositoryStr() + "/" + kind + "/" + which}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	if len(accept) > 0 {
		req.Header.Set("Accept", strings.Join(accept, ","))
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, redacted(err)
	}
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	return resp, nil
}

// redacted takes what follows the path out of an error's address: registries
// send to addresses that are passwords.
func redacted(err error) error {
	var at *url.Error
	if !errors.As(err, &at) {
		return err
	}
	address, parsed := url.Parse(at.URL)
	if parsed != nil {
		return at.Err
	}
	address.RawQuery, address.User = "", nil
	return &url.Error{Op: at.Op, URL: address.String(), Err: at.Err}
}

// resolve reads the manifest or index that the reference means.
func (r *repository) resolve(ctx context.Context) (v1.Descriptor, error) {
	want := ""
	if pinned, ok := r.ref.(name.Digest); ok {
		want = pinned.DigestStr()
	}
	return r.manifest(ctx, r.ref.Identifier(), want, -1)
}

func (r *repository) manifest(ctx context.Context, which, digest string, size int64) (v1.Descriptor, error) {
	resp, err := r.get(ctx, "manifests", which, string(types.OCIImageIndex), string(types.DockerManifestList), string(types.OCIManifestSchema1), string(types.DockerManifestSchema2))
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer resp.Body.Close()
	data, err := readDocument(resp.Body, "the manifest "+which, digest, size)
	if err != nil {
		return v1.Descriptor{}, err
	}
	media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return v1.Descriptor{MediaType: types.MediaType(media), Data: data}, nil
}

func (r *repository) document(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if d.Digest.Hex == "" && d.Data != nil {
		return d.Data, nil // what resolve has read
	}
	digest := d.Digest.String()
	what := "the document " + digest
	if _, err := digestHex(digest); err != nil {
		return nil, refuse("", "it refers to %q, which is no SHA-256 digest", digest)
	}
	if d.MediaType.IsIndex() || d.MediaType.IsImage() {
		m, err := r.manifest(ctx, digest, digest, d.Size)
		return m.Data, err
	}
	resp, err := r.get(ctx, "blobs", digest)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return readDocument(resp.Body, what, digest, d.Size)
}

func (r *repository) layer(d v1.Descriptor) layer {
	digest := d.Digest.String()
	return layer{digest: digest, size: d.Size, remote: true, open: func(ctx context.Context) (io.ReadCloser, error) {
		// Whoever sends nothing for too long is given up.
		ctx, cancel := context.WithCancelCause(ctx)
		timer := time.AfterFunc(silence, func() { cancel(fmt.Errorf("nothing has come for %v", silence)) })
		resp, err := r.get(ctx, "blobs", digest)
		if err != nil {
			timer.Stop()
			cancel(nil)
			return nil, err
		}
		return &impatient{resp.Body, ctx, cancel, timer}, nil
	}}
}

// impatient ends a body that has stopped coming.
type impatient struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (r *impatient) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && r.ctx.Err() != nil {
		err = context.Cause(r.ctx)
	}
	r.timer.Reset(silence)
	return n, err
}

func (r *impatient) Close() error {
	r.timer.Stop()
	r.cancel(nil)
	return r.ReadCloser.Close()
}

// passing reports whether a registry has said nothing of the image: it was not
// reached, is out of order, or the login has run out, as Amazon's do in hours.
func passing(err error) bool {
	var refused *Error
	if !errors.As(err, &refused) || refused.Err == nil {
		return false
	}
	var (
		status  *transport.Error
		network net.Error
	)
	if errors.As(refused.Err, &status) {
		code := status.StatusCode
		return code >= http.StatusInternalServerError || code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusTooManyRequests
	}
	return errors.As(refused.Err, &network)
}

// explain puts what a registry or the network has said into the user's terms.
func explain(ctx context.Context, ref name.Reference, err error) error {
	var (
		refused   *Error
		status    *transport.Error
		untrusted *tls.CertificateVerificationError
		network   *url.Error
		lookup    *net.DNSError
		path      *os.PathError
		host      = ref.Context().RegistryStr()
	)
	switch {
	case ctx.Err() != nil, errors.As(err, &refused), errors.As(err, &path):
		return err
	case errors.As(err, &status):
		return explainStatus(host, ref, status)
	case errors.Is(err, errPlain):
		return refuse("give the registry a certificate, or reach it as localhost", "%s does not speak TLS, and without it only registries on this machine are asked", host)
	case errors.As(err, &untrusted):
		return &Error{Reason: fmt.Sprintf("the certificate of %s is not trusted", host), Hint: "add its authority to the system's certificates, or name them in SSL_CERT_FILE", Err: err}
	case errors.As(err, &lookup):
		return &Error{Reason: fmt.Sprintf("there is no registry %s, or no network", host), Hint: "an image of a container engine is found when that engine runs", Err: err}
	case errors.As(err, &network):
		return &Error{Reason: fmt.Sprintf("the registry %s cannot be reached", host), Err: network.Err}
	}
	return &Error{Reason: fmt.Sprintf("the registry %s", host), Err: err}
}

func explainStatus(host string, ref name.Reference, status *transport.Error) error {
	login := "log in with docker login " + host
	if region, ok := strings.CutPrefix(host, strings.Split(host, ".")[0]+".dkr.ecr."); ok {
		region, _, _ = strings.Cut(region, ".")
		login = "log in with aws ecr get-login-password --region " + region + " | docker login --username AWS --password-stdin " + host
	}
	login += ", or name a credential helper in Docker's config.json"
	switch status.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return &Error{Reason: fmt.Sprintf("the registry %s does not hand it out without the right login", host), Hint: login, Err: status}
	case http.StatusNotFound:
		return &Error{Reason: fmt.Sprintf("the registry %s has no %s", host, ref.Context().RepositoryStr()+delimited(ref)), Hint: "check the name; an image that was only built is found when its container engine runs", Err: status}
	case http.StatusTooManyRequests:
		return &Error{Reason: fmt.Sprintf("the registry %s gives no more for now", host), Hint: login, Err: status}
	}
	return &Error{Reason: fmt.Sprintf("the registry %s answers with status %d", host, status.StatusCode), Err: status}
}

// delimited is the tag or digest of a reference with what stands before it.
func delimited(ref name.Reference) string {
	if _, ok := ref.(name.Digest); ok {
		return "@" + ref.Identifier()
	}
	return ":" + ref.Identifier()
}

// download brings the layers of a registry into the cache, several at a time.
func (g *getting) download(ctx context.Context, layers []layer) error {
	var missing []layer
	var total int64
	seen := map[string]bool{}
	for _, l := range layers {
		if !l.remote || seen[l.digest] || g.store.touchBlob(l.digest) {
			continue
		}
		seen[l.digest] = true
		missing = append(missing, l)
		total += l.size
		if total > g.store.limits.Size || total < 0 {
			return g.tooLarge()
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := g.store.room(total); err != nil {
		return err
	}
	g.meter.begin(Download, total)
	defer g.meter.end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	free := make(chan struct{}, parallel)
	for _, l := range missing {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			if err := g.fetch(ctx, l); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// fetch brings one layer into the cache, and begins anew when it breaks off.
func (g *getting) fetch(ctx context.Context, l layer) error {
	for try := 1; ; try++ {
		err := g.store.writeBlob(l.digest, func(w io.Writer) error { return g.copyLayer(ctx, w, l) })
		var (
			refused *Error
			path    *os.PathError
			status  *transport.Error
		)
		if err == nil || ctx.Err() != nil || try == tries || errors.As(err, &refused) || errors.As(err, &path) || errors.As(err, &status) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * 300 * time.Millisecond):
		}
	}
}

// copyLayer writes what a registry sends, after it has been checked.
func (g *getting) copyLayer(ctx context.Context, w io.Writer, l layer) (err error) {
	body, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	n, err := io.Copy(w, newChecked(&metered{ctx, body, &g.meter}, "the layer "+l.digest, l.digest, l.size))
	if err != nil {
		g.meter.add(-n)
	}
	return err
}
