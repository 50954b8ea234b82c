package remote

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The SDK's client for SSM builds tables for all 150 operations before the
// program starts, which takes longer than the whole rest of the SDK; that for
// S3 makes the program a quarter larger. One operation of each is asked for
// here, so its request is made of the SDK's parts: signer, retryer, errors.

// signed is a request to a service whose client is not linked.
type signed struct {
	service, region string
	method, address string
	header          http.Header
	body            []byte
	limit           int64 // bytes that are read of the answer
}

// send puts a question as often as the SDK's retryer says and returns the
// answer's body.
func (conn *connection) send(ctx context.Context, s signed) ([]byte, error) {
	again := conn.retryer
	for attempt := 1; ; attempt++ {
		reply, err := conn.try(ctx, s)
		if err == nil || attempt == attempts || !again.IsErrorRetryable(err) {
			return reply, err
		}
		pause, delayErr := again.RetryDelay(attempt, err)
		if delayErr != nil {
			return nil, errors.Join(err, delayErr)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (conn *connection) try(ctx context.Context, s signed) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, s.method, s.address, bytes.NewReader(s.body))
	if err != nil {
		return nil, err
	}
	for name, values := range s.header {
		req.Header[name] = values
	}
	keys, err := conn.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(s.body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	// S3 takes a path as it is written; others want it escaped twice.
	asWritten := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.service == "s3" }
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hash, s.service, s.region, time.Now(), asWritten); err != nil {
		return nil, err
	}
	res, err := conn.http.Do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(res.Body, s.limit+1))
	switch {
	case err != nil:
		return nil, &smithyhttp.RequestSendError{Err: err}
	case res.StatusCode != http.StatusOK:
		return nil, refusal(res, reply)
	case int64(len(reply)) > s.limit:
		return nil, fmt.Errorf("the answer has more than %d MB", s.limit>>20)
	}
	return reply, nil
}

// address is where a service is asked: the user's own address for it, else
// AWS's. In all partitions that is CloudFormation's with another first word.
func (conn *connection) address(ctx context.Context, service, region string) (string, error) {
	if own := conn.endpoint(service); own != "" {
		return strings.TrimSuffix(own, "/"), nil
	}
	e, err := cloudformation.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, cloudformation.EndpointParameters{Region: &region}.WithDefaults())
	if err != nil {
		return "", err
	}
	e.URI.Host = service + strings.TrimPrefix(e.URI.Host, "cloudformation")
	return strings.TrimSuffix(e.URI.String(), "/"), nil
}

// refusal is the error that the SDK's own clients make of a reply, in JSON or XML.
func refusal(res *http.Response, reply []byte) error {
	var said struct {
		Type    string `json:"__type" xml:"Code"`
		Message string `json:"message" xml:"Message"` // in any case
	}
	if json.Unmarshal(reply, &said) != nil && xml.Unmarshal(reply, &said) != nil {
		said.Type, said.Message = "", "" // whoever has answered does not speak the service's language
	}
	code := cmp.Or(res.Header.Get("X-Amzn-Errortype"), said.Type, res.Status)
	code, _, _ = strings.Cut(code[strings.LastIndexByte(code, '#')+1:], ":")
	return &awshttp.ResponseError{
		RequestID: cmp.Or(res.Header.Get("X-Amzn-Requestid"), res.Header.Get("X-Amz-Request-Id")),
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: res},
			Err:      &smithy.GenericAPIError{Code: code, Message: said.Message},
		},
	}
}

// maxReply bounds what is read of an answer of SSM, in bytes; a parameter has
// 8 KB, a secret 64 KB.
const maxReply = 1 << 20

// ssm puts one question to SSM, whose protocol is JSON 1.1: an operation named
// in a header and an object posted. It decodes the answer into out.
func (conn *connection) ssm(ctx context.Context, region, operation string, in map[string]any, out any) error {
	address, err := conn.address(ctx, "ssm", region)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	reply, err := conn.send(ctx, signed{
		service: "ssm", region: region, method: http.MethodPost, address: address + "/", body: body, limit: maxReply,
		header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AmazonSSM." + operation}},
	})
	if err != nil {
		return err
	}
	return json.Unmarshal(reply, out)
}

// maxObject bounds what is read of an object of S3, in bytes.
const maxObject = 10 << 20

// object gets an object of S3. The bucket is the path's first element: what
// plays S3 has one name for all buckets, and S3 itself takes both.
func (conn *connection) object(ctx context.Context, region, bucket, key string) ([]byte, error) {
	address, err := conn.address(ctx, "s3", region)
	if err != nil {
		return nil, err
	}
	return conn.send(ctx, signed{
		service: "s3", region: region, method: http.MethodGet, address: address + "/" + bucket + "/" + escaped(key), limit: maxObject,
	})
}

// escaped writes a key as S3's signature has it: each byte but letters, digits,
// "-._~" and slashes is escaped.
func escaped(key string) string {
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
