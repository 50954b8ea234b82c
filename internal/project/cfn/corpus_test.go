package cfn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/project/cfn"
)

// expected is what SAM CLI says of a template.
type expected struct {
	Template  string
	Functions []expectedFunction
}

type expectedFunction struct {
	LogicalID     string `json:"logical_id"`
	FunctionID    string `json:"function_id"`
	FunctionName  string `json:"function_name"`
	FullPath      string `json:"full_path"`
	Handler       string
	Runtime       string
	Timeout       any
	Memory        any
	CodeURI       *string
	Inline        bool
	PackageType   string
	Architectures []string
	Layers        []string
	Environment   map[string]any
}

// differences are where lambkin gives what AWS would and SAM CLI does not.
var differences = map[string]string{
	// ARNs and URLs of the resource's own type, by Ref and GetAtt.
	"apigw-lambda-dynamodb-go-sam PutItemsFunction env USERS_TABLE_ARN":                            "arn:aws:dynamodb:us-east-1:123456789012:table/Users",
	"apigw-lambda-sfn-transcribe-translate-polly-sam InvokerLambda env statemachine_arn":           "arn:aws:states:us-east-1:123456789012:stateMachine:Orchestrator",
	"appsync-lambda-sfn-sam SamStepFunctionFunction env STATE_MACHINE_ARN":                         "arn:aws:states:us-east-1:123456789012:stateMachine:SamStepFunctionStateMachine",
	"cloudwatch-account-subscription-Lambda-sns-notification NotificationLambda env SNS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:AccountLevelNotificationTopic",
	"cognito-sns-sms-origination-id-sam CustomSmsSenderLambda env KEY_ARN":                         "arn:aws:kms:us-east-1:123456789012:key/KMSKey",
	"eventbridge-lambda-fsx-openzfs-periodic-replication SnapshotLambda env SNS_TOPIC_ARN":         "arn:aws:sns:us-east-1:123456789012:local-notification",
	"lambda-durable-webhook-sam-python WebhookValidatorFunction env PROCESSOR_FUNCTION_NAME":       "arn:aws:lambda:us-east-1:123456789012:function:WebhookProcessorFunction:live",
	"lambda-sfn LambdaProxy env StateMachineArn":                                                   "arn:aws:states:us-east-1:123456789012:stateMachine:StateMachine",
	"lambda-sfn-rust LambdaProxy env STATE_MACHINE_ARN":                                            "arn:aws:states:us-east-1:123456789012:stateMachine:StateMachine",
	"lambda-sqs QueuePublisherFunction env SQSqueueName":                                           "https://sqs.us-east-1.amazonaws.com/123456789012/MySqsQueue",
	"lambda-sqs-lambda-sam-java PaymentProducer env QUEUE_URL":                                     "https://sqs.us-east-1.amazonaws.com/123456789012/Payments",
	"lambda-sqs-rust-sam QueuePublisherFunction env SQS_QUEUE_NAME":                                "https://sqs.us-east-1.amazonaws.com/123456789012/MySqsQueue",
	"s3-lambda-mediaconvert LambdaFunction env MediaConvertRole":                                   "arn:aws:iam::123456789012:role/MediaConvertRole",
	"sam-dotnet-durablefunction-expenseapproval ExpenseStarterFunction env WORKFLOW_FUNCTION_NAME": "arn:aws:lambda:us-east-1:123456789012:function:ExpenseWorkflowFunction:live",

	// Names that the template gives its resources.
	"cognito-sns-sms-origination-id-sam CustomSmsSenderLambda env KEY_ALIAS":                    "alias/MyLambdaKMSKey",
	"dynamodb-streams-lambda-eventbridge-sam-node MyFunction env BUS_NAME":                      "local-bus",
	"eventbridge-cross-region__eventbus-source WebhookFunction env EVENT_BUS_NAME":              "CrossRegionSource",
	"lambda-durable-saga-python-sam SagaOrchestratorFunction env INVENTORY_TABLE":               "local-inventory",
	"lambda-durable-saga-python-sam SagaOrchestratorFunction env ORDERS_TABLE":                  "local-orders",
	"lambda-durable-saga-python-sam SagaOrchestratorFunction env PAYMENTS_TABLE":                "local-payments",
	"lambda-durable-webhook-sam-python WebhookProcessorFunction env EVENTS_TABLE_NAME":          "local-webhook-events",
	"lambda-durable-webhook-sam-python StatusQueryFunction env EVENTS_TABLE_NAME":               "local-webhook-events",
	"lambda-iot-sam LambdaFuncton env IOT_TOPIC":                                                "local-iot",
	"s3-lambda-transcribe-sam SpeechToTextFunction env OUTPUT_BUCKET":                           "speech2text-output-bucket",
	"sqs-lambda-tenant-isolation-sam-py SQSProcessorFunction env TENANT_ISOLATED_FUNCTION_NAME": "tenant-isolated-processor",

	// AWS's own domain, values that only AWS knows left empty, layers without
	// an ARN left out, and a path above the template.
	"alb-cognito-lambda LambdaFunction layers":                                        "0",
	"apigw-lambda-sfn-transcribe-translate-polly-sam InvokerLambda env APIG_ENDPOINT": "CapstoneWebSocketApi.execute-api.us-east-1.amazonaws.com/dev",
	"apigw-private-cdn-private-ca-sam APITestingLambdaFunction env CERTIFICATE_ARN":   "",
	"apigw-websocket-api-sqs-lambda SQSWebsocketResponse env ApiGatewayEndpoint":      "https://APIGWWebsocketSQSLambda.execute-api.us-east-1.amazonaws.com/production",
	"lambda-layer-ssm-parameters__function Function layers":                           "0",
	"s3-lambda-bedrock-aoss DocumentIngestionLambdaFunction env AOS_HOST":             "",
	"strands-agentcore-apigw__infrastructure AgentLambdaFunction code":                "../src",
}

