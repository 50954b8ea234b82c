package remote

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

const configFile = `[default]
region = eu-west-1
# [profile commented]
[profile base]
region = eu-north-1
[profile spaced]
region=eu-south-1
[profile "quoted"]
region = eu-south-2
[sso-session work]
sso_region = us-east-1
sso_start_url = https://example.invalid/start
[profile signed-on]
sso_session = work
sso_account_id = 123456789012
sso_role_name = developer
[profile with-mfa]
role_arn = arn:aws:iam::123456789012:role/x
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/me
[profile orphan]
role_arn = arn:aws:iam::123456789012:role/x
source_profile = nobody
`

const credentialsFile = `[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = secret-default
[base]
aws_access_key_id = AKBASE
aws_secret_access_key = secret-base
aws_session_token = token-base
`

// home makes a home folder with AWS's files and returns an environment for it.
// Whoever asks the instance for its role fails the test.
func home(t *testing.T, config, credentials string, env ...string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"config": config, "credentials": credentials} {
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Join(dir, ".aws"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".aws", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	metadata := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the instance's metadata has been asked for")
	}))
	t.Cleanup(metadata.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	t.Setenv("HOME", dir)
	t.Setenv("USERPROFILE", dir)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"} {
		t.Setenv(name, "")
	}
	m := map[string]string{"HOME": dir, "PATH": os.Getenv("PATH")}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		m[name] = value
	}
	return m
}

