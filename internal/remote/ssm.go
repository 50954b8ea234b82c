package remote

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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
// program starts, which takes longer than the whole rest of the SDK. One
// operation is asked for here, so its request is made of the SDK's parts: the
// protocol is JSON 1.1, an operation named in a header and an object posted.

// maxReply bounds what is read of an answer of SSM, in bytes; a parameter has
// 8 KB, a secret 64 KB.
const maxReply = 1 << 20

// ssm puts one question to SSM and decodes the answer into out.
func (conn *connection) ssm(ctx context.Context, region, operation string, in map[string]any, out any) error {
	address, err := conn.ssmAddress(ctx, region)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := conn.postSSM(ctx, address, region, operation, body, out)
		if err == nil || attempt == attempts || !conn.retryer.IsErrorRetryable(err) {
			return err
		}
		pause, delayErr := conn.retryer.RetryDelay(attempt, err)
		if delayErr != nil {
			return errors.Join(err, delayErr)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// ssmAddress is the user's address for SSM, else AWS's: in all partitions it
// is CloudFormation's with another first word.
func (conn *connection) ssmAddress(ctx context.Context, region string) (string, error) {
	if own := conn.endpoint("ssm"); own != "" {
		return own, nil
	}
	e, err := cloudformation.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, cloudformation.EndpointParameters{Region: &region}.WithDefaults())
	if err != nil {
		return "", err
	}
	e.URI.Host = "ssm" + strings.TrimPrefix(e.URI.Host, "cloudformation")
	return e.URI.String(), nil
}

func (conn *connection) postSSM(ctx context.Context, address, region, operation string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(address, "/")+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM."+operation)
	keys, err := conn.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "ssm", region, time.Now()); err != nil {
		return err
	}
	res, err := conn.http.Do(req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	switch {
	case err != nil:
		return &smithyhttp.RequestSendError{Err: err}
	case res.StatusCode != http.StatusOK:
		return refusal(res, reply)
	}
	return json.Unmarshal(reply, out)
}

// refusal is the error that the SDK's own clients make of a reply.
func refusal(res *http.Response, reply []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // in any case
	}
	if json.Unmarshal(reply, &said) != nil {
		said.Message = "" // whoever has answered does not speak SSM's language
	}
	code := cmp.Or(res.Header.Get("X-Amzn-Errortype"), said.Type, res.Status)
	code, _, _ = strings.Cut(code[strings.LastIndexByte(code, '#')+1:], ":")
	return &awshttp.ResponseError{
		RequestID: res.Header.Get("X-Amzn-Requestid"),
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: res},
			Err:      &smithy.GenericAPIError{Code: code, Message: said.Message},
		},
	}
}
