package remote

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// These stand for the questions of three protocols.
var questions = map[string]func(context.Context, *Client) error{
	"cloudformation:DescribeStacks": func(ctx context.Context, c *Client) error {
		_, _, err := c.StackOutput(ctx, "", "s", "o")
		return err
	},
	"cloudformation:ListExports": func(ctx context.Context, c *Client) error {
		_, _, err := c.Export(ctx, "", "e")
		return err
	},
	"cloudformation:ListStackResources": func(ctx context.Context, c *Client) error {
		_, _, err := c.StackResource(ctx, "", "s", "r")
		return err
	},
	"ssm:GetParameter": func(ctx context.Context, c *Client) error {
		_, _, _, err := c.Parameter(ctx, "", "p", true)
		return err
	},
	"s3:GetObject": func(ctx context.Context, c *Client) error {
		_, _, err := c.Object(ctx, "", "b", "k")
		return err
	},
	"sts:GetCallerIdentity": func(ctx context.Context, c *Client) error {
		_, err := c.AccountID(ctx)
		return err
	},
}

// refuse answers with an error in the form that the service has for them.
func refuse(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-Amz-Target") != "":
			if status == http.StatusForbidden {
				status = http.StatusBadRequest
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"__type": "com.amazonaws.ssm#%s", "Message": %q}`, code, message)
		case r.Method == http.MethodGet:
			w.WriteHeader(status)
			fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
		default:
			w.WriteHeader(status)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>1</RequestId></ErrorResponse>`, code, message)
		}
	}
}

