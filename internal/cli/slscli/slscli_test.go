package slscli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func TestPresent(t *testing.T) {
	const node, python, other = "nodejs20.x", "python3.12", "provided.al2023"
	tests := []struct {
		name, runtime, payload, want string
		failed                       bool
	}{
		{"object", node, `{"a":1,"b":{},"c":[]}`, "{\n    \"a\": 1,\n    \"b\": {},\n    \"c\": []\n}\n", false},
		{"string", node, `"hello"`, "\"hello\"\n", false},
		{"unicode stays", node, `"é"`, "\"é\"\n", false},
		{"null", node, "null", "", false},
		{"false", node, "false", "", false},
		{"zero", node, "0", "", false},
		{"empty string", node, `""`, "", false},
		{"empty object", node, "{}", "{}\n", false},
		{
			"JSON body", node, `{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":"{\"a\":1}"}`,
			"{\n    \"statusCode\": 200,\n    \"headers\": {\n        \"Content-Type\": \"application/json\"\n    },\n    \"body\": {\n        \"a\": 1\n    }\n}\n", false,
		},
		{
			"JSON body under another name", node, `{"headers":{"content-type":"application/json"},"body":"{}"}`,
			"{\n    \"headers\": {\n        \"content-type\": \"application/json\"\n    },\n    \"body\": \"{}\"\n}\n", false,
		},
		{
			"JSON body with a charset", node, `{"headers":{"Content-Type":"application/json; charset=utf-8"},"body":"{}"}`,
			"{\n    \"headers\": {\n        \"Content-Type\": \"application/json; charset=utf-8\"\n    },\n    \"body\": \"{}\"\n}\n", false,
		},
		{"Python null", python, "null", "null\n", false},
		{"Python escapes", python, `{"h": "é😀"}`, "{\n    \"h\": \"\\u00e9\\ud83d\\ude00\"\n}\n", false},
		{"other runtime's null", other, "null", "null\n", false},
		{"no JSON at all", other, "plain", "plain\n", false},
		{
			"Node.js error", node, `{"errorType":"TypeError","errorMessage":"boom","trace":["TypeError: boom"]}`,
			"{\n    \"errorMessage\": \"boom\",\n    \"errorType\": \"TypeError\",\n    \"stackTrace\": [\n        \"TypeError: boom\"\n    ]\n}\n", true,
		},
		{
			"Python error", python, `{"errorMessage": "boom", "errorType": "ValueError", "requestId": "x", "stackTrace": ["a"]}`,
			"{\n    \"errorMessage\": \"boom\",\n    \"errorType\": \"ValueError\",\n    \"stackTrace\": [\n        \"a\"\n    ]\n}\n", true,
		},
		{"error of the platform", node, `{"errorType":"Sandbox.Timedout","errorMessage":"m"}`, "{\n    \"errorMessage\": \"m\",\n    \"errorType\": \"Sandbox.Timedout\"\n}\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := &lambda.Result{Payload: []byte(tt.payload)}
			if tt.failed {
				res.FunctionError = lambda.Unhandled
			}
			got, failed, err := present(&lambda.Function{Runtime: tt.runtime}, res)
			if err != nil || failed != tt.failed {
				t.Fatalf("failed %v, error %v", failed, err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPresentRefusesABodyThatIsNotWhatItSays(t *testing.T) {
	res := &lambda.Result{Payload: []byte(`{"headers":{"Content-Type":"application/json"},"body":"{oops"}`)}
	_, _, err := present(&lambda.Function{Runtime: "nodejs20.x"}, res)
	if err == nil || err.Error() != "Content-Type of response is application/json but body is not json" {
		t.Errorf("error %v", err)
	}
}

func TestEventOf(t *testing.T) {
	tests := []struct {
		name, text string
		raw        bool
		want       string
	}{
		{"nothing", "", false, "{}"},
		{"object", `{"a": 1}`, false, `{"a": 1}`},
		{"number", "5", false, "5"},
		{"text", "hello world", false, `"hello world"`},
		{"broken JSON", "{bad", false, `"{bad"`},
		{"raw", `{"a":1}`, true, `"{\"a\":1}"`},
		{"markup", "<a&b>", false, `"<a&b>"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(eventOf([]byte(tt.text), tt.raw)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestReadPath(t *testing.T) {
	t.Chdir(t.TempDir())
	tests := []struct{ file, content, want, err string }{
		{"a.json", `{"a": 1}`, `{"a": 1}`, ""},
		{"b.json", `{"a": 1,}`, "", "b.json:1:9:"},
		{"empty.json", ``, "", "the file is empty"},
		{"c.yml", "a: yes\nb: 017\nc: !Ref X\n", `{"a":"yes","b":17,"c":{"Ref":"X"}}`, ""},
		{"d.yaml", "a: [", "", "d.yaml"},
		{"e.txt", "  hello \n", `"hello"`, ""},
		{"f", `{"a": 1}` + "\n", `{"a": 1}`, ""},
		{"g.js", `module.exports = {}`, "", "an event from a program (g.js)"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			if err := os.WriteFile(tt.file, []byte(tt.content), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := readPath(tt.file)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %s", err, tt.err)
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
		if _, err := readPath(missing); err == nil || err.Error() != "The file you provided does not exist: "+abs {
			t.Errorf("%s: error %v", missing, err)
		}
	}
}
