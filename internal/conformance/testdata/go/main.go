// The handlers of the conformance table in Go, in one program: _HANDLER names
// the row.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	row := os.Getenv("_HANDLER")
	if start, own := starts()[row]; own {
		start()
		return
	}
	for _, handlers := range []map[string]any{values(), failures(), logs(), exits(), contexts(), readers(), panics(), signatures(), encodings()} {
		if handler, ok := handlers[row]; ok {
			lambda.Start(handler)
		}
	}
	log.Fatalf("there is no handler for %q", row)
}

// returns makes a handler that returns the value.
func returns(value any) any {
	return func() (any, error) { return value, nil }
}

// fails makes a handler that fails.
func fails(err error) any {
	return func() error { return err }
}
