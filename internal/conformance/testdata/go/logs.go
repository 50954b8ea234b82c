package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// prints makes a handler that prints and answers null.
func prints(text string) any {
	return func() { fmt.Print(text) }
}

func logs() map[string]any {
	return map[string]any{
		"prints":             prints("a line\n"),
		"prints_to_stderr":   func() { fmt.Fprintln(os.Stderr, "an error line") },
		"prints_lines":       prints("one\ntwo\nthree\n"),
		"prints_unicode":     prints("grüß 日本 😀\n"),
		"prints_without_end": prints("open end"),
		"prints_wide":        prints(strings.Repeat("w", 100_000) + "\n"),
		"prints_much": func() {
			for i := range 100 {
				fmt.Println(strings.Repeat("l", 1000) + string(rune('a'+i%26)))
			}
		},
		"prints_in_turn": func() {
			for i := 1; i <= 2; i++ {
				fmt.Println("out", i)
				fmt.Fprintln(os.Stderr, "err", i)
			}
		},
		"prints_before_timeout": func() {
			fmt.Println("early")
			time.Sleep(5 * time.Second)
			fmt.Println("never")
		},
		"prints_with_log":     func() { log.Print("a log line") },
		"prints_with_builtin": func() { println("built in", 1) },
		"prints_bytes":        func() { os.Stdout.Write([]byte("raw \xff\xfe\n")) },
		"prints_nothing":      func() { os.Stdout.Write(nil) },
		"prints_from_others": func() {
			done := make(chan bool)
			for i := range 3 {
				go func() {
					fmt.Printf("from %d\n", i)
					done <- true
				}()
			}
			for range 3 {
				<-done
			}
		},
	}
}

// logger starts a function that logs by the client's logger.
func logger(options ...lambdacontext.LogOption) func() {
	return func() {
		slog.SetDefault(lambdacontext.NewLogger(options...))
		lambda.Start(func(ctx context.Context) error {
			slog.InfoContext(ctx, "it is", "n", 1)
			slog.DebugContext(ctx, "unseen unless wanted")
			slog.ErrorContext(ctx, "it was", "err", errors.New("bad"))
			slog.Info("without the context")
			return nil
		})
	}
}