// asking is the environment of somebody who asks the server at address.
func asking(address string) map[string]string {
	return map[string]string{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": address}
}

func TestWhatAWSRefuses(t *testing.T) {
	testenv.Leaks(t)
	tests := []struct {
		name   string
		status int
		code   string
		kind   error
		text   string // with the action for %s
		asked  int32
	}{
		{"denied", http.StatusForbidden, "AccessDeniedException", ErrDenied, "AWS denies %s in eu-west-1 to the credentials from the environment: AccessDeniedException: said so", 1},
		{"expired", http.StatusForbidden, "ExpiredTokenException", ErrRefused, "AWS does not accept the credentials from the environment for %s: ExpiredTokenException: said so", 1},
		{"unknown keys", http.StatusForbidden, "UnrecognizedClientException", ErrRefused, "AWS does not accept the credentials from the environment for %s: UnrecognizedClientException: said so", 1},
		{"too often", http.StatusBadRequest, "ThrottlingException", ErrThrottled, "AWS has too many requests to answer %s in eu-west-1: ThrottlingException: said so", attempts},
		{"broken", http.StatusInternalServerError, "InternalFailure", nil, "asking AWS for %s in eu-west-1: InternalFailure: said so", attempts},
		{"something else", http.StatusBadRequest, "ValidationException", nil, "asking AWS for %s in eu-west-1: ValidationException: said so", 1},
	}
	for _, tt := range tests {
		for action, ask := range questions {
			t.Run(tt.name+", "+action, func(t *testing.T) {
				var asked atomic.Int32
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked.Add(1)
					refuse(tt.status, tt.code, "said so")(w, r)
				}))
				defer server.Close()
				c := client(t, ClientOptions{Env: asking(server.URL)})
				err := ask(t.Context(), c)
				failed, ok := errors.AsType[*Error](err)
				if !ok || failed.Kind != tt.kind || failed.Action != action || failed.Region != "eu-west-1" {
					t.Fatalf("got %#v", err)
				}
				if diff := cmp.Diff(fmt.Sprintf(tt.text, action), err.Error()); diff != "" {
					t.Errorf("message (-want +got):\n%s", diff)
				}
				if tt.kind != nil && failed.Hint == "" {
					t.Error("there is no hint")
				}
				// The answer is remembered, a bad one, too.
				if again := ask(t.Context(), c); again != err || asked.Load() != tt.asked {
					t.Errorf("then got %v, after %d requests", again, asked.Load())
				}
			})
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	testenv.Leaks(t)
	closed := httptest.NewServer(nil)
	closed.Close()
	for action, ask := range questions {
		t.Run("refused, "+action, func(t *testing.T) {
			c := client(t, ClientOptions{Env: asking(closed.URL)})
			err := ask(t.Context(), c)
			failed, ok := errors.AsType[*Error](err)
			if !ok || failed.Kind != ErrUnreachable || !strings.Contains(err.Error(), "connect") || !strings.Contains(failed.Hint, closed.URL) {
				t.Errorf("got %#v", err)
			}
		})
		t.Run("silent, "+action, func(t *testing.T) {
			silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			}))
			defer silent.Close()
			c := client(t, ClientOptions{Env: asking(silent.URL), Timeout: 100 * time.Millisecond})
			err := ask(t.Context(), c)
			if !errors.Is(err, ErrTimeLimit) || err.Error() != "AWS has not answered "+action+" in eu-west-1 within 100ms" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestInterruptedQuestionsAreAskedAgain(t *testing.T) {
	testenv.Leaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, `{"Parameter": {"Type": "String", "Value": "v"}}`)
	}))
	defer server.Close()
	c := client(t, ClientOptions{Env: asking(server.URL)})
	if _, _, _, err := c.Parameter(ctx, "", "p", true); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got, _, _, err := c.Parameter(t.Context(), "", "p", true); err != nil || got != "v" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNoCredentials(t *testing.T) {
	env := home(t, "[default]\nregion = eu-west-1\n[profile off]\nsso_start_url = https://example.invalid\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n", "")
	files := filepath.Join(env["HOME"], ".aws", "config") + " or " + filepath.Join(env["HOME"], ".aws", "credentials")
	const advice = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make a profile with aws configure"
	tests := []struct {
		name       string
		env        map[string]string
		find       func(context.Context) (Session, error)
		text, hint string
	}{
		{"nothing", map[string]string{}, nil, `there are no AWS credentials: neither keys in the environment nor a profile "default" with credentials`, advice},
		{"a profile without", env, nil, `there are no AWS credentials: neither keys in the environment nor a profile "default" with credentials in ` + files, advice},
		{
			"a profile that fails, which nobody wanted", env,
			func(context.Context) (Session, error) {
				return Session{Profile: "off"}, &ProfileError{Profile: "off", Hint: "log in", Err: errors.New("is over")}
			},
			`there are no AWS credentials: neither keys in the environment nor a profile "off" with credentials in ` + files + ` (profile "off": is over)`, "log in",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := client(t, ClientOptions{Env: tt.env, Find: tt.find}).AccountID(t.Context())
			failed, ok := errors.AsType[*Error](err)
			if !ok || !errors.Is(err, ErrNoCredentials) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff([]string{tt.text, tt.hint}, []string{failed.Error(), failed.Hint}); diff != "" {
				t.Errorf("message and hint (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a profile that was wanted", func(t *testing.T) {
		env["AWS_PROFILE"] = "off"
		_, err := client(t, ClientOptions{Env: env}).AccountID(t.Context())
		if failed, ok := errors.AsType[*ProfileError](err); !ok || failed.Profile != "off" {
			t.Errorf("got %v", err)
		}
	})
}

func TestEndpoints(t *testing.T) {
	const settings = `[default]
region = eu-west-1
endpoint_url = https://profile
services = mine
[profile plain]
region = eu-west-1
[profile ignoring]
ignore_configured_endpoint_urls = true
endpoint_url = https://profile
[services mine]
s3 =
  endpoint_url = https://profile-s3
`
	tests := []struct {
		name, profile string
		env           []string
		s3, ssm       string
	}{
		{"AWS's own", "plain", nil, "", ""},
		{"of the profile", "default", nil, "https://profile-s3", "https://profile"},
		{"of the environment", "default", []string{"AWS_ENDPOINT_URL=https://env"}, "https://env", "https://env"},
		{"of the environment, for one service", "default", []string{"AWS_ENDPOINT_URL=https://env", "AWS_ENDPOINT_URL_SSM=https://env-ssm"}, "https://env", "https://env-ssm"},
		{"ignored by the environment", "default", []string{"AWS_ENDPOINT_URL=https://env", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}, "", ""},
		{"ignored by the profile", "ignoring", []string{"AWS_ENDPOINT_URL=https://env"}, "", ""},
		{"a profile that is not there", "nobody", []string{"AWS_ENDPOINT_URL=https://env"}, "https://env", "https://env"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := home(t, settings, "", tt.env...)
			t.Setenv("AWS_ENDPOINT_URL", "https://process")
			c := client(t, ClientOptions{Env: env, Find: func(context.Context) (Session, error) {
				return Session{Keys: Keys{AccessKeyID: "AK", SecretAccessKey: "SK"}, Profile: tt.profile}, nil
			}})
			conn, err := c.connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s3, ssm := conn.endpoint("s3"), conn.endpoint("ssm"); s3 != tt.s3 || ssm != tt.ssm {
				t.Errorf("s3 at %q, ssm at %q", s3, ssm)
			}
		})
	}
}

// TestAddressOfSSM has one region of each partition, as AWS documents them.
func TestAddressOfSSM(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":      "https://ssm.eu-west-1.amazonaws.com",
		"cn-north-1":     "https://ssm.cn-north-1.amazonaws.com.cn",
		"us-gov-west-1":  "https://ssm.us-gov-west-1.amazonaws.com",
		"us-iso-east-1":  "https://ssm.us-iso-east-1.c2s.ic.gov",
		"eusc-de-east-1": "https://ssm.eusc-de-east-1.amazonaws.eu",
	} {
		if got, err := (&connection{}).address(t.Context(), "ssm", region); err != nil || got != want {
			t.Errorf("%s: got %s, %v", region, got, err)
		}
	}
	c := client(t, ClientOptions{Env: map[string]string{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}})
	for action, ask := range questions {
		c.options.Region = "no region"
		if err := ask(t.Context(), c); err == nil || !strings.HasPrefix(err.Error(), "asking AWS for "+action+" in no region: ") {
			t.Errorf("a region that cannot be: %v", err)
		}
	}
}

// TestPagesOfResources is over a server that has two pages of them; moto has
// one only.
func TestPagesOfResources(t *testing.T) {
	resource := func(id, physical string) string {
		return "<member><LogicalResourceId>" + id + "</LogicalResourceId>" + physical + "</member>"
	}
	pages := map[string]string{
		"":     resource("A", "<PhysicalResourceId>a</PhysicalResourceId>") + "</StackResourceSummaries><NextToken>more</NextToken>",
		"more": resource("B", "<PhysicalResourceId>b</PhysicalResourceId>") + resource("Planned", "") + "</StackResourceSummaries>",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>"+pages[r.FormValue("NextToken")]+
			"</ListStackResourcesResult></ListStackResourcesResponse>")
	}))
	defer server.Close()
	c := client(t, ClientOptions{Env: asking(server.URL)})
	for id, want := range map[string]string{"A": "a", "B": "b", "Planned": "", "Nope": ""} {
		if got, found, err := c.StackResource(t.Context(), "", "s", id); err != nil || got != want || found != (want != "") {
			t.Errorf("%s: got %q, %v, %v", id, got, found, err)
		}
	}
}