func TestSessionsComeFromTheEnvironmentThenTheProfile(t *testing.T) {
	var (
		shellKeys   = Keys{"AK", "SK", "", FromShell}
		defaultKeys = Keys{"AKDEFAULT", "secret-default", "", "profile default"}
		baseKeys    = Keys{"AKBASE", "secret-base", "token-base", "profile base"}
		keys        = []string{"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK"}
	)
	tests := []struct {
		name    string
		env     []string
		profile string
		want    Session
	}{
		{"default profile", nil, "", Session{defaultKeys, "eu-west-1", "profile default", "default"}},
		{"keys of the environment", keys, "", Session{shellKeys, "eu-west-1", "profile default", "default"}},
		{"session token", append(keys, "AWS_SESSION_TOKEN=ST"), "", Session{Keys{"AK", "SK", "ST", FromShell}, "eu-west-1", "profile default", "default"}},
		{"half of the keys are none", []string{"AWS_ACCESS_KEY_ID=AK", "AWS_SESSION_TOKEN=ST"}, "", Session{defaultKeys, "eu-west-1", "profile default", "default"}},
		{"all in the environment", append(keys, "AWS_REGION=r", "AWS_PROFILE=nobody"), "", Session{shellKeys, "r", FromShell, "nobody"}},
		{"region of the environment", []string{"AWS_REGION=r", "AWS_DEFAULT_REGION=d"}, "", Session{defaultKeys, "r", FromShell, "default"}},
		{"default region of the environment", []string{"AWS_DEFAULT_REGION=d"}, "", Session{defaultKeys, "d", FromShell, "default"}},
		{"profile of the environment", []string{"AWS_PROFILE=base"}, "", Session{baseKeys, "eu-north-1", "profile base", "base"}},
		{"its older name", []string{"AWS_DEFAULT_PROFILE=base"}, "", Session{baseKeys, "eu-north-1", "profile base", "base"}},
		{"keys win over the environment's profile", append(keys, "AWS_PROFILE=base"), "", Session{shellKeys, "eu-north-1", "profile base", "base"}},
		{"wanted profile wins over keys", keys, "base", Session{baseKeys, "eu-north-1", "profile base", "base"}},
		{"wanted profile and the environment's", []string{"AWS_PROFILE=base"}, "default", Session{defaultKeys, "eu-west-1", "profile default", "default"}},
		{"profile without keys", nil, "spaced", Session{Keys{}, "eu-south-1", "profile spaced", "spaced"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := home(t, configFile, credentialsFile, tt.env...)
			got, err := Load(t.Context(), Options{Env: env, Profile: tt.profile})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("session (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithoutFilesThereIsNothing(t *testing.T) {
	for name, env := range map[string]map[string]string{"no files": home(t, "", ""), "no home": {}} {
		t.Run(name, func(t *testing.T) {
			if got, err := Load(t.Context(), Options{Env: env}); err != nil || got != (Session{Profile: "default"}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestFilesWithOtherNames(t *testing.T) {
	env := home(t, "", "")
	if err := os.WriteFile(filepath.Join(env["HOME"], "mine"), []byte(credentialsFile), 0o600); err != nil {
		t.Fatal(err)
	}
	env["AWS_SHARED_CREDENTIALS_FILE"] = "~/mine"
	got, err := Load(t.Context(), Options{Env: env})
	if err != nil || got.Keys.AccessKeyID != "AKDEFAULT" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestUnknownProfile(t *testing.T) {
	env := home(t, configFile, credentialsFile)
	_, err := Load(t.Context(), Options{Env: env, Profile: "bse"})
	failed, ok := errors.AsType[*ProfileError](err)
	if !ok || !errors.Is(err, ErrNoProfile) {
		t.Fatalf("got %v", err)
	}
	want := ProfileError{
		Profile: "bse", Wanted: true, Err: ErrNoProfile,
		Files:    []string{filepath.Join(env["HOME"], ".aws", "config"), filepath.Join(env["HOME"], ".aws", "credentials")},
		Profiles: []string{"base", "default", "orphan", "quoted", "signed-on", "spaced", "with-mfa"},
	}
	if diff := cmp.Diff(want, *failed, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestProfilesThatFail(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs here are for sh")
	}
	tests := []struct {
		name, config string
		err, hint    string
	}{
		{"single sign-on that has ended", "sso_start_url = https://example.invalid\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r", "SSO session", "run aws sso login --profile p"},
		{"one with a session", "sso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.invalid", "cached SSO token", "run aws sso login --profile p"},
		{"role with a second factor", "role_arn = arn:aws:iam::1:role/x\nsource_profile = base\nmfa_serial = m", "MFA", `put a session's keys into the environment: eval "$(aws configure export-credentials --profile p --format env)"`},
		{"role of nobody's", "role_arn = arn:aws:iam::1:role/x\nsource_profile = nobody", `it takes its credentials from the profile "nobody", which is not there`, ""},
		{"role without a source", "role_arn = arn:aws:iam::1:role/x", "it has a role_arn, but neither source_profile nor credential_source", ""},
		{"program that fails", "credential_process = sh -c 'echo no luck >&2; exit 3'", "exit status 3: no luck", ""},
		{"program that is not there", "credential_process = no-such-program-here", "exit status 127", ""},
		{"program that says something else", "credential_process = echo hello", "parse failed", ""},
		{"program that hangs", "credential_process = sleep 30", "no answer within 300ms", ""},
		{"program that leaves one behind", "credential_process = sleep 2 & sleep 30", "no answer within 300ms", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := home(t, "[profile base]\naws_access_key_id = AK\naws_secret_access_key = SK\n[profile p]\n"+tt.config+"\n", "")
			start := time.Now()
			o := Options{Env: env, Profile: "p"}
			if strings.HasPrefix(tt.err, "no answer") {
				o.Timeout = 300 * time.Millisecond
			}
			_, err := Load(t.Context(), o)
			failed, ok := errors.AsType[*ProfileError](err)
			if !ok || !failed.Wanted || !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tt.hint, failed.Hint); diff != "" {
				t.Errorf("hint (-want +got):\n%s", diff)
			}
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestDefaultProfileThatFailsIsNotWanted(t *testing.T) {
	env := home(t, "[default]\nregion = eu-west-1\nsso_start_url = https://example.invalid\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n", "")
	s, err := Load(t.Context(), Options{Env: env})
	failed, ok := errors.AsType[*ProfileError](err)
	if !ok || failed.Wanted || s.Region != "eu-west-1" {
		t.Errorf("got %+v, %v", s, err)
	}
	env["AWS_PROFILE"] = "default"
	_, err = Load(t.Context(), Options{Env: env})
	if failed, ok = errors.AsType[*ProfileError](err); !ok || !failed.Wanted {
		t.Errorf("got %v", err)
	}
}

func TestFilesThatAreBroken(t *testing.T) {
	env := home(t, "[default\nregion = x\n", "[default]\naws_access_key_id = AK\n")
	if _, err := Load(t.Context(), Options{Env: env}); err == nil {
		t.Skip("the SDK reads past it")
	} else if _, ok := errors.AsType[*ProfileError](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestProgramGivesKeysAndLeavesStandardInputAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program here is for sh")
	}
	testenv.Leaks(t)
	program := `cat; echo '{"Version": 1, "AccessKeyId": "'$WHO'", "SecretAccessKey": "S", "SessionToken": "T"}'`
	env := home(t, "[default]\ncredential_process = "+program+"\n", "", "WHO=me")
	in, out, err := os.Pipe() // nobody writes, so whoever reads waits
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	stdin := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = stdin }()
	got, err := Load(t.Context(), Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Keys{"me", "S", "T", "profile default"}, got.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestRolesAreTakenOn(t *testing.T) {
	var asked atomic.Int32
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if err := r.ParseForm(); err != nil || r.Form.Get("Action") != "AssumeRole" || !strings.Contains(r.Header.Get("Authorization"), "AKBASE/") {
			t.Errorf("asked for %v with %q", r.Form, r.Header.Get("Authorization"))
		}
		if r.Form.Get("RoleArn") == "arn:aws:iam::123456789012:role/secret" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>you may not</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKROLE</AccessKeyId><SecretAccessKey>S</SecretAccessKey>`+
			`<SessionToken>T</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer sts.Close()
	role := func(name string) string {
		return "[profile " + name + "]\nrole_arn = arn:aws:iam::123456789012:role/" + name + "\nsource_profile = base\n"
	}
	env := home(t, role("dev")+role("secret"), credentialsFile)
	env["AWS_ENDPOINT_URL_STS"] = sts.URL
	got, err := Load(t.Context(), Options{Env: env, Profile: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Session{Keys: Keys{"AKROLE", "S", "T", "profile dev"}, Profile: "dev"}, got); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	_, err = Load(t.Context(), Options{Env: env, Profile: "secret"})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied: you may not") {
		t.Errorf("got %v", err)
	}
	// With keys and a region in the environment nobody is asked.
	before := asked.Load()
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_PROFILE"] = "AK", "SK", "secret"
	if got, err = Load(t.Context(), Options{Env: env}); err != nil || got.Keys.From != FromShell || asked.Load() != before {
		t.Errorf("got %+v, %v after %d questions", got, err, asked.Load()-before)
	}
}
