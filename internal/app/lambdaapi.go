package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/engine/instance"
	"github.com/lambkin-dev/lambkin/internal/front/lambdaapi"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// LambdaAPI is how a service's functions are offered as Lambda's API.
type LambdaAPI struct {
	Host string
	Port int // 0 lets the system choose
	// MaxConcurrency is how many invocations of one function may be under way; 0 is no limit.
	MaxConcurrency int
	// Listening is told the address when requests are taken.
	Listening func(url string)
	// Failed is told of each answer with a function error.
	Failed func(*lambda.Function, *lambda.Result)
}

// ServeLambda serves Lambda's API until ctx ends, which is no error. Then what
// is under way is broken off. A port that cannot be had is a *[Problem].
func (s *Service) ServeLambda(ctx context.Context, o LambdaAPI) error {
	l, err := listen(o.Host, o.Port)
	if err != nil {
		return err
	}
	api := lambdaapi.New(lambdaapi.Options{
		Find: s.findForAPI, Invoker: inAPI{s}, Region: s.environ.Region, Account: s.environ.Account,
		NewRequestID: instance.NewRequestID, MaxConcurrency: o.MaxConcurrency, SAM: s.options.Vocabulary == SAM,
		Failed: o.Failed, Broken: s.broken,
	})
	server := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	o.Listening("http://" + l.Addr().String())
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	if n := api.Close(); n > 0 {
		s.options.Notice(fmt.Sprintf("%d asynchronous invocations have not ended", n))
	}
	return errors.Join(err, shutDown(server))
}

// shutDown lets answers that are being written go out, for a moment.
func shutDown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if server.Shutdown(ctx) == nil {
		return nil
	}
	return server.Close()
}

// listen opens a port.
func listen(host string, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, problem(InMachine, diag.Diagnostic{
			Code: "port", Summary: fmt.Sprintf("port %d of %s cannot be opened: %v", port, host, cause(err)),
			Hint: "end the program that uses it, or give another with --port; --port 0 takes one that is free",
		})
	}
	return l, nil
}

// cause is what the system has to say about a network operation.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// findForAPI is Find with the API's errors. Those leave no room for the name
// that was meant, so the terminal has it, once.
func (s *Service) findForAPI(ctx context.Context, name string) (*lambda.Function, error) {
	fn, err := s.Find(ctx, name)
	if errors.Is(err, ErrUnknownFunction) {
		if news := s.fresh(unknownFunction(&lambda.Project{Functions: s.Functions}, name).List); len(news) > 0 {
			s.options.Warn(news)
		}
	}
	return fn, s.apiError(err)
}

// inAPI is a service with the API's errors.
type inAPI struct{ *Service }

// Invoke implements [lambda.Invoker].
func (s inAPI) Invoke(ctx context.Context, fn *lambda.Function, inv *lambda.Invocation) (*lambda.Result, error) {
	res, err := s.Service.Invoke(ctx, fn, inv)
	return res, s.apiError(err)
}

// broken tells of an asynchronous invocation that could not be run.
func (s *Service) broken(fn *lambda.Function, err error) {
	s.options.Warn(diag.List{{
		Severity: diag.Warning, Subject: fn.Path, Code: "event-failed", Summary: fmt.Sprintf("an event for %s could not be delivered: %v", fn.Path, err),
	}})
}

// apiError puts an error in the API's terms. What the project or the machine
// lacks is told on the terminal, too. It is no failure of the service, since
// SDKs would ask for the same again and again.
func (s *Service) apiError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnknownFunction):
		return lambdaapi.ErrUnknown
	}
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		return err
	}
	if p.Kind != InCall {
		s.options.Warn(p.List)
	}
	refused := &lambdaapi.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValueException", Message: p.Error()}
	if s.options.Vocabulary == SAM {
		refused.Code = "ValidationException"
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		refused.Message = r.Message
	}
	return refused
}
