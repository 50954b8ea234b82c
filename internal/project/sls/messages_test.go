package sls

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/project"
)

const mistakes = `service: shop
frameworkVersion: "3"
plugins: [serverless-offline]
provider:
  name: aws
  runtime: nodejs20.x
  environment:
    TABLE: ${self:custom.tabel}
custom:
  table: shop-${sls:stage}
functions:
  create:
    handler: src/create.handler
    timout: 10
    environment:
      TOPIC_ARN: !GetAtt Topic.Arn
  list:
    handlr: src/list.handler
  remove:
    handler: src/remove.handler
    environment:
      SECRET: ${ssm:/shop/secret}
      LEVEL: ${opt:level, info}
`

const explained = `FILE:14:5: warning: "timout" is not a property of a function
   14 |     timout: 10
      |     ^~~~~~
hint: did you mean "timeout"?
FILE:8:12: error: Cannot resolve variable at "provider.environment.TABLE": Value not found at "self" source
    8 |     TABLE: ${self:custom.tabel}
      |            ^~~~~~~~~~~~~~~~~~~~
  There is no "custom.tabel".
hint: did you mean "custom.table"?
FILE:16:18: warning: the environment variable "TOPIC_ARN" cannot be resolved on this machine: "Fn::GetAtt" is known on AWS only
   16 |       TOPIC_ARN: !GetAtt Topic.Arn
      |                  ^~~~~~~~~~~~~~~~~
  The function gets the JSON text of what the service says.
hint: give it a value: --env TOPIC_ARN=…
FILE:18:5: warning: "handlr" is not a property of a function
   18 |     handlr: src/list.handler
      |     ^~~~~~
hint: did you mean "handler"?
FILE:17:3: error: the function "list" has no handler
   17 |   list:
      |   ^~~~
hint: was "handlr" meant to be "handler"?
FILE:22:15: error: Cannot resolve variable at "functions.remove.environment.SECRET": AWS is not asked here
   22 |       SECRET: ${ssm:/shop/secret}
      |               ^~~~~~~~~~~~~~~~~~~
  The variable ${ssm:/shop/secret} has its value at AWS.
hint: give it a value: --var-override 'ssm:/shop/secret=…'
FILE:23:27: error: Variable syntax error at "functions.remove.environment.LEVEL": Invalid literal source "info" at index 13 in "${opt:level, info}"
   23 |       LEVEL: ${opt:level, info}
      |                           ^~~~~
hint: put quotes around it: 'info'
`

// TestMessagesAsTheUserReadsThem shows the common mistakes as they are printed.
func TestMessagesAsTheUserReadsThem(t *testing.T) {
	file := filepath.Join(files{"serverless.yml": mistakes}.write(t), "serverless.yml")
	_, diags := Loader{}.Load(t.Context(), file, project.Options{})
	var out strings.Builder
	(&diag.Printer{W: &out}).Print(diags)
	if diff := cmp.Diff(explained, strings.ReplaceAll(out.String(), file, "FILE")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
