package remote

import (
	"cmp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
)

// endpoint is the address that the user has set for a service, in the order of
// precedence that AWS documents for all of its SDKs; "" is AWS's own.
func endpoint(env map[string]string, shared *config.SharedConfig, service string) string {
	ignored := shared.IgnoreConfiguredEndpoints != nil && *shared.IgnoreConfiguredEndpoints
	if value := env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]; value != "" {
		ignored = strings.EqualFold(value, "true")
	}
	if ignored {
		return ""
	}
	return cmp.Or(
		env["AWS_ENDPOINT_URL_"+strings.ToUpper(service)],
		env["AWS_ENDPOINT_URL"],
		shared.Services.ServiceValues[service]["endpoint_url"],
		shared.BaseEndpoint,
	)
}
