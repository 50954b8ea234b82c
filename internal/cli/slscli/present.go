package slscli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// present gives a result the form in which the framework prints it, and tells
// whether it is a failure. Node.js results are printed as JSON.stringify does
// with an indent of four, and not at all when they are falsy; those of Python
// as json.dumps does.
func present(fn *lambda.Function, res *lambda.Result) (out []byte, failed bool, err error) {
	if res.FunctionError != "" {
		return indented(errorObject(res.Payload)), true, nil
	}
	if !json.Valid(res.Payload) {
		return append(bytes.Clone(res.Payload), '\n'), false, nil
	}
	if strings.HasPrefix(fn.Runtime, "python") {
		return ascii(indented(res.Payload)), false, nil
	}
	if !strings.HasPrefix(fn.Runtime, "nodejs") {
		return indented(res.Payload), false, nil
	}
	switch string(bytes.TrimSpace(res.Payload)) {
	case "null", "false", "0", `""`:
		return nil, false, nil
	}
	payload, err := withParsedBody(res.Payload)
	if err != nil {
		return nil, false, err
	}
	return indented(payload), false, nil
}

// indented lays JSON out with an indent of four and ends it with a line feed.
func indented(payload []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, payload, "", "    "); err != nil {
		b.Reset()
		b.Write(payload)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// errorObject makes the framework's error object of a runtime's.
func errorObject(payload []byte) []byte {
	n, diags := doc.ParseJSON(payload, "")
	if diags.HasErrors() || !n.Is(doc.Map) {
		return payload
	}
	at := diag.Range{}
	out := &doc.Node{Kind: doc.Map}
	add := func(name string, value *doc.Node) {
		if value != nil {
			out.Pairs = append(out.Pairs, doc.Pair{Key: name, KeyRange: at, Value: value})
		}
	}
	add("errorMessage", n.Get("errorMessage"))
	add("errorType", n.Get("errorType"))
	trace := n.Get("trace")
	if trace == nil {
		trace = n.Get("stackTrace")
	}
	add("stackTrace", trace)
	return []byte(out.JSON())
}

// withParsedBody shows the JSON body of a response for API Gateway as the
// object that it is, as the framework does when the response says in exactly
// these words that it is JSON.
func withParsedBody(payload []byte) ([]byte, error) {
	if !bytes.Contains(payload, []byte(`"Content-Type"`)) {
		return payload, nil
	}
	n, diags := doc.ParseJSON(payload, "")
	if diags.HasErrors() {
		return payload, nil
	}
	contentType, _ := n.Get("headers").Get("Content-Type").Str()
	body, isText := n.Get("body").Str()
	if contentType != "application/json" || !isText || body == "" {
		return payload, nil
	}
	parsed, diags := doc.ParseJSON([]byte(body), "")
	if diags.HasErrors() {
		return nil, errors.New("Content-Type of response is application/json but body is not json")
	}
	out := *n
	out.Pairs = append([]doc.Pair(nil), n.Pairs...)
	for i := range out.Pairs {
		if out.Pairs[i].Key == "body" {
			out.Pairs[i].Value = parsed
		}
	}
	return []byte(out.JSON()), nil
}

// ascii escapes what is not ASCII, as Python's json.dumps does.
func ascii(text []byte) []byte {
	var b bytes.Buffer
	for _, c := range string(text) {
		switch {
		case c < 0x80:
			b.WriteByte(byte(c))
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.Bytes()
}
