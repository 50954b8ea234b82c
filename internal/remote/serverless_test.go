package remote

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServerlessCredentialsInTheFrameworksOrder(t *testing.T) {
	const profiles = `[default]
aws_access_key_id = AKdefault
aws_secret_access_key = S
[flag]
aws_access_key_id = AKflag
aws_secret_access_key = S
[stage]
aws_access_key_id = AKstage
aws_secret_access_key = S
[shell]
aws_access_key_id = AKshell
aws_secret_access_key = S
[service]
aws_access_key_id = AKservice
aws_secret_access_key = S
[older]
aws_access_key_id = AKolder
aws_secret_access_key = S
`
	keys := func(id, from string) Keys { return Keys{id, "S", "", from} }
	// Each case takes the highest source of the one before away.
	all := []string{
		"AWS_PROD_PROFILE=stage",
		"AWS_PROD_ACCESS_KEY_ID=AKprod", "AWS_PROD_SECRET_ACCESS_KEY=S",
		"AWS_PROFILE=shell",
		"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=S",
		"AWS_DEFAULT_PROFILE=older",
	}
	tests := []struct {
		name          string
		env           []string
		flag, service string
		want          Session
	}{
		{"the option", all, "flag", "service", Session{Keys: keys("AKflag", "profile flag (--aws-profile)"), Profile: "flag"}},
		{"the stage's profile", all, "", "service", Session{Keys: keys("AKstage", "profile stage (AWS_PROD_PROFILE)"), Profile: "stage"}},
		{"the stage's keys", all[1:], "", "service", Session{Keys: keys("AKprod", "AWS_PROD_ACCESS_KEY_ID"), Profile: "shell"}},
		{"the shell's profile", all[3:], "", "service", Session{Keys: keys("AKshell", "profile shell (AWS_PROFILE)"), Profile: "shell"}},
		{"the shell's keys", all[4:], "", "service", Session{Keys: keys("AK", FromShell), Profile: "older"}},
		{"the service's profile", all[6:], "", "service", Session{Keys: keys("AKservice", "profile service (provider.profile)"), Profile: "service"}},
		{"the older variable", all[6:], "", "", Session{Keys: keys("AKolder", "profile older (AWS_DEFAULT_PROFILE)"), Profile: "older"}},
		{"the default profile", nil, "", "", Session{Keys: keys("AKdefault", "profile default"), Profile: "default"}},
		{"half of the stage's keys", append([]string{"AWS_PROD_ACCESS_KEY_ID=AKprod"}, all[3:]...), "", "", Session{Keys: keys("AKshell", "profile shell (AWS_PROFILE)"), Profile: "shell"}},
		{"half of the shell's keys", []string{"AWS_SECRET_ACCESS_KEY=S", "AWS_SESSION_TOKEN=T"}, "", "service", Session{Keys: keys("AKservice", "profile service (provider.profile)"), Profile: "service"}},
		{"another stage's", []string{"AWS_DEV_PROFILE=stage"}, "", "", Session{Keys: keys("AKdefault", "profile default"), Profile: "default"}},
		{"a profile that is not reached", []string{"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=S"}, "", "nobody", Session{Keys: keys("AK", FromShell), Profile: "default"}},
		{
			"session tokens",
			[]string{"AWS_PROD_ACCESS_KEY_ID=AKprod", "AWS_PROD_SECRET_ACCESS_KEY=S", "AWS_PROD_SESSION_TOKEN=T", "AWS_SESSION_TOKEN=U"},
			"", "",
			Session{Keys: Keys{"AKprod", "S", "T", "AWS_PROD_ACCESS_KEY_ID"}, Profile: "default"},
		},
		{"the region is the service's", []string{"AWS_REGION=mars"}, "", "", Session{Keys: keys("AKdefault", "profile default"), Profile: "default"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := home(t, "[profile stage]\nregion = eu-west-1\n", profiles, tt.env...)
			o := ServerlessOptions{Options: Options{Env: env, Profile: tt.flag}, ProviderProfile: tt.service, Stage: "prod"}
			got, err := LoadServerless(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("session (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("the stage is dev where none is named", func(t *testing.T) {
		env := home(t, "", profiles, "AWS_DEV_PROFILE=stage")
		if got, err := LoadServerless(t.Context(), ServerlessOptions{Options: Options{Env: env}}); err != nil || got.Keys.AccessKeyID != "AKstage" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestServerlessProfilesThatAreOfNoUse(t *testing.T) {
	const (
		config   = "[profile keyless]\nregion = eu-west-1\n[profile expired]\nsso_start_url = https://example.invalid\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n"
		fallback = "[default]\naws_access_key_id = AKdefault\naws_secret_access_key = S\n"
	)
	tests := []struct {
		name          string
		env           string
		flag, service string
		by            string
		wanted        bool
		is            error
		keys          string
	}{
		{"the option's is not there", "", "nobody", "", "--aws-profile", true, ErrNoProfile, ""},
		{"the option's has no keys", "", "keyless", "", "--aws-profile", true, ErrNoKeys, ""},
		{"the service's is not there", "", "", "nobody", "provider.profile", true, ErrNoProfile, ""},
		{"the service's has no keys", "", "", "keyless", "provider.profile", true, ErrNoKeys, ""},
		{"the stage's is not there", "AWS_DEV_PROFILE=nobody", "", "", "AWS_DEV_PROFILE", true, ErrNoProfile, ""},
		{"the shell's is not there", "AWS_PROFILE=nobody", "", "", "AWS_PROFILE", false, ErrNoProfile, "AKdefault"},
		{"the shell's has no keys", "AWS_PROFILE=keyless", "", "", "AWS_PROFILE", false, ErrNoKeys, "AKdefault"},
		{"the shell's has expired", "AWS_PROFILE=expired", "", "", "AWS_PROFILE", true, nil, ""},
		{"the older variable's is not there", "AWS_DEFAULT_PROFILE=nobody", "", "", "AWS_DEFAULT_PROFILE", false, ErrNoProfile, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := home(t, config, fallback, tt.env)
			got, err := LoadServerless(t.Context(), ServerlessOptions{Options: Options{Env: env, Profile: tt.flag}, ProviderProfile: tt.service})
			failed, ok := errors.AsType[*ProfileError](err)
			if !ok || failed.By != tt.by || failed.Wanted != tt.wanted || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %#v", err)
			}
			if got.Keys.AccessKeyID != tt.keys {
				t.Errorf("keys %+v", got.Keys)
			}
		})
	}
	t.Run("the default one fails", func(t *testing.T) {
		env := home(t, strings.ReplaceAll(config, "profile expired", "default"), "")
		got, err := LoadServerless(t.Context(), ServerlessOptions{Options: Options{Env: env}})
		if failed, ok := errors.AsType[*ProfileError](err); !ok || failed.Wanted || got.Keys != (Keys{}) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	for name, env := range map[string]map[string]string{"no home": {}, "no files": home(t, "", ""), "a default profile without keys": home(t, "[default]\nregion = r\n", "")} {
		t.Run(name, func(t *testing.T) {
			got, err := LoadServerless(t.Context(), ServerlessOptions{Options: Options{Env: env}})
			if err != nil || got != (Session{Profile: "default"}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
