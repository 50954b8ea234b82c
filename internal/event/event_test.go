package event

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// ofSAM is the services and events of `sam local generate-event`, with the
// names of their options. Scripts that use it must go on working.
var ofSAM = map[string]map[string]string{
	"alb": {"request": "body method path account-id dns-suffix"},
	"alexa-skills-kit": {
		"end-session":       "session-id user-id application-id request-id",
		"intent-answer":     "session-id user-id application-id request-id",
		"intent-getnewfact": "session-id user-id application-id request-id",
		"intent-mycoloris":  "session-id user-id application-id request-id",
		"intent-recipe":     "session-id user-id application-id request-id",
		"start-session":     "session-id user-id application-id request-id",
	},
	"alexa-smart-home": {
		"smart-home-control-turn-off-request": "",
		"smart-home-control-turn-on-request":  "",
		"smart-home-discovery-request":        "",
	},
	"apigateway": {
		"authorizer":         "account-id partition region stage method resource restApiId",
		"aws-proxy":          "body stage method resource path querystringparameters account-id dns-suffix",
		"http-api-proxy":     "body stage method path account-id dns-suffix",
		"request-authorizer": "account-id partition region stage method resource restApiId",
	},
	"appsync":        {"resolver": ""},
	"batch":          {"get-job": "", "submit-job": ""},
	"cloudformation": {"create-request": "account-id partition region stack"},
	"cloudfront": {
		"ab-test":                                    "uri method",
		"access-request-in-response":                 "uri method",
		"http-redirect":                              "uri method",
		"modify-querystring":                         "uri method",
		"modify-response-header":                     "",
		"multiple-remote-calls-aggregate-response":   "uri method",
		"normalize-querystring-to-improve-cache-hit": "uri method",
		"redirect-on-viewer-country":                 "uri method",
		"redirect-unauthenticated-users":             "uri method",
		"response-generation":                        "uri method",
		"serve-object-on-viewer-device":              "uri method",
		"simple-remote-call":                         "uri method",
	},
	"cloudwatch":   {"logs": "", "scheduled-event": "account-id partition region rule"},
	"codecommit":   {"repository": "account-id partition region repository trigger custom-data"},
	"codepipeline": {"job": "account-id input-bucket input-key output-bucket output-key"},
	"cognito":      {"sync-trigger": "region"},
	"config": {
		"item-change-notification":           "region partition account-id",
		"oversized-item-change-notification": "region partition account-id",
		"periodic-rule":                      "region partition account-id",
	},
	"connect":  {"contact-flow-event": "region partition account-id contact-id phone-number"},
	"dynamodb": {"update": "account-id partition region table"},
	"kinesis": {
		"analytics":                 "partition region account-id application stream data",
		"analytics-compressed":      "partition region account-id application stream data",
		"analytics-dynamodb":        "partition region account-id application stream data",
		"analytics-kpl":             "partition region account-id application stream",
		"apachelog":                 "region data",
		"cloudwatch-logs-processor": "region partition account-id",
		"get-records":               "region partition sequence data partition-key",
		"kinesis-firehose":          "partition region data",
		"streams-as-source":         "partition region partition-key data sequence",
		"syslog":                    "region data",
	},
	"lex":         {"book-car": "", "book-hotel": "", "make-appointment": "", "order-flowers": ""},
	"lex-v2":      {"banking-bot": "", "book-car": "", "book-hotel": ""},
	"rekognition": {"s3-request": "region partition bucket key"},
	"s3": {
		"batch-invocation": "bucket-arn key",
		"delete":           "region partition bucket key",
		"put":              "region partition bucket key",
	},
	"sagemaker": {
		"ground-truth-annotation-consolidation": "region partition account-id labeling-job-name label-attribute-name s3-output-path execution-role iteration-object-timestamp",
		"ground-truth-pre-human":                "region partition account-id source-ref labeling-job-name",
	},
	"ses":           {"email-receiving": "region partition account-id dns-suffix"},
	"sns":           {"notification": "account-id partition region topic subject message"},
	"sqs":           {"receive-message": "partition region account-id queue-name body"},
	"stepfunctions": {"error": "error cause"},
	"workmail":      {"email": "flow-direction mail-from sender"},
}

