package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// of makes a handler that returns something of the context.
func of(value func(context.Context, *lambdacontext.LambdaContext) any) any {
	return func(ctx context.Context) (any, error) {
		lc, ok := lambdacontext.FromContext(ctx)
		if !ok {
			return nil, errors.New("there is no context")
		}
		return value(ctx, lc), nil
	}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func contexts() map[string]any {
	arn := of(func(_ context.Context, lc *lambdacontext.LambdaContext) any { return lc.InvokedFunctionArn })
	tenant := of(func(_ context.Context, lc *lambdacontext.LambdaContext) any { return orNull(lc.TenantID) })
	custom := of(func(_ context.Context, lc *lambdacontext.LambdaContext) any {
		return orNull(lc.ClientContext.Custom["key"])
	})
	return map[string]any{
		"request_id":         of(func(_ context.Context, lc *lambdacontext.LambdaContext) any { return lc.AwsRequestID }),
		"function_name":      returns(lambdacontext.FunctionName),
		"function_version":   returns(lambdacontext.FunctionVersion),
		"memory_limit":       returns(lambdacontext.MemoryLimitInMB),
		"log_group":          returns(lambdacontext.LogGroupName),
		"log_stream":         returns(lambdacontext.LogStreamName),
		"max_concurrency":    func() (int, error) { return lambdacontext.MaxConcurrency(), nil },
		"arn":                arn,
		"arn_with_qualifier": arn,
		"remaining_time": func(ctx context.Context) (bool, error) {
			deadline, ok := ctx.Deadline()
			left := time.Until(deadline)
			return ok && 10*time.Second < left && left < 20*time.Second, nil
		},
		"meets":          meets,
		"client_context": custom,
		"client_context_parts": of(func(_ context.Context, lc *lambdacontext.LambdaContext) any {
			return []string{lc.ClientContext.Client.AppTitle, lc.ClientContext.Env["locale"]}
		}),
		"without_client_context": custom,
		"client_context_of_numbers": of(func(_ context.Context, lc *lambdacontext.LambdaContext) any {
			return lc.ClientContext.Custom
		}),
		"client_context_broken": custom,
		"cognito_identity": of(func(_ context.Context, lc *lambdacontext.LambdaContext) any {
			return []string{lc.Identity.CognitoIdentityID, lc.Identity.CognitoIdentityPoolID}
		}),
		"trace_id":          func(ctx context.Context) (any, error) { return ctx.Value("x-amzn-trace-id"), nil },
		"trace_variable":    func() (string, error) { return os.Getenv("_X_AMZN_TRACE_ID"), nil },
		"tenant_id":         tenant,
		"without_tenant_id": tenant,
		"variable":          func() (string, error) { return os.Getenv("OWN"), nil },
		"working_folder":    os.Getwd,
		"region":            func() (string, error) { return os.Getenv("AWS_REGION"), nil },
		"handler_variable":  func() (string, error) { return os.Getenv("_HANDLER"), nil },
		"arguments":         func() (int, error) { return len(os.Args), nil },
		"program":           os.Executable,
		"variables": func() ([]string, error) {
			var names []string
			for _, entry := range os.Environ() {
				name, _, _ := strings.Cut(entry, "=")
				names = append(names, name)
			}
			slices.Sort(names)
			return names, nil
		},
		// The context ends half a second before the function has to.
		"context_ends": func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			ctx, cancel := context.WithDeadline(ctx, deadline.Add(-500*time.Millisecond))
			defer cancel()
			<-ctx.Done()
			return ctx.Err()
		},
		"whole_context": of(func(_ context.Context, lc *lambdacontext.LambdaContext) any { return lc }),
	}
}

// meets waits for another invocation in the same program.
func meets(ctx context.Context) (bool, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	if err := os.WriteFile(filepath.Join(os.Getenv("MEET"), lc.AwsRequestID), nil, 0o600); err != nil {
		return false, err
	}
	for {
		if there, err := os.ReadDir(os.Getenv("MEET")); err != nil || len(there) == 2 {
			return true, err
		}
		time.Sleep(5 * time.Millisecond)
	}
}
