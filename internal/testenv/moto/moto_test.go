package moto

import (
	"testing"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestServersAreEachAnAWSOfTheirOwn(t *testing.T) {
	testenv.Leaks(t)
	one, other := Start(t), Start(t)
	one.Do(t, `boto3.client("ssm").put_parameter(Name="/a", Value="1", Type="String")`)
	list := `print([p["Name"] for p in boto3.client("ssm").describe_parameters()["Parameters"]])`
	if got := one.Do(t, list); got != "['/a']" {
		t.Errorf("got %s", got)
	}
	if got := other.Do(t, list); got != "[]" {
		t.Errorf("the other server has %s", got)
	}
	one.Guard(t)
	refused := one.Do(t, `
try:
    boto3.client("cloudformation").list_stacks()
except Exception as e:
    print(e.response["Error"]["Code"])`)
	if refused != "InvalidClientTokenId" {
		t.Errorf("a guarded server answers %q", refused)
	}
}
