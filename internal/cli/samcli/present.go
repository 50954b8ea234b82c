package samcli

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// present gives a result the form in which SAM CLI prints it: what Python's
// json module makes of it with ensure_ascii=False. What is not JSON stays as
// it is.
func present(payload []byte) []byte {
	n, diags := doc.ParseJSON(payload, "")
	if diags.HasErrors() {
		return payload
	}
	var b bytes.Buffer
	writePython(&b, n)
	return b.Bytes()
}

func writePython(b *bytes.Buffer, n *doc.Node) {
	switch n.Kind {
	case doc.Map:
		b.WriteByte('{')
		for i, p := range n.Pairs {
			if i > 0 {
				b.WriteString(", ")
			}
			writePythonString(b, p.Key)
			b.WriteString(": ")
			writePython(b, p.Value)
		}
		b.WriteByte('}')
	case doc.List:
		b.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			writePython(b, item)
		}
		b.WriteByte(']')
	case doc.String:
		writePythonString(b, n.Text)
	case doc.Float:
		b.WriteString(pythonFloat(n))
	case doc.Int:
		v, _ := n.Value.(int64)
		b.WriteString(strconv.FormatInt(v, 10)) // -0 is 0
	default:
		b.WriteString(n.Text)
	}
}

// pythonFloat writes a number that is no 64-bit integer as Python's repr does.
// Integers of any size stay as they are.
func pythonFloat(n *doc.Node) string {
	if !strings.ContainsAny(n.Text, ".eE") {
		return n.Text
	}
	v, _ := n.Value.(float64)
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	if abs := math.Abs(v); v != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// writePythonString writes a string with the escapes of Python's json module,
// which are fewer than Go's.
func writePythonString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, c := range s {
		switch c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		default:
			if c < 0x20 {
				b.WriteString(`\u00`)
				b.WriteString(strconv.FormatInt(int64(c)+0x100, 16)[1:])
				continue
			}
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
}

// invoking is what SAM CLI says before an invocation.
func invoking(fn *lambda.Function) string {
	if fn.PackageType == lambda.Image {
		return "Invoking Container created from " + app.ImageName(fn)
	}
	return fmt.Sprintf("Invoking %s (%s)", fn.Handler, fn.Runtime)
}
