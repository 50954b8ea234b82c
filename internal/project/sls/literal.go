package sls

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// quoted reads a text in quotes: as it stands in single ones, with JSON's
// escapes in double ones.
func (p *parser) quoted(start int) (*doc.Node, *syntaxError) {
	at, quote := p.pos, p.src[p.pos]
	for i := at + 1; i < len(p.src); i++ {
		switch {
		case quote == '"' && p.src[i] == '\\':
			i++
		case p.src[i] == quote:
			p.pos = i + 1
			s := p.src[at+1 : i]
			if quote == '"' {
				if err := json.Unmarshal([]byte(p.src[at:p.pos]), &s); err != nil {
					return nil, p.fail("variable-literal", at, "%q is no JSON text", p.src[at:p.pos])
				}
			}
			return doc.NewString(s, diag.Range{}), nil
		}
	}
	return nil, p.unterminated(start)
}

func nullNode() *doc.Node { return &doc.Node{Kind: doc.Null, Text: "null"} }

// scalar is what a word without quotes means, nil when it means nothing.
func scalar(word string) *doc.Node {
	switch word {
	case "true", "false":
		return &doc.Node{Kind: doc.Bool, Text: word, Value: word == "true"}
	case "null":
		return nullNode()
	}
	if word == "" || strings.Trim(word, "0123456789+-.eE") != "" {
		return nil
	}
	if i, err := strconv.ParseInt(word, 10, 64); err == nil {
		return &doc.Node{Kind: doc.Int, Text: word, Value: i}
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return nil
	}
	return &doc.Node{Kind: doc.Float, Text: word, Value: f}
}
