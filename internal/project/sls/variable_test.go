package sls

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// dump writes a text so that its structure can be read: literals in brackets,
// variables as (kind params address | …).
func dump(t text) string {
	var b strings.Builder
	for _, p := range t {
		if p.variable == nil {
			b.WriteString("[" + p.literal + "]")
			continue
		}
		b.WriteString("(")
		for i, c := range p.variable.candidates {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(dumpCandidate(c))
		}
		b.WriteString(")")
	}
	return b.String()
}

func dumpCandidate(c candidate) string {
	if c.kind == "" {
		return c.literal.JSON()
	}
	out := c.kind
	if c.params != nil {
		var params []string
		for _, o := range c.params {
			params = append(params, dumpOperand(o))
		}
		out += "<" + strings.Join(params, ",") + ">"
	}
	if c.address != nil {
		out += " " + dumpOperand(*c.address)
	}
	return out
}

func dumpOperand(o operand) string {
	if o.literal != nil {
		return o.literal.JSON()
	}
	return dump(o.text)
}

func TestParseText(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"no variable", "plain $text {x}", "[plain $text {x}]"},
		{"empty", "", ""},
		{"source and address", "${self:custom.a}", "(self [custom.a])"},
		{"within a text", "a-${self:b}-c", "[a-](self [b])[-c]"},
		{"two in a row", "${self:a}${env:B}", "(self [a])(env [B])"},
		{"behind dollars", "x$$${self:a}", "[x](self [a])"},
		{"colon in the address", "${ssm:/a:1}", "(ssm [/a:1])"},
		{"without address", "${self:}", "(self)"},
		{"blank behind the colon", "${self: custom.a}", "(self [custom.a])"},
		{"blanks at the end", "${self:custom.a  }", "(self [custom.a])"},
		{"parameter", "${file(./a.yml)}", "(file<[./a.yml]>)"},
		{"parameter and address", "${file(./a.yml):b.c}", "(file<[./a.yml]> [b.c])"},
		{"blanks around parameters", "${file( ./a.yml ) : b}", "(file<[./a.yml]> [b])"},
		{"several parameters", "${ssm(eu-west-1, raw):/a/b}", "(ssm<[eu-west-1],[raw]> [/a/b])"},
		{"empty parameters", "${ssm():/a}", "(ssm<> [/a])"},
		{"left out parameter", "${ssm(,raw):/a}", "(ssm<null,[raw]> [/a])"},
		{"typed parameters", "${x(true, 12, null, 'a b', \"c\\n\")}", `(x<true,12,null,"a b","c\n">)`},
		{"region in the type", "${cf.us-west-2:stack.Out}", "(cf.us-west-2 [stack.Out])"},
		{"quoted address", "${ssm:'/a,b}'}", `(ssm "/a,b}")`},
		{"dollar in an address", "${self:a$b}", "(self [a$b])"},
		{"fallback to a source", "${opt:stage, self:provider.stage}", "(opt [stage] | self [provider.stage])"},
		{"fallback to a single-quoted text", `${opt:a, 'it\n'}`, `(opt [a] | "it\\n")`},
		{"fallback to a double-quoted text", `${opt:a, "d\"q"}`, `(opt [a] | "d\"q")`},
		{"comma and brace in quotes", "${opt:a, 'b, c}'}", `(opt [a] | "b, c}")`},
		{"fallback to true", "${opt:a, true}", "(opt [a] | true)"},
		{"fallback to null", "${opt:a, null}", "(opt [a] | null)"},
		{"fallback to a number", "${opt:a, 12}", "(opt [a] | 12)"},
		{"fallback to a negative fraction", "${opt:a, -1.50}", "(opt [a] | -1.5)"},
		{"empty fallback", "${opt:a, ''}", `(opt [a] | "")`},
		{"no blanks", "${opt:a,env:B,'c'}", `(opt [a] | env [B] | "c")`},
		{"over two lines", "${opt:a,\n  'b'}", `(opt [a] | "b")`},
		{"nested in an address", "${self:a.${sls:stage}.b}", "(self [a.](sls [stage])[.b])"},
		{"nested address alone", "${self:${opt:x}}", "(self (opt [x]))"},
		{"nested in a parameter", "${file(./${opt:stage}.yml):a}", "(file<[./](opt [stage])[.yml]> [a])"},
		{"nested with fallback", "${self:a.${opt:b, 'c'}.d, 'e'}", `(self [a.](opt [b] | "c")[.d] | "e")`},
		{"pseudo parameter", "${AWS::Region}", "[${AWS::Region}]"},
		{"lower-case double colon", "${aws::region}", "[${aws::region}]"},
		{"logical id", "${Something}", "[${Something}]"},
		{"word without address", "${something}", "[${something}]"},
		{"attribute", "${Foo.Arn}-x", "[${Foo.Arn}-x]"},
		{"capital type", "${Env:HOME}", "[${Env:HOME}]"},
		{"blank before the type", "${ self:a }", "[${ self:a }]"},
		{"nothing in it", "${}", "[${}]"},
		{"open at the end", "${self", "[${self]"},
		{"variable in foreign text", "${Foo-${self:a}}", "[${Foo-](self [a])[}]"},
		{"escaped", `\${self:a}`, "[${self:a}]"},
		{"escaped behind a text", `x\${self:a}y`, "[x${self:a}y]"},
		{"escaped backslash", `\\${self:a}`, `[\](self [a])`},
		{"three backslashes", `\\\${self:a}`, `[\${self:a}]`},
		{"backslash elsewhere", `a\b${self:a}`, `[a\b](self [a])`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseText(tt.in)
			if err != nil {
				t.Fatalf("%s: %s at %d", tt.in, err.msg, err.offset)
			}
			if diff := cmp.Diff(tt.want, dump(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestParseTextSaysWhatIsWrongAndWhere(t *testing.T) {
	tests := []struct {
		name, in, code, want string
		offset               int
	}{
		{"word as fallback", "${opt:stage, dev}", "variable-literal", `Invalid literal source "dev" at index 13 in "${opt:stage, dev}"`, 13},
		{"word before another fallback", "${opt:a, dev, 'x'}", "variable-literal", `Invalid variable source at index 9 in "${opt:a, dev, 'x'}"`, 9},
		{"no fallback behind the comma", "${opt:a,}", "variable-literal", `Invalid variable source at index 8 in "${opt:a,}"`, 8},
		{"capital source as fallback", "${opt:a, AWS::Region}", "variable-literal", `Invalid variable source at index 9 in "${opt:a, AWS::Region}"`, 9},
		{"fallback behind a literal", "${opt:a, 'b', 'c'}", "variable-syntax", "a literal must be the last in its variable", 9},
		{"not closed", "x${self:a", "variable-syntax", `a variable is not closed: "${self:a"`, 1},
		{"parameters not closed", "${file(a", "variable-syntax", `a variable is not closed: "${file(a"`, 0},
		{"quotes not closed", "${opt:a, 'b}", "variable-syntax", `a variable is not closed: "${opt:a, 'b}"`, 0},
		{"word not closed", "${opt:a, b", "variable-syntax", `a variable is not closed: "${opt:a, b"`, 0},
		{"brace in parameters", "${file(a}", "variable-syntax", `unexpected "}" in a variable`, 8},
		{"text behind parameters", "${file(a)b}", "variable-syntax", `unexpected "b" in a variable`, 9},
		{"text behind a quoted address", "${ssm:'a'b}", "variable-syntax", `unexpected "b" behind a quoted text`, 9},
		{"foreign text in an address", "${self:${Foo}}", "variable-syntax", "what stands in a variable must be a variable itself", 7},
		{"bad escape", `${opt:a, "\x"}`, "variable-literal", `"\"\\x\"" is no JSON text`, 9},
		{"too deep", strings.Repeat("${self:", 60), "variable-syntax", "variables are nested more than 50 deep", 350},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseText(tt.in)
			if err == nil {
				t.Fatalf("parsed as %s", dump(got))
			}
			if err.code != tt.code || err.msg != tt.want || err.offset != tt.offset {
				t.Errorf("got %s: %s at %d\nwant %s: %s at %d", err.code, err.msg, err.offset, tt.code, tt.want, tt.offset)
			}
		})
	}
}

func TestBareWordGetsAHint(t *testing.T) {
	_, err := parseText("${opt:stage, dev}")
	if err == nil || err.hint != "put quotes around it: 'dev'" {
		t.Errorf("got %+v", err)
	}
}

func TestScalar(t *testing.T) {
	tests := []struct {
		name, in string
		kind     doc.Kind
		value    any
	}{
		{"true", "true", doc.Bool, true},
		{"false", "false", doc.Bool, false},
		{"null", "null", doc.Null, nil},
		{"integer", "42", doc.Int, int64(42)},
		{"fraction", "1.10", doc.Float, 1.1},
		{"exponent", "1e3", doc.Float, 1000.0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := scalar(tt.in)
			if n == nil || n.Kind != tt.kind || n.Value != tt.value {
				t.Errorf("got %+v", n)
			}
		})
	}
	for _, word := range []string{"", "dev", "True", "1x", "e", "-", "1.2.3", "Infinity"} {
		if n := scalar(word); n != nil {
			t.Errorf("%q is %+v", word, n)
		}
	}
}