func TestBucketsAreAskedWhereTheyAre(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/ap-south-1/s3/") {
			w.Header().Set("X-Amz-Bucket-Region", "ap-south-1")
			refuse(http.StatusMovedPermanently, "PermanentRedirect", "elsewhere")(w, r)
			return
		}
		fmt.Fprint(w, "content of "+r.URL.Path)
	}))
	defer server.Close()
	got, found, err := client(t, ClientOptions{Env: asking(server.URL)}).Object(t.Context(), "", "b", "k")
	if err != nil || !found || got != "content of /b/k" {
		t.Errorf("got %q, %v, %v", got, found, err)
	}
}

func TestCertificatesOfTheUser(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"Parameter": {"Type": "String", "Value": "v"}}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the client that does not trust it
	server.StartTLS()
	defer server.Close()
	bundle, broken := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "broken.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := errors.Join(os.WriteFile(bundle, certificate, 0o600), os.WriteFile(broken, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		bundle:       "",
		"":           "reaching AWS for ssm:GetParameter in eu-west-1: ",
		broken:       fmt.Sprintf("reading the certificates in %q: it has no certificate", broken),
		broken + "x": fmt.Sprintf("reading the certificates in %q: ", broken+"x"),
	} {
		env := asking(server.URL)
		env["AWS_CA_BUNDLE"] = file
		_, _, _, err := client(t, ClientOptions{Env: env}).Parameter(t.Context(), "", "p", true)
		if (want == "") != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v", file, err)
		}
	}
}