// beyondSAM is what is there besides.
var beyondSAM = []string{
	"apigateway websocket-connect", "apigateway websocket-disconnect", "apigateway websocket-message", "codedeploy hook",
	"cognito create-auth-challenge", "cognito custom-message", "cognito define-auth-challenge", "cognito post-authentication",
	"cognito post-confirmation", "cognito pre-authentication", "cognito pre-sign-up", "cognito pre-token-generation",
	"cognito pre-token-generation-v2", "cognito user-migration", "cognito verify-auth-challenge", "documentdb change-event",
	"eventbridge event", "eventbridge s3-object-created", "eventbridge s3-object-deleted", "iot button", "iot pre-provisioning-hook",
	"iot rule", "kafka msk", "kafka self-managed", "lambda destination-failure", "lambda destination-success", "lambda function-url",
}

func TestEveryEventIsListed(t *testing.T) {
	want := slices.Clone(beyondSAM)
	events := 0
	for service, list := range ofSAM {
		for name := range list {
			want = append(want, service+" "+name)
			events++
		}
	}
	if len(ofSAM) != 26 || events != 68 {
		t.Errorf("SAM CLI has 26 services and 68 events, not %d and %d", len(ofSAM), events)
	}
	slices.Sort(want)
	var got []string
	for _, e := range everyEvent() {
		got = append(got, e.Service+" "+e.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEventsOfSAMHaveItsOptions(t *testing.T) {
	for service, list := range ofSAM {
		for name, options := range list {
			e := find(t, service, name)
			for _, want := range strings.Fields(options) {
				if !slices.ContainsFunc(e.Options, func(o Option) bool { return o.Name == want }) {
					t.Errorf("%s %s has no option --%s", service, name, want)
				}
			}
		}
	}
}

func TestServicesAndEventsAreInOrder(t *testing.T) {
	services := Services()
	if !slices.IsSortedFunc(services, func(a, b Service) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("services are not in the order of their names")
	}
	for _, s := range services {
		if !slices.IsSortedFunc(s.Events, func(a, b Event) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("events of %s are not in the order of their names", s.Name)
		}
	}
}

func TestEveryEventAndOptionIsDescribed(t *testing.T) {
	for _, s := range Services() {
		if s.Title == "" {
			t.Errorf("%s has no title", s.Name)
		}
	}
	for _, e := range everyEvent() {
		if e.About == "" {
			t.Errorf("%s %s is not described", e.Service, e.Name)
		}
		names := map[string]bool{}
		for _, o := range e.Options {
			if o.About == "" || o.Default == "" {
				t.Errorf("%s %s: --%s has no description or no default", e.Service, e.Name, o.Name)
			}
			if names[o.Name] {
				t.Errorf("%s %s: --%s is there twice", e.Service, e.Name, o.Name)
			}
			names[o.Name] = true
		}
	}
}

func TestEveryTemplateBelongsToAnEvent(t *testing.T) {
	used := map[string]bool{}
	for _, e := range everyEvent() {
		name := e.template
		if name == "" {
			name = e.Name
		}
		used["templates/"+e.Service+"/"+name+".json"] = true
	}
	err := fs.WalkDir(templates, "templates", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !used[path] {
			t.Errorf("%s is of no use", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryEventIsJSONWithItsDefaults(t *testing.T) {
	for _, e := range everyEvent() {
		for _, form := range []Form{UTF8, ASCII} {
			out := generate(t, &e, nil, form)
			if !json.Valid(out) || out[0] != '{' || !bytes.HasSuffix(out, []byte("\n}\n")) {
				t.Errorf("%s %s is no JSON object that ends its line:\n%s", e.Service, e.Name, out)
			}
			if placeholder().Match(out) {
				t.Errorf("%s %s keeps a placeholder:\n%s", e.Service, e.Name, out)
			}
		}
	}
}

func TestEveryOptionChangesItsEvent(t *testing.T) {
	for _, e := range everyEvent() {
		plain := generate(t, &e, nil, UTF8)
		for _, o := range e.Options {
			value := "another-" + o.Name
			switch {
			case json.Valid([]byte(o.Default)) && o.Default[0] == '{':
				value = `{"another": "` + o.Name + `"}`
			case json.Valid([]byte(o.Default)) && o.Default[0] == '[':
				value = `["another"]`
			}
			if out := generate(t, &e, map[string]string{o.Name: value}, UTF8); bytes.Equal(out, plain) {
				t.Errorf("%s %s: --%s changes nothing", e.Service, e.Name, o.Name)
			}
		}
	}
}

// TestAnyTextIsAValue: what is in a value must not break the event, and must
// arrive as it is.
func TestAnyTextIsAValue(t *testing.T) {
	const text = "\"quoted\" \\ back\nline\ttab {{region}} é 😀 \x01 </script>"
	tests := []struct {
		name, service, event, option string
		path                         []any
		decode                       func(t *testing.T, s string) string
	}{
		{"plain", "sqs", "receive-message", "body", []any{"Records", 0, "body"}, nil},
		{"plain, elsewhere", "sns", "notification", "message", []any{"Records", 0, "Sns", "Message"}, nil},
		{"in base64", "apigateway", "aws-proxy", "body", []any{"body"}, unbase64},
		{"percent-encoded", "s3", "put", "key", []any{"Records", 0, "s3", "object", "key"}, unquote},
		{"compressed", "cloudwatch", "logs", "message", []any{"awslogs", "data"}, func(t *testing.T, s string) string {
			return at(t, gunzip(t, s), "logEvents", 0, "message").(string)
		}},
		{"within JSON text", "config", "periodic-rule", "account-id", []any{"invokingEvent"}, func(t *testing.T, s string) string {
			return at(t, []byte(s), "awsAccountId").(string)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, form := range []Form{UTF8, ASCII} {
				out := generate(t, find(t, tt.service, tt.event), map[string]string{tt.option: text}, form)
				got := at(t, out, tt.path...).(string)
				if tt.decode != nil {
					got = tt.decode(t, got)
				}
				if diff := cmp.Diff(text, got); diff != "" {
					t.Errorf("form %d: -want +got:\n%s", form, diff)
				}
			}
		})
	}
}

func TestValuesAreEncodedAndDerived(t *testing.T) {
	const params = `{"b": "2 &", "a": ["x", "y"], "n": 1.50}`
	tests := []struct {
		name, service, event string
		values               map[string]string
		path                 []any
		want                 any
	}{
		{"MD5 of the body", "sqs", "receive-message", map[string]string{"body": "hello"}, []any{"Records", 0, "md5OfBody"}, "5d41402abc4b2a76b9719d911017c592"},
		{"slashes of keys stay", "s3", "put", map[string]string{"key": "a b/c+d~é"}, []any{"Records", 0, "s3", "object", "key"}, "a%20b/c%2Bd~%C3%A9"},
		{"EventBridge tells keys as they are", "eventbridge", "s3-object-created", map[string]string{"key": "a b"}, []any{"detail", "object", "key"}, "a b"},
		{"base64", "kinesis", "get-records", map[string]string{"data": "hello"}, []any{"Records", 0, "kinesis", "data"}, "aGVsbG8="},
		{"base64 also without the option", "kinesis", "get-records", nil, []any{"Records", 0, "kinesis", "data"}, "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0IDEyMy4="},
		{"data that is encoded already stays", "kinesis", "syslog", map[string]string{"data": "aGVsbG8="}, []any{"records", 0, "data"}, "aGVsbG8="},
		{"options with dashes too", "kinesis", "get-records", map[string]string{"partition-key": "p"}, []any{"Records", 0, "kinesis", "partitionKey"}, "p"},
		{"a path gets its slash", "apigateway", "aws-proxy", map[string]string{"path": "document"}, []any{"path"}, "/document"},
		{"but no second one", "apigateway", "aws-proxy", map[string]string{"path": "/document"}, []any{"path"}, "/document"},
		{"path with its stage", "apigateway", "aws-proxy", map[string]string{"path": "document", "stage": "dev"}, []any{"requestContext", "path"}, "/dev/document"},
		{"path parameter", "apigateway", "aws-proxy", map[string]string{"path": "/a/b"}, []any{"pathParameters", "proxy"}, "a/b"},
		{"query parameters", "apigateway", "aws-proxy", map[string]string{"querystringparameters": `{"a":"b"}`}, []any{"queryStringParameters"}, map[string]any{"a": "b"}},
		{
			"query parameters with lists", "apigateway", "aws-proxy",
			map[string]string{"querystringparameters": params},
			[]any{"multiValueQueryStringParameters"},
			map[string]any{"b": []any{"2 &"}, "a": []any{"x", "y"}, "n": []any{"1.50"}},
		},
		{"query string", "lambda", "function-url", map[string]string{"querystringparameters": params}, []any{"rawQueryString"}, "b=2+%26&a=x&a=y&n=1.50"},
		{"query parameters of HTTP APIs", "apigateway", "http-api-proxy", map[string]string{"querystringparameters": params}, []any{"queryStringParameters"}, map[string]any{"b": "2 &", "a": "x,y", "n": "1.50"}},
		{"JSON of any kind", "lambda", "destination-success", map[string]string{"response-payload": `[1, null]`}, []any{"responsePayload"}, []any{1.0, nil}},
		{"keys", "kafka", "msk", map[string]string{"topic": "orders"}, []any{"records", "orders-0", 0, "topic"}, "orders"},
		{"fields of a message", "iot", "rule", map[string]string{"payload": `{"t": 1}`, "topic": "a/b"}, nil, map[string]any{"t": 1.0, "topic": "a/b", "clientid": "device-1", "timestamp": 1709745632000.0}},
		{"an empty value", "apigateway", "aws-proxy", map[string]string{"body": ""}, []any{"body"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := generate(t, find(t, tt.service, tt.event), tt.values, UTF8)
			if diff := cmp.Diff(tt.want, at(t, out, tt.path...)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestValuesThatDoNotFitAreRefused(t *testing.T) {
	tests := []struct{ name, service, event, option, value, want string }{
		{"no JSON", "apigateway", "aws-proxy", "querystringparameters", `{"a":`, "--querystringparameters must be JSON: unexpected end of JSON input"},
		{"not JSON at all", "apigateway", "aws-proxy", "querystringparameters", `a=b`, "--querystringparameters must be JSON: invalid character 'a' looking for beginning of value"},
		{"two values", "eventbridge", "event", "detail", `{} {}`, "--detail must be JSON: invalid character '{' after top-level value"},
		{"no object", "apigateway", "aws-proxy", "querystringparameters", `["a"]`, `--querystringparameters must be a JSON object, not ["a"]`},
		{"no object in a query string", "lambda", "function-url", "querystringparameters", `1`, "--querystringparameters must be a JSON object, not 1"},
		{"no object to merge", "iot", "rule", "payload", `null`, "--payload must be a JSON object, not null"},
		{"no list", "eventbridge", "event", "resources", `"arn"`, `--resources must be a JSON list, not "arn"`},
		{"unknown option", "s3", "put", "bukcet", "x", "--bukcet is no option of s3 put"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := find(t, tt.service, tt.event).Generate(map[string]string{tt.option: tt.value}, UTF8)
			var wrong *ValueError
			if !errors.As(err, &wrong) || out != nil {
				t.Fatalf("got %q, %v; want a ValueError", out, err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestGoldenEvents(t *testing.T) {
	tests := []struct {
		name, service, event string
		values               map[string]string
		form                 Form
	}{
		{"s3-put", "s3", "put", nil, ASCII},
		{"apigateway-aws-proxy", "apigateway", "aws-proxy", map[string]string{"method": "GET", "path": "document", "body": "", "querystringparameters": `{"documentId":"1044","versionId":"v_1"}`}, ASCII},
		{"sqs-receive-message", "sqs", "receive-message", map[string]string{"body": "grüße 😀"}, ASCII},
		{"sns-notification", "sns", "notification", map[string]string{"message": `{"text":"grüße 😀"}`}, UTF8},
		{"config-periodic-rule", "config", "periodic-rule", nil, UTF8},
		{"lambda-function-url", "lambda", "function-url", nil, UTF8},
		{"kafka-msk", "kafka", "msk", nil, UTF8},
		{"cognito-pre-sign-up", "cognito", "pre-sign-up", nil, UTF8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := generate(t, find(t, tt.service, tt.event), tt.values, tt.form)
			file := filepath.Join("testdata", tt.name+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestServicesBelongToTheCaller(t *testing.T) {
	changed := Services()
	changed[0].Events[0].Options[0].Default = "changed"
	if got := Services()[0].Events[0].Options[0].Default; got == "changed" {
		t.Error("a change of one list shows in the next")
	}
}

// everyEvent is all events in their order.
func everyEvent() (all []Event) {
	for _, s := range Services() {
		all = append(all, s.Events...)
	}
	return all
}

func find(t *testing.T, service, name string) *Event {
	t.Helper()
	for _, e := range everyEvent() {
		if e.Service == service && e.Name == name {
			return &e
		}
	}
	t.Fatalf("there is no event %s %s", service, name)
	return nil
}

func generate(t *testing.T, e *Event, values map[string]string, form Form) []byte {
	t.Helper()
	before := maps.Clone(values)
	out, err := e.Generate(values, form)
	if err != nil {
		t.Fatalf("%s %s: %v", e.Service, e.Name, err)
	}
	if diff := cmp.Diff(before, values); diff != "" {
		t.Errorf("the caller's values changed: -want +got:\n%s", diff)
	}
	return out
}

// at is the value of a JSON text at a path of keys and indices.
func at(t *testing.T, text []byte, path ...any) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v
}

func unbase64(t *testing.T, s string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func gunzip(t *testing.T, s string) []byte {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(unbase64(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
