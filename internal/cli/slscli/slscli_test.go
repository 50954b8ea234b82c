package slscli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func TestPresent(t *testing.T) {
	const node, python, ruby, other = "nodejs20.x", "python3.12", "ruby3.4", "provided.al2023"
	tests := []struct{ name, runtime, payload, want string }{
		{"object", node, `{"a":1,"b":{},"c":[]}`, "{\n    \"a\": 1,\n    \"b\": {},\n    \"c\": []\n}\n"},
		{"string", node, `"hello"`, "\"hello\"\n"},
		{"unicode stays", node, `"é"`, "\"é\"\n"},
		{"null", node, "null", ""},
		{"false", node, "false", ""},
		{"zero", node, "0", ""},
		{"empty string", node, `""`, ""},
		{"empty object", node, "{}", "{}\n"},
		{"Python's null", python, "null", "null\n"},
		{"Python's NaN", python, "[NaN]", "[NaN]\n"},
		{"Ruby on one line", ruby, `{"a":[1]}`, "{\"a\":[1]}\n"},
		{"other runtime's null", other, "null", "null\n"},
		{"no JSON at all", other, "plain", "plain\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := present(&lambda.Function{Runtime: tt.runtime}, []byte(tt.payload))
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPresentFailure(t *testing.T) {
	const node, python = "nodejs20.x", "python3.12"
	tests := []struct {
		name, runtime string
		res           lambda.Result
		want          string
		status        int
	}{
		{
			"of Node.js", node,
			lambda.Result{Payload: []byte(`{"errorMessage":"boom","errorType":"TypeError","stackTrace":["TypeError: boom"]}`)},
			"{\n    \"errorMessage\": \"boom\",\n    \"errorType\": \"TypeError\",\n    \"stackTrace\": [\n        \"TypeError: boom\"\n    ]\n}\n", 1,
		},
		{"no error", node, lambda.Result{Payload: []byte(`{"errorMessage":"plain"}`)}, "{\n    \"errorMessage\": \"plain\"\n}\n", 1},
		{"a sentence of the wrapper", node, lambda.Result{Payload: []byte(`{"errorMessage":"m","errorType":"Runtime.X"}`)}, "Error:\nm\n", 1},
		{
			"of Python", python,
			lambda.Result{Payload: []byte(`{"errorMessage": "boom", "errorType": "ValueError", "requestId": "x", "stackTrace": ["a"]}`)},
			"{\n    \"errorMessage\": \"boom\",\n    \"errorType\": \"ValueError\",\n    \"stackTrace\": [\n        \"a\"\n    ]\n}\n", 1,
		},
		{"of the platform", node, lambda.Result{ErrorType: lambda.TimedOut, Payload: []byte(`{"errorType":"Sandbox.Timedout","errorMessage":"m"}`)}, "{\n    \"errorMessage\": \"m\",\n    \"errorType\": \"Sandbox.Timedout\"\n}\n", 1},
		{"ends its process", node, lambda.Result{ErrorType: lambda.Exited, ExitStatus: 3, Payload: []byte(`{}`)}, "", 3},
		{"ends its process well", node, lambda.Result{ErrorType: lambda.Exited, Payload: []byte(`{}`)}, "", 0},
		{"ended by a signal", node, lambda.Result{ErrorType: lambda.Exited, ExitStatus: -1, Payload: []byte(`{"errorType":"Runtime.ExitError"}`)}, "{\n    \"errorType\": \"Runtime.ExitError\"\n}\n", 1},
		{"Python ends its process", python, lambda.Result{ErrorType: lambda.Exited, ExitStatus: 4, Payload: []byte(`{"errorType":"Runtime.ExitError"}`)}, "{\n    \"errorType\": \"Runtime.ExitError\"\n}\n", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, status := presentFailure(&lambda.Function{Runtime: tt.runtime}, &tt.res)
			if diff := cmp.Diff(tt.want, string(got)); diff != "" || status != tt.status {
				t.Errorf("status %d, want %d; -want +got:\n%s", status, tt.status, diff)
			}
		})
	}
}

func TestTextInput(t *testing.T) {
	tests := []struct {
		name, text string
		raw        bool
		want       string
	}{
		{"nothing", "", false, `""`},
		{"object", `{"a": 1}`, false, `{"a": 1}`},
		{"number", "5", false, "5"},
		{"text", "hello world", false, `"hello world"`},
		{"text with blanks", "  a\n", false, `"  a\n"`},
		{"broken JSON", "{bad", false, `"{bad"`},
		{"raw", `{"a":1}`, true, `"{\"a\":1}"`},
		{"markup", "<a&b>", false, `"<a&b>"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string((&input{raw: tt.raw}).text([]byte(tt.text))); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestFileInput(t *testing.T) {
	t.Chdir(t.TempDir())
	in := &input{evaluate: func(_ context.Context, path string) (*doc.Node, error) {
		if filepath.Base(path) == "bad.js" {
			return nil, errors.New("it throws")
		}
		n, _ := doc.ParseJSON([]byte(`{"from":"js"}`), path)
		return n, nil
	}}
	tests := []struct{ file, content, want, err string }{
		{"a.json", `{"a": 1}`, `{"a": 1}`, ""},
		{"list.json", `["5"]`, `["5"]`, ""},
		{"text.json", `"{\"a\":1}"`, `{"a":1}`, ""},
		{"plain.json", `"q"`, `"q"`, ""},
		{"b.json", `{"a": 1,}`, "", "failed with: invalid character '}' looking for beginning of object key string"},
		{"empty.json", ``, "", "failed with: Unexpected end of JSON input"},
		{"c.yml", "a: yes\nb: 017\nc: !Ref X\n", `{"a":"yes","b":17,"c":{"Ref":"X"}}`, ""},
		{"d.yaml", "a: [", "", "d.yaml\" failed with: "},
		{"e.txt", "  hello \n", `"hello"`, ""},
		{"f", `{"a": 1}` + "\n", `{"a": 1}`, ""},
		{"g.js", "", `{"from":"js"}`, ""},
		{"bad.js", "", "", "it throws"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			if err := os.WriteFile(tt.file, []byte(tt.content), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := in.file(t.Context(), tt.file)
			if tt.err != "" {
				message := ""
				if err != nil {
					message = err.Error()
				}
				if refusal, ok := errors.AsType[*app.Refusal](err); ok {
					message = refusal.Message
				}
				if !strings.Contains(message, tt.err) {
					t.Errorf("error %q, want %s", message, tt.err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("%s (%v), want %s", got, err, tt.want)
			}
		})
	}
	for _, missing := range []string{"nope.json", "."} {
		abs, _ := filepath.Abs(missing)
		if _, err := in.file(t.Context(), missing); err == nil || err.Error() != "The file you provided does not exist: "+abs {
			t.Errorf("%s: error %v", missing, err)
		}
	}
}

func TestEventsThatCountAsNothing(t *testing.T) {
	node, python := &lambda.Function{Runtime: "nodejs20.x"}, &lambda.Function{Runtime: "python3.12"}
	for _, event := range []string{`""`, "null", "false", "0", " 0.0 "} {
		if got := string(eventFor(node, []byte(event))); got != event {
			t.Errorf("Node.js gets %s for %s", got, event)
		}
		if got := string(eventFor(python, []byte(event))); got != "{}" {
			t.Errorf("Python gets %s for %s", got, event)
		}
	}
	for _, event := range []string{`"0"`, "[]", "{}", "1", "true"} {
		if got := string(eventFor(python, []byte(event))); got != event {
			t.Errorf("Python gets %s for %s", got, event)
		}
	}
}

func TestContextHeader(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"null", ""},
		{`""`, ""},
		{"{\n  \"a\": \"é😀\"\n}", `{"a":"\u00e9\ud83d\ude00"}`},
		{`"hello"`, `"hello"`},
	}
	for _, tt := range tests {
		if got := string(contextHeader([]byte(tt.in))); got != tt.want {
			t.Errorf("%q became %s, want %s", tt.in, got, tt.want)
		}
	}
}
