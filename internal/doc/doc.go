// Package doc reads YAML, JSON and TOML into one tree that remembers where
// everything stands, so that every later message can point into the user's
// file. It is the only package that knows the parsers. What a plain scalar
// means depends on the [Dialect]: SAM reads YAML 1.1, Serverless YAML 1.2.
//
// CloudFormation's short forms are rewritten while reading: `!Ref X` becomes
// {"Ref": "X"}, `!GetAtt A.B` becomes {"Fn::GetAtt": ["A", "B"]}, `!Sub x`
// becomes {"Fn::Sub": "x"}.
//
// Nodes are shared where the file shares them (aliases), so a node must not be
// changed after parsing. The tree of a parsed file is finite, and no larger
// than [MaxNodes] when every alias is followed.
package doc

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// Kind is what a node is.
type Kind int

// The kinds of nodes.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Map
)

func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a number", "a string", "a list", "a map"}[k]
}

// Node is one value of a file. The nil Node stands for "not there": all
// methods work on it.
type Node struct {
	Kind Kind
	// Text is a scalar as it stands in the file, without quotes: "010" for an
	// octal eight. For a String it is the string.
	Text string
	// Value is a scalar's meaning: nil, bool, int64, float64 or string.
	// Integers beyond 64 bits are float64.
	Value any
	// Plain is set for a scalar that was written without quotes.
	Plain bool
	// Pairs are the entries of a Map, in the order of the file, keys unique.
	Pairs []Pair
	// Items are the elements of a List.
	Items []*Node
	// Range is where the node stands. Its End is known for scalars on one line.
	Range diag.Range
}

// Pair is one entry of a map.
type Pair struct {
	// Key is the key's text as it stands in the file, whatever it would mean as a value.
	Key      string
	KeyRange diag.Range
	Value    *Node
}

// Get returns the value of a map's key, nil when n is no map or has no such key.
func (n *Node) Get(key string) *Node {
	if p := n.Pair(key); p != nil {
		return p.Value
	}
	return nil
}

// Pair returns a map's entry, nil when n is no map or has no such key.
func (n *Node) Pair(key string) *Pair {
	if n == nil {
		return nil
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key == key {
			return &n.Pairs[i]
		}
	}
	return nil
}

// Keys returns a map's keys in the order of the file.
func (n *Node) Keys() []string {
	if n == nil {
		return nil
	}
	keys := make([]string, len(n.Pairs))
	for i, p := range n.Pairs {
		keys[i] = p.Key
	}
	return keys
}

// Is reports whether n is there and of kind k.
func (n *Node) Is(k Kind) bool { return n != nil && n.Kind == k }

// IsScalar reports whether n is there and is neither a map, a list nor null.
func (n *Node) IsScalar() bool {
	return n != nil && n.Kind != Map && n.Kind != List && n.Kind != Null
}

// Str returns the string of a String node and whether it is one.
func (n *Node) Str() (string, bool) {
	if !n.Is(String) {
		return "", false
	}
	return n.Text, true
}

// At returns where n stands; the zero Range for nil.
func (n *Node) At() diag.Range {
	if n == nil {
		return diag.Range{}
	}
	return n.Range
}

// NewString makes a String node that stands at r; for values that a loader computes.
func NewString(s string, r diag.Range) *Node {
	return &Node{Kind: String, Text: s, Value: s, Range: r}
}

// NewMap makes a Map node of one entry that stands at r.
func NewMap(key string, value *Node, r diag.Range) *Node {
	return &Node{Kind: Map, Pairs: []Pair{{Key: key, KeyRange: r, Value: value}}, Range: r}
}

// MarshalJSON writes the node as compact JSON, keys in the order of the file,
// nothing escaped that need not be.
func (n *Node) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	n.writeJSON(&b)
	return b.Bytes(), nil
}

// JSON is MarshalJSON as a string.
func (n *Node) JSON() string {
	var b bytes.Buffer
	n.writeJSON(&b)
	return b.String()
}

func (n *Node) writeJSON(b *bytes.Buffer) {
	if n == nil {
		b.WriteString("null")
		return
	}
	switch n.Kind {
	case Map:
		b.WriteByte('{')
		for i, p := range n.Pairs {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSONString(b, p.Key)
			b.WriteByte(':')
			p.Value.writeJSON(b)
		}
		b.WriteByte('}')
	case List:
		b.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.writeJSON(b)
		}
		b.WriteByte(']')
	case String:
		writeJSONString(b, n.Text)
	default:
		b.WriteString(n.scalarJSON())
	}
}

func (n *Node) scalarJSON() string {
	switch v := n.Value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return "null"
		}
		return FormatFloat(v)
	}
	return "null"
}

func writeJSONString(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	b.Truncate(b.Len() - 1)
}

// FormatFloat writes a number as JavaScript does: the shortest digits that
// read back the same, an exponent only below 1e-6 and from 1e21 on.
func FormatFloat(v float64) string {
	if v == 0 {
		return "0"
	}
	if abs := math.Abs(v); abs >= 1e21 || abs < 1e-6 {
		s := strconv.FormatFloat(v, 'e', -1, 64)
		// Go pads the exponent to two digits, JavaScript does not.
		if i := len(s) - 2; s[i] == '0' && (s[i-1] == '+' || s[i-1] == '-') {
			s = s[:i] + s[i+1:]
		}
		return s
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
