package cfn

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// join is Fn::Join.
func join(c call) value {
	args, ok := c.args(2, 2)
	if !ok {
		return c.malformed("a list of a delimiter and a list of values")
	}
	delimiter, v, ok := c.argText(args[0], "the delimiter")
	if !ok {
		return v
	}
	list := c.eval(args[1])
	if !list.node.Is(doc.List) {
		if len(list.problems) > 0 {
			return value{problems: list.problems}
		}
		return c.malformed("a list as its second value")
	}
	if list.hollow {
		return value{problems: also(v.problems, list.problems...)}
	}
	return c.joined(delimiter, list.node.Items).with(v.problems...).with(list.problems...)
}

func (c call) joined(delimiter string, items []*doc.Node) value {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteString(delimiter)
		}
		text, ok := known(item).text()
		if !ok {
			return c.fail("intrinsic-arguments", "cannot join %s", item.Kind)
		}
		b.WriteString(text)
		if b.Len() > maxText {
			return c.tooLong()
		}
	}
	return c.ok(b.String())
}

// split is Fn::Split.
func split(c call) value {
	args, ok := c.args(2, 2)
	if !ok {
		return c.malformed("a list of a delimiter and a text")
	}
	delimiter, v, ok := c.argText(args[0], "the delimiter")
	if !ok {
		return v
	}
	if delimiter == "" {
		return c.malformed("a delimiter that is not empty")
	}
	text, source, ok := c.argText(args[1], "what it splits")
	if !ok {
		return source
	}
	out := &doc.Node{Kind: doc.List, Range: c.at}
	for part := range strings.SplitSeq(text, delimiter) {
		out.Items = append(out.Items, doc.NewString(part, c.at))
	}
	return known(out).with(v.problems...).with(source.problems...)
}

// selectItem is Fn::Select. Of a list that stands in the file only the
// selected element is looked at.
func selectItem(c call) value {
	args, ok := c.args(2, 2)
	if !ok {
		return c.malformed("a list of an index and a list")
	}
	text, v, ok := c.argText(args[0], "the index")
	if !ok {
		return v
	}
	index, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return c.fail("intrinsic-arguments", "needs a number as the index, not %q", text)
	}
	list, computed := known(args[1]), isIntrinsic(args[1])
	if computed {
		list = c.eval(args[1])
	}
	if !list.node.Is(doc.List) {
		if len(list.problems) > 0 {
			return value{problems: list.problems}
		}
		return c.malformed("a list as its second value")
	}
	if index < 0 || index >= len(list.node.Items) {
		return c.fail("select-index", "selects element %d of a list of %d", index, len(list.node.Items)).with(list.problems...)
	}
	if computed {
		return known(list.node.Items[index]).with(list.problems...)
	}
	return c.eval(list.node.Items[index])
}

// base64Text is Fn::Base64.
func base64Text(c call) value {
	text, v, ok := c.argText(c.arg, "what it encodes")
	if !ok {
		return v
	}
	return c.ok(base64.StdEncoding.EncodeToString([]byte(text))).with(v.problems...)
}

// length is Fn::Length.
func length(c call) value {
	v := c.eval(c.arg)
	if !v.node.Is(doc.List) {
		if len(v.problems) > 0 {
			return value{problems: v.problems}
		}
		return c.malformed("a list")
	}
	n := int64(len(v.node.Items))
	return value{
		node:     &doc.Node{Kind: doc.Int, Value: n, Text: strconv.FormatInt(n, 10), Range: c.at},
		problems: v.problems,
	}
}

// toJSONString is Fn::ToJsonString.
func toJSONString(c call) value {
	v := c.eval(c.arg)
	if len(v.problems) > 0 {
		return value{problems: v.problems}
	}
	if !v.node.Is(doc.Map) && !v.node.Is(doc.List) {
		return c.malformed("a map or a list")
	}
	text, ok := boundedJSON(v.node)
	if !ok {
		return c.tooLong()
	}
	return c.ok(text)
}

// boundedJSON writes n as JSON unless that would be longer than maxText.
func boundedJSON(n *doc.Node) (string, bool) {
	if room := maxText; !fits(n, &room) {
		return "", false
	}
	return n.JSON(), true
}

// fits takes n's size from room and reports whether it was enough.
func fits(n *doc.Node, room *int) bool {
	if n == nil {
		return true
	}
	*room -= len(n.Text) + 2
	for _, p := range n.Pairs {
		*room -= len(p.Key)
		if *room < 0 || !fits(p.Value, room) {
			return false
		}
	}
	for _, item := range n.Items {
		if *room < 0 || !fits(item, room) {
			return false
		}
	}
	return *room >= 0
}
