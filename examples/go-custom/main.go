// Package main is a Lambda function that greets whom the event names.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

type request struct {
	Name string `json:"name"`
}

type response struct {
	Message string `json:"message"`
}

func handle(_ context.Context, req request) (response, error) {
	name := cmp.Or(req.Name, "world")
	log.Printf("greeting %s", name)
	return response{Message: fmt.Sprintf("%s, %s!", os.Getenv("GREETING"), name)}, nil
}

func main() {
	lambda.Start(handle)
}
