package doc

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Dialect says which rules give plain YAML scalars their meaning.
type Dialect int

const (
	// YAML11 is what PyYAML's safe loader, and with it SAM CLI, reads: yes and
	// on are true, 010 is eight, 1:30 is ninety.
	YAML11 Dialect = iota
	// YAML12 is what js-yaml 4, and with it the Serverless Framework, reads:
	// only true and false are booleans, 010 is ten, 0o10 is eight.
	YAML12
)

var (
	null    = map[string]bool{"": true, "~": true, "null": true, "Null": true, "NULL": true}
	bools12 = map[string]bool{"true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false}
	bools11 = map[string]bool{
		"true": true, "True": true, "TRUE": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
		"false": false, "False": false, "FALSE": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
	}

	// Compiled when they are needed: the start of every command pays otherwise.
	int12   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-+]?(0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)$`) })
	float12 = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	})
	int11 = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$`)
	})
	float11 = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?)|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	})
	base60 = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+$`) })
)

// resolve gives a plain scalar its meaning.
func (d Dialect) resolve(text string) (Kind, any) {
	if null[text] {
		return Null, nil
	}
	if text[0] >= 'a' && text[0] <= 'z' || text[0] >= 'A' && text[0] <= 'Z' {
		bools := bools12
		if d == YAML11 {
			bools = bools11
		}
		if b, ok := bools[text]; ok {
			return Bool, b
		}
		return String, text
	}
	if !strings.ContainsRune("+-.0123456789", rune(text[0])) {
		return String, text
	}
	if d == YAML11 {
		return resolve11(text)
	}
	switch {
	case int12().MatchString(text):
		return integer(text, 10)
	case float12().MatchString(text):
		return float(text)
	}
	return String, text
}

func resolve11(text string) (Kind, any) {
	plain := strings.ReplaceAll(text, "_", "")
	kind, v := String, any(text)
	switch {
	case int11().MatchString(text):
		kind, v = integer(plain, 8)
	case base60().MatchString(text):
		kind, v = sexagesimal(plain)
	case float11().MatchString(text):
		kind, v = float(plain)
	}
	if kind == String {
		return String, text // with the underscores that a number may have
	}
	return kind, v
}

// integer reads digits with an optional 0b, 0o or 0x; zeroBase is the base of
// a number that starts with a bare zero.
func integer(text string, zeroBase int) (Kind, any) {
	sign, digits := "", text
	if digits[0] == '-' || digits[0] == '+' {
		sign, digits = strings.TrimPrefix(digits[:1], "+"), digits[1:]
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0o"):
		base, digits = 8, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base = zeroBase
	}
	v, err := strconv.ParseInt(sign+digits, base, 64)
	if err == nil {
		return Int, v
	}
	if base != 10 {
		return String, text
	}
	return float(text)
}

func float(text string) (Kind, any) {
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case ".inf":
		if text[0] == '-' {
			return Float, math.Inf(-1)
		}
		return Float, math.Inf(1)
	case ".nan":
		return Float, math.NaN()
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(v, 0) {
		return String, text
	}
	return Float, v
}

// sexagesimal reads 1:30:00 as YAML 1.1 does: digits to the base of sixty.
func sexagesimal(text string) (Kind, any) {
	var v int64
	for part := range strings.SplitSeq(strings.TrimLeft(text, "+-"), ":") {
		digit, err := strconv.ParseInt(part, 10, 64)
		if err != nil || v > (math.MaxInt64-digit)/60 {
			return String, text
		}
		v = v*60 + digit
	}
	if text[0] == '-' {
		v = -v
	}
	return Int, v
}
