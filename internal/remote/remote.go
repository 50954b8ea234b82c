// Package remote is the door to the real AWS: it finds the user's credentials
// and region as AWS's own tools do, looks up what a project refers to, and
// alone imports AWS's SDK. It contacts nobody unless a profile's credentials
// can be had in no other way, or a [Client] is asked.
package remote

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// FromShell is the From of what stands in the user's environment.
const FromShell = "shell"

// Keys are credentials of AWS. The zero value is none.
type Keys struct {
	AccessKeyID, SecretAccessKey string
	SessionToken                 string // "" for permanent ones
	// From says where they come from: [FromShell], "profile NAME", or the
	// variable; behind a profile's name, who names it, where that is not plain.
	From string
}

// Session is what the user's environment and files say about AWS. What they do
// not say is empty.
type Session struct {
	Keys Keys
	// Region is the user's own, and RegionFrom where it comes from.
	Region, RegionFrom string
	// Profile is the one whose settings count, whether there are any or not.
	Profile string
}

// Options say where to look.
type Options struct {
	// Env is the user's environment.
	Env map[string]string
	// Profile is the profile that the user asks for on the command line; it
	// wins over keys in the environment. "" leaves the choice to the environment.
	Profile string
	// Timeout bounds what may be asked of others; 0 is [DefaultTimeout].
	Timeout time.Duration
}

// DefaultTimeout is how long credentials may take that must be asked for.
const DefaultTimeout = 20 * time.Second

// Load finds the session. The environment comes first, then the profile in the
// shared configuration and credentials files; these are not read when the
// environment says it all. A profile's keys are taken as they stand; only
// where it has none, but a role, a single sign-on or a program, they are asked
// for. An instance's or container's own role is never asked for unless the
// profile names it.
//
// Errors about a profile are of type *[ProfileError]. When its Wanted is not
// set nobody has asked for the profile, and the Session is usable without it.
func Load(ctx context.Context, o Options) (Session, error) {
	s := fromEnvironment(o.Env)
	p := profileOf(cmp.Or(o.Profile, o.Env["AWS_PROFILE"], o.Env["AWS_DEFAULT_PROFILE"]), o)
	s.Profile = p.name
	if o.Profile != "" {
		s.Keys = Keys{}
	}
	if s.Keys != (Keys{}) && s.Region != "" {
		return s, nil
	}
	if !p.wanted && !p.files.there() {
		return s, nil
	}
	if err := p.load(ctx, &s); err != nil {
		return s, err
	}
	return s, nil
}

// fromEnvironment is what stands in the environment itself.
func fromEnvironment(env map[string]string) Session {
	s := Session{Keys: keysOf(env, "AWS", FromShell)}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if s.Region == "" && env[name] != "" {
			s.Region, s.RegionFrom = env[name], FromShell
		}
	}
	return s
}

// keysOf takes keys out of the variables that start with prefix, only whole.
func keysOf(env map[string]string, prefix, from string) Keys {
	id, secret := env[prefix+"_ACCESS_KEY_ID"], env[prefix+"_SECRET_ACCESS_KEY"]
	if id == "" || secret == "" {
		return Keys{}
	}
	return Keys{id, secret, env[prefix+"_SESSION_TOKEN"], from}
}

// ErrNoProfile says that no file has the profile.
var ErrNoProfile = errors.New("no such profile")

// ProfileError says why a profile is of no use.
type ProfileError struct {
	Profile string
	// By is the option, variable or property that names the profile, "" where
	// that is not known.
	By string
	// Wanted is set when the user has named the profile; else one can do without.
	Wanted bool
	// Files are those that were looked into.
	Files []string
	// Profiles are those that the files have; set with [ErrNoProfile].
	Profiles []string
	// Hint says what to do, "" where that is not known.
	Hint string
	Err  error
}

func (e *ProfileError) Error() string { return e.Err.Error() }

func (e *ProfileError) Unwrap() error { return e.Err }
