package slscli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// present gives a result the form in which the framework prints it: Node.js's
// and Python's as JSON with an indent of four, Ruby's on one line. Of Node.js
// nothing is printed that counts as false.
func present(fn *lambda.Function, payload []byte) []byte {
	switch {
	case isNode(fn) && falsy(payload):
		return nil
	case strings.HasPrefix(fn.Runtime, "ruby"):
		return append(bytes.Clone(payload), '\n')
	}
	return indented(payload)
}

// presentFailure gives a failure the form in which the framework prints it,
// and tells the command's exit status. Most are an error object; what Node.js's
// wrapper finds wrong by itself is a sentence; and a Node.js function that ends
// its own process ends the framework's, too, without a word.
func presentFailure(fn *lambda.Function, res *lambda.Result) (out []byte, status int) {
	if isNode(fn) && res.ErrorType == lambda.Exited && res.ExitStatus >= 0 {
		return nil, res.ExitStatus
	}
	var e struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(res.Payload, &e); err == nil && isNode(fn) && res.ErrorType == "" && strings.HasPrefix(e.Type, "Runtime.") {
		return []byte("Error:\n" + e.Message + "\n"), 1
	}
	return indented(errorObject(res.Payload)), 1
}

// indented lays JSON out with an indent of four and ends it with a line feed.
// What is not JSON stays as it is.
func indented(payload []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(payload), "", "    "); err != nil {
		b.Reset()
		b.Write(payload)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// errorObject makes the framework's error object of a runtime's: what has
// failed, of which kind, and where.
func errorObject(payload []byte) []byte {
	n, diags := doc.ParseJSON(payload, "")
	if diags.HasErrors() || !n.Is(doc.Map) {
		return payload
	}
	out := &doc.Node{Kind: doc.Map}
	add := func(name string, value *doc.Node) {
		if value != nil {
			out.Pairs = append(out.Pairs, doc.Pair{Key: name, KeyRange: diag.Range{}, Value: value})
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

// ascii escapes what is not ASCII, as JSON may.
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
