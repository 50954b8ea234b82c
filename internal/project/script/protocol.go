package script

import (
	"bytes"
	"encoding/json"
)

// Messages are JSON objects with end behind them and, when they come from the
// process, mark before them. No JSON text holds either.
//
//	question   lambkin asks for a value            {id, file, address, …}
//	message    the script's value, or its error    {id, value} {id, error}
//	           the file is wanted in another form  {id, again}
//	           a function asks for something       {id, ask, variable|property|text}
//	           a promise is rejected unseen        {stray}
//	           the process ends                    {exit}
//	reply      what the function gets              {reply, value} {reply, error}
//
// Several questions may be open at a time. When adding a field, add it in
// host.cjs too.
const (
	mark = '\x1e'
	end  = '\x1f'
)

type question struct {
	ID      int                `json:"id"`
	File    string             `json:"file"`
	Address *[]string          `json:"address,omitempty"` // nil asks for what the file exports
	Options map[string]any     `json:"options,omitempty"`
	Env     map[string]*string `json:"env,omitempty"`    // what has changed
	Format  string             `json:"format,omitempty"` // of Code
	Code    string             `json:"code,omitempty"`   // what to run in the file's place
	Module  bool               `json:"module,omitempty"` // the file is an ES module
	Last    bool               `json:"last,omitempty"`   // there is no other form of the file
}

type message struct {
	ID    int             `json:"id"`
	Value json.RawMessage `json:"value"`
	Error *thrown         `json:"error"`
	Again string          `json:"again"`

	Ask      int       `json:"ask"`
	Variable *string   `json:"variable"`
	Property *[]string `json:"property"`
	Text     *string   `json:"text"`

	Stray *thrown `json:"stray"`
	Exit  *exit   `json:"exit"`
}

type reply struct {
	Reply int             `json:"reply"`
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

// thrown is an error of JavaScript's.
type thrown struct {
	Text  string `json:"text"`
	Name  string `json:"name"`
	Code  string `json:"code"`
	Stack string `json:"stack"`
	Kind  string `json:"kind"`  // one that host.cjs found: unsettled, value, node
	Cause int    `json:"cause"` // the number of the reply that it comes from
	Old   bool   `json:"old"`   // the function took its argument for the framework
}

type exit struct {
	Code  int    `json:"code"`
	Stack string `json:"stack"`
}

// encode gives the bytes of a message.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings, and values that a loader has read
	}
	b.WriteByte(end)
	return b.Bytes()
}

// decode takes a message out of what came up to its end. What stands before it
// is output of something that the script has started.
func decode(data []byte) (output []byte, m message, ok bool) {
	output, text, found := bytes.Cut(bytes.TrimSuffix(data, []byte{end}), []byte{mark})
	return output, m, found && json.Unmarshal(text, &m) == nil
}
