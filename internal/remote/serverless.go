package remote

import (
	"cmp"
	"context"
	"errors"
	"strings"
)

// ServerlessOptions say where the Serverless Framework looks for credentials.
type ServerlessOptions struct {
	// Options are as for [Load]; Profile is the option --aws-profile.
	Options
	// ProviderProfile is the service's provider.profile.
	ProviderProfile string
	// Stage is the stage in use; "" is dev.
	Stage string
}

// ErrNoKeys says that a profile is there, but has nothing to do with credentials.
var ErrNoKeys = errors.New("the profile has no credentials")

// LoadServerless finds the session as the Serverless Framework does
// (getCredentials in lib/plugins/aws/provider.js of its version 3, and
// lib/aws/credentials.js of its open fork). The first of these that there is
// gives the credentials:
//
//   - the profile of --aws-profile,
//   - the profile of AWS_STAGE_PROFILE, where STAGE is the stage in capitals,
//   - AWS_STAGE_ACCESS_KEY_ID, AWS_STAGE_SECRET_ACCESS_KEY, AWS_STAGE_SESSION_TOKEN,
//   - the profile of AWS_PROFILE,
//   - AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
//   - the profile of provider.profile,
//   - the profile of AWS_DEFAULT_PROFILE, or default where that is not set.
//
// Keys count only whole. What stands behind the one that is taken is not looked
// at. No credentials at all is no error. The region stays empty: the framework
// takes it from the service.
//
// Errors about a profile are of type *[ProfileError]. When Wanted is not set,
// the Session is usable all the same: the default profile fails, or that of
// AWS_PROFILE or AWS_DEFAULT_PROFILE is not there or has no credentials. The
// framework refuses to run with such an AWS_PROFILE, which is often meant for
// another tool.
func LoadServerless(ctx context.Context, o ServerlessOptions) (Session, error) {
	var note error
	for _, src := range o.sources() {
		keys, err := src.keys(ctx, o.Options)
		failed, ok := errors.AsType[*ProfileError](err)
		switch {
		case ok && !failed.Wanted:
			note = cmp.Or(note, err)
		case err != nil:
			return Session{Profile: o.profile()}, err
		case keys != (Keys{}):
			return Session{Keys: keys, Profile: cmp.Or(src.profile, o.profile())}, note
		}
	}
	return Session{Profile: o.profile()}, note
}

// profile is the one whose settings count besides keys from variables.
func (o ServerlessOptions) profile() string {
	return cmp.Or(o.Profile, o.Env["AWS_PROFILE"], o.Env["AWS_DEFAULT_PROFILE"], defaultProfile)
}

// source is a profile, or variables that start with a prefix; both may be
// absent.
type source struct {
	profile, by string
	prefix      string
	// optional profiles may be missing.
	optional bool
}

func (o ServerlessOptions) sources() []source {
	stage := "AWS_" + strings.ToUpper(cmp.Or(o.Stage, "dev"))
	last := source{profile: defaultProfile}
	if name := o.Env["AWS_DEFAULT_PROFILE"]; name != "" {
		last = source{profile: name, by: "AWS_DEFAULT_PROFILE", optional: true}
	}
	return []source{
		{profile: o.Profile, by: "--aws-profile"},
		{profile: o.Env[stage+"_PROFILE"], by: stage + "_PROFILE"},
		{prefix: stage, by: stage + "_ACCESS_KEY_ID"},
		{profile: o.Env["AWS_PROFILE"], by: "AWS_PROFILE", optional: true},
		{prefix: "AWS", by: FromShell},
		{profile: o.ProviderProfile, by: "provider.profile"},
		last,
	}
}

// keys are the source's keys, none where it is absent.
func (src source) keys(ctx context.Context, o Options) (Keys, error) {
	switch {
	case src.prefix != "":
		return keysOf(o.Env, src.prefix, src.by), nil
	case src.profile == "":
		return Keys{}, nil
	}
	p := profileOf(src.profile, o)
	p.by, p.wanted = src.by, src.by != ""
	if !p.wanted && !p.files.there() {
		return Keys{}, nil
	}
	var s Session
	err := p.load(ctx, &s)
	if err == nil && s.Keys == (Keys{}) && p.wanted {
		err = p.fails(ErrNoKeys, "")
	}
	if failed, ok := errors.AsType[*ProfileError](err); ok && src.optional && (errors.Is(err, ErrNoProfile) || errors.Is(err, ErrNoKeys)) {
		failed.Wanted = false
	}
	return s.Keys, err
}
