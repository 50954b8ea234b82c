package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/handlertrace"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-lambda-go/lambdaurl"
)

type key struct{}

// option starts a handler with options of the client.
func option(handler any, options ...lambda.Option) func() {
	return func() { lambda.StartWithOptions(handler, options...) }
}

// term starts a handler that is told when its environment ends.
func term(handler any, callbacks ...func()) func() {
	return option(handler, lambda.WithEnableSIGTERM(callbacks...))
}

// starts are functions that do something of their own before they start, or
// in the place of it.
func starts() map[string]func() {
	value := func(ctx context.Context) (any, error) { return ctx.Value(key{}), nil }
	echo := func(event any) (any, error) { return event, nil }
	say := func(text string) func() { return func() { fmt.Println(text) } }
	return map[string]func(){
		"prints_at_init": func() { fmt.Println("loading"); lambda.Start(returns("loaded")) },
		"exits_at_init":  func() { os.Exit(4) },
		"panics_at_init": func() { panic("at init") },
		"logs_at_init":   func() { log.Fatal("no database") },
		"never_starts":   func() {},
		"killed_at_init": func() { log.Print(raise(syscall.SIGKILL)()) },
		"starts_slowly":  func() { time.Sleep(300 * time.Millisecond); lambda.Start(returns("ready")) },

		"with_context":               func() { lambda.StartWithContext(context.WithValue(context.Background(), key{}, "own"), value) },
		"with_context_value":         option(value, lambda.WithContextValue(key{}, "given")),
		"with_indent":                option(returns(map[string]int{"a": 1}), lambda.WithSetIndent(">", "  ")),
		"with_escaped_html":          option(returns("<a>&</a>"), lambda.WithSetEscapeHTML(true)),
		"with_numbers":               option(echo, lambda.WithUseNumber(true)),
		"with_known_fields":          option(encodings()["decodes_unknown_fields"], lambda.WithDisallowUnknownFields(true)),
		"with_canceled_context":      option(func(ctx context.Context) error { return ctx.Err() }, lambda.WithContext(canceled())),
		"with_handler":               func() { lambda.StartHandler(bytesHandler{}) },
		"with_typed_handler":         func() { lambda.StartHandlerFunc(func(_ context.Context, n int) (int, error) { return n + 1, nil }) },
		"with_handler_of_the_client": func() { lambda.Start(lambda.NewHandler(echo)) },
		"with_trace":                 traced(echo),

		"told_of_end":         term(returns("alive"), say("told: terminated")),
		"told_several":        term(returns("alive"), say("told: first"), say("told: second")),
		"told_and_exits":      term(returns("alive"), func() { fmt.Println("told: exiting"); os.Exit(0) }),
		"told_and_stays":      term(returns("alive"), func() { fmt.Println("told: staying"); time.Sleep(5 * time.Second); fmt.Println("too late") }),
		"told_without_call":   term(returns("alive")),
		"told_of_timeout":     term(func() { time.Sleep(5 * time.Second) }, say("told: time is up")),
		"told_after_failure":  term(func() { os.Exit(3) }, say("told: nothing")),
		"told_after_panic":    term(func() { panic("boom") }, say("told: nothing")),
		"not_told_of_end":     option(returns("alive")),
		"not_told_of_timeout": option(func() { time.Sleep(5 * time.Second) }),

		"logs_by_client":          logger(),
		"logs_by_client_in_json":  logger(lambdacontext.WithFunctionARN(), lambdacontext.WithTenantID()),
		"logs_by_client_at_error": logger(),

		"serves_http": func() {
			lambdaurl.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
				w.Header().Set("X-Method", r.Method)
				http.SetCookie(w, &http.Cookie{Name: "c", Value: "d"})
				w.WriteHeader(http.StatusTeapot)
				fmt.Fprintf(w, "%s %s %s", r.URL.Path, r.URL.Query().Get("q"), body)
			}))
		},
		"serves_nothing": func() {
			lambdaurl.Start(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), lambdaurl.WithDetectContentType(true))
		},
		"serves_request": func() {
			lambdaurl.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				request, _ := lambdaurl.RequestFromContext(r.Context())
				lc, _ := lambdacontext.FromContext(r.Context())
				json.NewEncoder(w).Encode([]string{request.RequestContext.RequestID, lc.AwsRequestID})
			}))
		},
		"web_event": func() {
			lambda.Start(func(r events.LambdaFunctionURLRequest) (string, error) {
				return r.RequestContext.HTTP.Method + " " + r.RawPath, nil
			})
		},
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// traced starts a handler whose events and answers are seen on their way.
func traced(handler any) func() {
	return func() {
		see := func(what string) func(context.Context, any) {
			return func(_ context.Context, value any) { fmt.Printf("saw the %s %v\n", what, value) }
		}
		ctx := handlertrace.NewContext(context.Background(), handlertrace.HandlerTrace{RequestEvent: see("event"), ResponseEvent: see("answer")})
		lambda.StartWithContext(ctx, handler)
	}
}
