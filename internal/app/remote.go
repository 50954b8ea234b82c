package app

import (
	"context"
	"errors"
	"maps"

	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/remote"
)

// lookups makes what loaders ask AWS with, and keeps it until they are done.
type lookups struct {
	options Options
	clients []*remote.Client
}

func (l *lookups) of(a project.Account) project.Lookups {
	// Variables of .env files are in the loader's hands; what credentials need
	// of them comes with the account.
	env := maps.Clone(l.options.Env)
	for name, value := range a.Env {
		if _, set := env[name]; !set {
			env[name] = value
		}
	}
	find := func(ctx context.Context) (remote.Session, error) {
		return remote.LoadServerless(ctx, remote.ServerlessOptions{
			Options: remote.Options{Env: env, Profile: l.options.Profile}, ProviderProfile: a.Profile, Stage: a.Stage,
		})
	}
	client := remote.NewClient(remote.ClientOptions{Env: env, Region: a.Region, Find: find})
	l.clients = append(l.clients, client)
	return asked{client}
}

func (l *lookups) close() {
	for _, c := range l.clients {
		c.Close()
	}
}

// asked makes a loader's errors of the client's.
type asked struct{ *remote.Client }

func lookupError(err error) error {
	failed, ok := errors.AsType[*remote.Error](err)
	if !ok {
		return err
	}
	return &project.LookupError{NoCredentials: errors.Is(err, remote.ErrNoCredentials), Hint: failed.Hint, Err: err}
}

// StackOutput implements [project.Lookups].
func (a asked) StackOutput(ctx context.Context, region, stack, output string) (string, bool, error) {
	value, found, err := a.Client.StackOutput(ctx, region, stack, output)
	return value, found, lookupError(err)
}

// Export implements [project.Lookups].
func (a asked) Export(ctx context.Context, region, name string) (string, bool, error) {
	value, found, err := a.Client.Export(ctx, region, name)
	return value, found, lookupError(err)
}

// StackResource implements [project.Lookups].
func (a asked) StackResource(ctx context.Context, region, stack, logicalID string) (string, bool, error) {
	value, found, err := a.Client.StackResource(ctx, region, stack, logicalID)
	return value, found, lookupError(err)
}

// Parameter implements [project.Lookups].
func (a asked) Parameter(ctx context.Context, region, name string, decrypt bool) (value, kind string, found bool, err error) {
	value, kind, found, err = a.Client.Parameter(ctx, region, name, decrypt)
	return value, kind, found, lookupError(err)
}

// Object implements [project.Lookups].
func (a asked) Object(ctx context.Context, region, bucket, key string) (string, bool, error) {
	value, found, err := a.Client.Object(ctx, region, bucket, key)
	return value, found, lookupError(err)
}

// AccountID implements [project.Lookups].
func (a asked) AccountID(ctx context.Context) (string, error) {
	id, err := a.Client.AccountID(ctx)
	return id, lookupError(err)
}