// TestCorpusAgreesWithSAM compares real templates with what SAM CLI finds in
// them. LAMBKIN_CORPUS names a folder with sam/*/expected.json.
func TestCorpusAgreesWithSAM(t *testing.T) {
	corpus := os.Getenv("LAMBKIN_CORPUS")
	if corpus == "" {
		t.Skip("LAMBKIN_CORPUS names no folder with templates")
	}
	files, err := filepath.Glob(filepath.Join(corpus, "sam", "*", "expected.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates in %s (%v)", corpus, err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) { compareWithSAM(t, dir) })
	}
}

func compareWithSAM(t *testing.T, dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want expected
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	p, diags := cfn.Loader{}.Load(context.Background(), filepath.Join(dir, want.Template), project.Options{})
	if p == nil {
		t.Fatalf("the template does not load: %v", diags)
	}
	byPath := map[string]*lambda.Function{}
	for _, fn := range p.Functions {
		byPath[fn.Path] = fn
	}
	for _, w := range want.Functions {
		fn := byPath[w.FullPath]
		if stack, _, nested := strings.Cut(w.FullPath, "/"); nested && diags.For(stack).HasErrors() {
			continue // the corpus lacks the nested template
		}
		if fn == nil {
			t.Errorf("no function %s", w.FullPath)
			continue
		}
		agreed := settings(w)
		for key := range agreed {
			if v, ok := differences[filepath.Base(dir)+" "+w.FullPath+" "+key]; ok {
				agreed[key] = v
			}
		}
		diff(t, w.FullPath+", SAM and lambkin", agreed, loadedSettings(fn, dir))
	}
}

// settings are SAM's values as lambkin writes them: with defaults, and
// without those that SAM did not resolve.
func settings(w expectedFunction) map[string]string {
	out := map[string]string{
		"id": w.FunctionID, "logical id": w.LogicalID, "name": w.FunctionName, "handler": w.Handler, "runtime": w.Runtime,
		"timeout": number(w.Timeout, "3"), "memory": number(w.Memory, "128"), "package": w.PackageType,
		"layers": fmt.Sprint(len(w.Layers)), "architecture": "x86_64", "inline": fmt.Sprint(w.Inline),
	}
	if len(w.Architectures) > 0 {
		out["architecture"] = w.Architectures[0]
	}
	if w.CodeURI != nil {
		out["code"] = filepath.Clean(*w.CodeURI)
	}
	for name, v := range w.Environment {
		switch v := v.(type) {
		case string:
			out["env "+name] = v
		case float64, bool:
			out["env "+name] = fmt.Sprint(v)
		default:
			out["env "+name] = ""
		}
	}
	return out
}

func number(v any, fallback string) string {
	if v == nil {
		return fallback
	}
	return fmt.Sprint(v)
}

func loadedSettings(fn *lambda.Function, dir string) map[string]string {
	out := map[string]string{
		"id": fn.ID, "logical id": fn.LogicalID, "name": fn.Name, "handler": fn.Handler, "runtime": fn.Runtime,
		"timeout": fmt.Sprint(int(fn.Timeout / time.Second)), "memory": fmt.Sprint(fn.MemoryMB), "package": string(fn.PackageType),
		"layers": fmt.Sprint(len(fn.Layers)), "architecture": fn.Architecture, "inline": fmt.Sprint(fn.Code.Inline != ""),
	}
	if fn.PackageType == lambda.Image {
		out["code"] = "." // where SAM CLI would build the image
	} else if path := fn.Code.Dir + fn.Code.Archive; path != "" {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			rel = path
		}
		out["code"] = rel
	}
	for _, v := range fn.Environment {
		out["env "+v.Name] = v.Value
	}
	return out
}
