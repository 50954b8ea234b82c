package remote

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
)

const (
	// attempts is how often a question is put that AWS may answer at another try.
	attempts = 3
	// maxPause bounds the time between two attempts; a user waits for the answer.
	maxPause = time.Second

	defaultRegion = "us-east-1"
)

// ClientOptions say on whose behalf a [Client] asks.
type ClientOptions struct {
	// Env is the user's environment. Addresses of services are taken from it
	// (AWS_ENDPOINT_URL and its like), else from the session's profile.
	Env map[string]string
	// Region is the Client's own; "" is the session's, else us-east-1.
	Region string
	// Find finds the credentials; it is called once. nil is [Load] with Env.
	// An error of it that is a *[ProfileError] with Wanted not set only counts
	// where there are no credentials.
	Find func(context.Context) (Session, error)
	// Timeout bounds each question; 0 is [DefaultTimeout].
	Timeout time.Duration
}

// Client asks AWS what a project's configuration refers to. Each question is
// asked once for each region, and its answer, or why there was none, is
// remembered; only a question whose context ends is asked again. A region ""
// is the Client's own.
//
// What is not there is no error: found is false then. Errors are of type
// *[Error], or those of the function that finds the credentials, or the
// context's. A Client may be used by several goroutines.
type Client struct {
	options   ClientOptions
	pause     time.Duration // maxPause outside tests
	transport *http.Transport
	connected memory
	conn      *connection // valid once connected is done

	mu      sync.Mutex // guards answers
	answers map[question]*memory
}

// NewClient makes a client. Nothing is read and nobody is contacted before the
// first question. [Client.Close] it after the last.
func NewClient(o ClientOptions) *Client {
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if o.Find == nil {
		env := o.Env
		o.Find = func(ctx context.Context) (Session, error) { return Load(ctx, Options{Env: env}) }
	}
	return &Client{
		options: o, pause: maxPause, transport: awshttp.NewBuildableClient().GetTransport(),
		connected: newMemory(), answers: map[question]*memory{},
	}
}

// Close closes the connections that are open.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// question is something that AWS is asked, in the terms of its action.
type question struct {
	action     string // as policies name it
	region     string
	name, part string
}

// answer is what AWS says to a question, values by their names. It is nil when
// AWS does not have what was asked for.
type answer map[string]string

// memory is an answer that is asked for once. Whoever asks meanwhile waits as
// long as the context lasts.
type memory struct {
	turn   chan struct{} // holds a token while somebody asks
	done   bool
	answer answer
	err    error
}

func newMemory() memory { return memory{turn: make(chan struct{}, 1)} }

func (m *memory) recall(ctx context.Context, ask func() (answer, error)) (answer, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !m.done {
		m.answer, m.err = ask()
		m.done = ctx.Err() == nil
	}
	return m.answer, m.err
}

// connection is what questions need: who asks, where, and how.
type connection struct {
	env     map[string]string
	session Session
	region  string
	shared  config.SharedConfig // of the session's profile
	http    *http.Client
	retryer *retry.Standard
}

// ask puts a question, or recalls its answer. put asks AWS; it returns nil for
// what is not there, and errors as they come.
func (c *Client) ask(ctx context.Context, q question, put func(ctx context.Context, conn *connection, region string) (answer, error)) (answer, error) {
	if _, err := c.connected.recall(ctx, func() (_ answer, err error) {
		c.conn, err = c.connect(ctx)
		return nil, err
	}); err != nil {
		return nil, err
	}
	q.region = cmp.Or(q.region, c.conn.region)
	return c.memory(q).recall(ctx, func() (answer, error) {
		bounded, cancel := context.WithTimeout(ctx, c.options.Timeout)
		defer cancel()
		a, err := put(bounded, c.conn, q.region)
		switch {
		case err == nil:
			return a, nil
		case ctx.Err() != nil:
			return nil, ctx.Err() // the user's own doing
		}
		return nil, c.conn.explain(q, err, bounded.Err() != nil, c.options.Timeout)
	})
}

func (c *Client) memory(q question) *memory {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.answers[q]
	if m == nil {
		made := newMemory()
		m = &made
		c.answers[q] = m
	}
	return m
}

// connect finds out who asks.
func (c *Client) connect(ctx context.Context) (*connection, error) {
	conn := &connection{env: c.options.Env}
	var err error
	conn.session, err = c.options.Find(ctx)
	if failed, ok := errors.AsType[*ProfileError](err); err != nil && (!ok || failed.Wanted) {
		return nil, err
	}
	p := profileOf(conn.session.Profile, Options{Env: c.options.Env})
	if conn.session.Keys == (Keys{}) {
		return nil, noCredentials(p, err)
	}
	// A profile that is not there has no settings; one that was wanted has
	// been found out by now.
	if shared, err := p.read(ctx); err == nil {
		conn.shared = shared
	}
	conn.region = cmp.Or(c.options.Region, conn.session.Region, defaultRegion)
	if err := c.trust(cmp.Or(c.options.Env["AWS_CA_BUNDLE"], conn.shared.CustomCABundle)); err != nil {
		return nil, err
	}
	conn.retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, c.pause })
	conn.http = &http.Client{
		Transport: c.transport,
		// A redirection is an answer: it tells that something is elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return conn, nil
}

// trust trusts the certificates in a file, as those behind a proxy that looks
// into connections must; "" is those of the system.
func (c *Client) trust(bundle string) error {
	if bundle == "" {
		return nil
	}
	pem, err := os.ReadFile(bundle)
	if err == nil {
		pool := x509.NewCertPool()
		if pool.AppendCertsFromPEM(pem) {
			c.transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
			return nil
		}
		err = errors.New("it has no certificate")
	}
	return &Error{
		text: fmt.Sprintf("reading the certificates in %q: %v", bundle, err), Err: err,
		Hint: "AWS_CA_BUNDLE, or ca_bundle of the AWS profile, names a file of certificates in the PEM format",
	}
}

// Retrieve implements [aws.CredentialsProvider].
func (conn *connection) Retrieve(context.Context) (aws.Credentials, error) {
	k := conn.session.Keys
	return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken, Source: k.From}, nil
}

// endpoint is the address that the user has set for a service, or "".
func (conn *connection) endpoint(service string) string {
	return endpoint(conn.env, &conn.shared, service)
}
