package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// profile is one profile of the shared files.
type profile struct {
	name    string
	wanted  bool
	by      string // who names it, where that is to be told
	files   files
	env     map[string]string
	timeout time.Duration
}

const defaultProfile = "default"

// profileOf is the profile with this name, or the default one.
func profileOf(name string, o Options) *profile {
	return &profile{
		name: cmp.Or(name, defaultProfile), wanted: name != "", files: filesOf(o.Env), env: o.Env, timeout: cmp.Or(o.Timeout, DefaultTimeout),
	}
}

// read reads the profile from the shared files.
func (p *profile) read(ctx context.Context) (config.SharedConfig, error) {
	return config.LoadSharedConfigProfile(ctx, p.name, func(o *config.LoadSharedConfigOptions) {
		// Lists that are empty, not nil: without a home folder there are no files.
		o.ConfigFiles, o.CredentialsFiles = known(p.files.config), known(p.files.credentials)
	})
}

// load fills in what s does not have yet.
func (p *profile) load(ctx context.Context, s *Session) error {
	shared, err := p.read(ctx)
	if err != nil {
		return p.unusable(err)
	}
	from := "profile " + p.name
	if p.by != "" {
		from += " (" + p.by + ")"
	}
	if s.Region == "" && shared.Region != "" {
		s.Region, s.RegionFrom = shared.Region, from
	}
	if s.Keys != (Keys{}) {
		return nil
	}
	value := shared.Credentials
	if asks(&shared) {
		if value, err = p.ask(ctx, &shared, s.Region); err != nil {
			return err
		}
	}
	if value.HasKeys() {
		s.Keys = Keys{value.AccessKeyID, value.SecretAccessKey, value.SessionToken, from}
	}
	return nil
}

// unusable says why the profile cannot be read; nil when it is not there and
// nobody has asked for it.
func (p *profile) unusable(err error) error {
	absent, ok := errors.AsType[config.SharedConfigProfileNotExistError](err)
	switch {
	case !ok:
		return p.fails(err, "")
	case absent.Profile != p.name:
		return p.fails(fmt.Errorf("it takes its credentials from the profile %q, which is not there", absent.Profile), "")
	case !p.wanted:
		return nil
	}
	e := p.fails(ErrNoProfile, "")
	e.Profiles = p.files.profiles()
	return e
}

func known(name string) []string {
	if name == "" {
		return []string{}
	}
	return []string{name}
}

func (p *profile) fails(err error, hint string) *ProfileError {
	return &ProfileError{Profile: p.name, By: p.by, Wanted: p.wanted, Files: p.files.list(), Hint: hint, Err: err}
}

// asks reports whether the profile's credentials must be asked for: it has no
// keys of its own, or a role to be taken on with them.
func asks(c *config.SharedConfig) bool {
	switch {
	case c.RoleARN != "", c.Source != nil:
		return true
	case c.Credentials.HasKeys():
		return false
	}
	return named(c)
}

// named reports whether the profile names somebody who gives credentials.
func named(c *config.SharedConfig) bool {
	return c.CredentialSource != "" || c.CredentialProcess != "" || c.WebIdentityTokenFile != "" || c.LoginSession != "" || signsOn(c)
}

// signsOn reports whether the profile's credentials come from single sign-on.
func signsOn(c *config.SharedConfig) bool {
	return c.SSOSessionName != "" || c.SSOStartURL != "" || c.SSOAccountID != ""
}

// ask gets credentials from whoever the profile names.
func (p *profile) ask(ctx context.Context, c *config.SharedConfig, region string) (aws.Credentials, error) {
	bounded, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	value, err := p.retrieve(bounded, c, region)
	switch {
	case err == nil:
		return value, nil
	case ctx.Err() != nil:
		return value, ctx.Err() // the user's own doing
	case bounded.Err() != nil:
		err = fmt.Errorf("no answer within %v", p.timeout)
	}
	return value, p.fails(err, p.hint(c))
}

func (p *profile) retrieve(ctx context.Context, c *config.SharedConfig, region string) (aws.Credentials, error) {
	if c.Source == nil && !c.Credentials.HasKeys() && !named(c) {
		return aws.Credentials{}, errors.New("it has a role_arn, but neither source_profile nor credential_source")
	}
	provider, err := p.provider(ctx, c, region)
	if err != nil {
		return aws.Credentials{}, err
	}
	type answer struct {
		value aws.Credentials
		err   error
	}
	done := make(chan answer, 1)
	// A program that the profile names may leave others behind that keep its
	// output open; the goroutine then ends with the last of them.
	go func() {
		value, err := provider.Retrieve(ctx)
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
}

func (p *profile) provider(ctx context.Context, c *config.SharedConfig, region string) (aws.CredentialsProvider, error) {
	if c.CredentialProcess != "" && c.RoleARN == "" && c.Source == nil && !signsOn(c) && c.LoginSession == "" {
		return programOf(c.CredentialProcess, p.env), nil
	}
	metadata, address := imds.ClientDisabled, endpoint(p.env, c, "sts")
	for one := c; one != nil; one = one.Source {
		if one.CredentialSource == "Ec2InstanceMetadata" {
			metadata = imds.ClientDefaultEnableState
		}
		if signsOn(one) || one.LoginSession != "" {
			address = "" // it would be taken for the service that signs on, too
		}
	}
	loaded, err := config.LoadDefaultConfig(ctx,
		config.WithSharedConfigProfile(p.name),
		config.WithSharedConfigFiles(known(p.files.config)),
		config.WithSharedCredentialsFiles(known(p.files.credentials)),
		// Roles are asked for in a region, even by users who have set none.
		config.WithRegion(cmp.Or(region, "us-east-1")),
		config.WithEC2IMDSClientEnableState(metadata),
		config.WithBaseEndpoint(address),
	)
	if err != nil {
		return nil, err
	}
	return loaded.Credentials, nil
}

// hint says what mends credentials that cannot be had.
func (p *profile) hint(c *config.SharedConfig) string {
	for one := c; one != nil; one = one.Source {
		switch {
		case signsOn(one):
			return "run aws sso login --profile " + one.Profile
		case one.LoginSession != "":
			return "run aws login --profile " + one.Profile
		case one.MFASerial != "":
			return fmt.Sprintf(`put a session's keys into the environment: eval "$(aws configure export-credentials --profile %s --format env)"`, p.name)
		}
	}
	return ""
}
