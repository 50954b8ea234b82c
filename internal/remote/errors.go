package remote

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// These are the kinds of an [Error] that have a mend.
var (
	ErrNoCredentials = errors.New("no AWS credentials")
	ErrRefused       = errors.New("credentials that AWS does not accept")
	ErrDenied        = errors.New("access denied by AWS")
	ErrUnreachable   = errors.New("AWS not reached")
	ErrThrottled     = errors.New("too many requests to AWS")
	ErrTimeLimit     = errors.New("no answer from AWS in time")
)

// Error says why a question to AWS has no answer, in a sentence for the user.
type Error struct {
	// Kind is one of the errors above, nil for what else AWS may say.
	// [errors.Is] finds it.
	Kind error
	// Action is the one that was to be done, as policies name it, and Region
	// where; both are "" when nobody was asked.
	Action, Region string
	// Hint says what to do, "" where that is not known.
	Hint string
	// Err is what the SDK says.
	Err  error
	text string
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() []error {
	return slices.DeleteFunc([]error{e.Kind, e.Err}, func(err error) bool { return err == nil })
}

// noCredentials tells where there are none; why says what is wrong with the
// profile, if anything.
func noCredentials(p *profile, why error) *Error {
	e := &Error{
		Kind: ErrNoCredentials, Err: why,
		text: fmt.Sprintf("there are no AWS credentials: neither keys in the environment nor a profile %q with credentials", p.name),
		Hint: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make a profile with aws configure",
	}
	if files := p.files.list(); len(files) > 0 {
		e.text += " in " + strings.Join(files, " or ")
	}
	if failed, ok := errors.AsType[*ProfileError](why); ok {
		e.text += fmt.Sprintf(" (profile %q: %v)", failed.Profile, failed)
		if failed.Hint != "" {
			e.Hint = failed.Hint
		}
	}
	return e
}

// refusals are the codes by which AWS's services say that they do not accept
// the credentials, whatever they are used for.
var refusals = []string{
	"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken",
	"UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure",
}

// explain says what err, which came of a question, means to the user. late is
// set when the question's time was over.
func (conn *connection) explain(q question, err error, late bool, limit time.Duration) *Error {
	e := &Error{Action: q.action, Region: q.region, Err: err}
	service, _, _ := strings.Cut(q.action, ":")
	whom, said := conn.session.Keys.From, saying(err)
	if whom == FromShell {
		whom = "the environment"
	}
	switch {
	case throttled(err):
		e.Kind, e.text = ErrThrottled, fmt.Sprintf("AWS has too many requests to answer %s in %s: %s", q.action, q.region, said)
		e.Hint = "try again in a minute"
	case is(err, refusals...):
		e.Kind, e.text = ErrRefused, fmt.Sprintf("AWS does not accept the credentials from %s for %s: %s", whom, q.action, said)
		e.Hint = "renew the credentials, with aws sso login or aws login where they come from there, or choose others"
	case status(err) == http.StatusForbidden, is(err, "AccessDeniedException"): // which SSM sends as a bad request
		e.Kind, e.text = ErrDenied, fmt.Sprintf("AWS denies %s in %s to the credentials from %s: %s", q.action, q.region, whom, said)
		e.Hint = fmt.Sprintf("use credentials that may do %s", q.action)
	case late:
		e.Kind, e.text = ErrTimeLimit, fmt.Sprintf("AWS has not answered %s in %s within %v", q.action, q.region, limit)
		e.Hint = conn.wayTo(service)
	case unsent(err):
		e.Kind, e.text = ErrUnreachable, fmt.Sprintf("reaching AWS for %s in %s: %s", q.action, q.region, said)
		e.Hint = conn.wayTo(service)
	default:
		e.text = fmt.Sprintf("asking AWS for %s in %s: %s", q.action, q.region, said)
	}
	return e
}

// wayTo says what may be wrong with the way to a service.
func (conn *connection) wayTo(service string) string {
	if own := conn.endpoint(service); own != "" {
		return fmt.Sprintf("the environment or the AWS profile sends questions to %s: see whether that answers", own)
	}
	return "check the network, the proxy (HTTPS_PROXY) and the name of the region"
}

// saying is the part of an error that tells something: AWS's own words, or
// the network's.
func saying(err error) string {
	if failed, ok := errors.AsType[smithy.APIError](err); ok {
		if failed.ErrorMessage() == "" {
			return failed.ErrorCode()
		}
		return failed.ErrorCode() + ": " + failed.ErrorMessage()
	}
	if failed, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return failed.Err.Error()
	}
	if failed, ok := errors.AsType[*smithy.OperationError](err); ok {
		return failed.Err.Error()
	}
	return err.Error()
}

func throttled(err error) bool {
	failed, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	_, known := retry.DefaultThrottleErrorCodes[failed.ErrorCode()]
	return known || status(err) == http.StatusTooManyRequests
}

// status is the status of the answer, 0 where there was none.
func status(err error) int {
	if res, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return res.HTTPStatusCode()
	}
	return 0
}

func unsent(err error) bool {
	_, ok := errors.AsType[*smithyhttp.RequestSendError](err)
	return ok
}