func FuzzParseText(f *testing.F) {
	for _, seed := range []string{
		"", "${self:a}", "${file(./${opt:x}.yml):a.b, 'c'}", `\\\${x:y}`, "${AWS::Region}", "${opt:a, \"b\\u0041\"}",
		"${ssm(,raw,'x'):/a/b}", "${self:${self:${self:}}}", "${strToBool(${self:a, 'true'})}", "$${a:b}${c:d}", "${a:b:c}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		parsed, err := parseText(src)
		if err != nil {
			if err.offset < 0 || err.offset > len(src) || err.msg == "" {
				t.Fatalf("%q: bad error %+v", src, err)
			}
			return
		}
		for _, p := range parsed {
			switch {
			case p.variable == nil && p.literal == "":
				t.Fatalf("%q: an empty literal", src)
			case p.variable != nil && !strings.HasPrefix(src[p.variable.start:], p.variable.source):
				t.Fatalf("%q: %q does not stand at %d", src, p.variable.source, p.variable.start)
			case p.variable != nil && len(p.variable.candidates) == 0:
				t.Fatalf("%q: a variable without candidates", src)
			}
		}
		if !strings.Contains(src, "${") && len(parsed) > 0 && parsed[0].literal != src {
			t.Fatalf("%q became %s", src, dump(parsed))
		}
	})
}
