package lambdaapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is an answer that refuses a request.
type Error struct {
	Status int
	// Code is the exception's name in AWS's SDKs.
	Code    string
	Message string
	// Reason is why there are too many requests, "" for other errors.
	Reason string
	// Type is User, Service or LocalService; "" goes by the status.
	Type string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) kind() string {
	switch {
	case e.Type != "":
		return e.Type
	case e.Status >= http.StatusInternalServerError:
		return "Service"
	}
	return "User"
}

// failure is an error of lambkin's, not of the caller's.
func failure(message string) *Error {
	return &Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: message}
}

func badParameter(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidParameterValueException", Message: message}
}

// invalid says that a member of a request breaks its rule.
func invalid(member, value, rule string) *Error {
	return &Error{
		Status: http.StatusBadRequest, Code: "ValidationException",
		Message: fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, rule),
	}
}

func badContent(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidRequestContentException", Message: message}
}

// notJSON refuses an event. Behind AWS's words stands what its parser says.
func (a *API) notJSON(why error) *Error {
	if a.opts.SAM {
		return &Error{
			Status: http.StatusBadRequest, Code: "InvalidRequestContent",
			Message: "Could not parse request body into json: No JSON object could be decoded",
		}
	}
	return badContent(fmt.Sprintf("Could not parse request body into json: Could not parse payload into json: %v", why))
}

// tooLarge has the words of the service, which names the code otherwise than
// its own model (RequestTooLargeException).
func tooLarge(size int64, invocationType string, limit int) *Error {
	return &Error{
		Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException",
		Message: fmt.Sprintf("%d byte payload is too large for the %s invocation type (limit %d bytes)", size, invocationType, limit),
	}
}

// tooMany refuses an invocation for now.
func tooMany(reason string) *Error {
	return &Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded.", Reason: reason}
}

// crossOrigin refuses a request of a web page, which would run the user's
// functions without being asked.
func crossOrigin() *Error {
	return &Error{
		Status: http.StatusForbidden, Code: "AccessDeniedException",
		Message: "functions are not run for pages of another origin: call them from a server, an SDK or the command line",
	}
}

// SAM CLI's local service has one account, in one region.
const samARN = "arn:aws:lambda:us-west-2:012345678901:function:"

func (a *API) notFound(name, qualifier string) *Error {
	if a.opts.SAM {
		return &Error{Status: http.StatusNotFound, Code: "ResourceNotFound", Message: "Function not found: " + samARN + name}
	}
	if qualifier == "" {
		qualifier = "$LATEST"
	}
	return &Error{
		Status: http.StatusNotFound, Code: "ResourceNotFoundException",
		Message: fmt.Sprintf("Function not found: arn:aws:lambda:%s:%s:function:%s:%s", a.opts.Region, a.opts.Account, name, qualifier),
	}
}

func (a *API) unknownPath(r *http.Request) *Error {
	if a.opts.SAM {
		return &Error{Status: http.StatusNotFound, Code: "PathNotFoundLocally", Type: "LocalService", Message: "PathNotFoundException"}
	}
	return &Error{
		Status: http.StatusNotFound, Code: "UnknownOperationException",
		Message: fmt.Sprintf("lambkin does not serve %s %s, only Invoke, InvokeWithResponseStream and InvokeAsync", r.Method, r.URL.Path),
	}
}

func (a *API) wrongMethod(r *http.Request) *Error {
	if a.opts.SAM {
		return &Error{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowedLocally", Type: "LocalService", Message: "MethodNotAllowedException"}
	}
	return &Error{
		Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowedException",
		Message: fmt.Sprintf("functions are invoked with POST, not with %s", r.Method),
	}
}

// fail writes an error. The key of the message is as the model of each
// exception has it.
func (a *API) fail(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = failure(err.Error())
	}
	key := "message"
	if a.opts.SAM || strings.HasPrefix(e.Code, "ResourceNotFound") || e.Status >= http.StatusInternalServerError {
		key = "Message"
	}
	members := map[string]string{"Type": e.kind(), key: e.Message}
	if e.Reason != "" {
		members["Reason"] = e.Reason
	}
	body, _ := json.Marshal(members) // texts always encode
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", e.Code)
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}
