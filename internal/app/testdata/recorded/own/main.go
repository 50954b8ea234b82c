// Command bootstrap is a runtime of its own: the recorded one was written in
// Rust. The words of an error are the runtime's, and so they are repeated here.
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		res, err := http.Get(api + "next")
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			panic(err)
		}
		res.Body.Close()
		path, answer := serve(res.Header, body)
		posted, err := http.Post(api+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+path, "application/json", bytes.NewReader(answer))
		if err != nil {
			panic(err)
		}
		posted.Body.Close()
	}
}

func serve(h http.Header, body []byte) (path string, answer []byte) {
	os.Setenv("_X_AMZN_TRACE_ID", h.Get("Lambda-Runtime-Trace-Id"))
	var event map[string]string
	_ = json.Unmarshal(body, &event) // what is no such object has no message
	if message := event["error_msg"]; message != "" {
		answer, _ = json.Marshal(map[string]string{
			"errorType": "&alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>", "errorMessage": "Error: " + strconv.Quote(message),
		})
		return "/error", answer
	}
	environment := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		environment[name] = value
	}
	memory, _ := strconv.Atoi(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	answer, _ = json.Marshal(map[string]any{
		"environment": environment,
		"ctx": map[string]any{
			"aws_request_id": h.Get("Lambda-Runtime-Aws-Request-Id"), "deadline": h.Get("Lambda-Runtime-Deadline-Ms"),
			"invoked_function_arn": h.Get("Lambda-Runtime-Invoked-Function-Arn"),
			"function_name":        os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), "function_version": os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"),
			"log_group_name": os.Getenv("AWS_LAMBDA_LOG_GROUP_NAME"), "log_stream_name": os.Getenv("AWS_LAMBDA_LOG_STREAM_NAME"),
			"memory_limit_in_mb": memory,
		},
	})
	return "/response", answer
}
