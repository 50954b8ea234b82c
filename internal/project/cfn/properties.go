package cfn

import "slices"

// commonProperties are those that both function types have.
var commonProperties = []string{
	"Architectures", "CapacityProviderConfig", "CodeSigningConfigArn", "Description", "DurableConfig", "Environment",
	"EphemeralStorage", "FileSystemConfigs", "FunctionName", "FunctionScalingConfig", "Handler", "ImageConfig",
	"KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "PackageType", "PublishToLatestPublished", "RecursiveLoop",
	"ReservedConcurrentExecutions", "Role", "Runtime", "RuntimeManagementConfig", "SnapStart", "Tags",
	"TenancyConfig", "Timeout", "VpcConfig",
}

// serverlessProperties are those that SAM's type has besides.
var serverlessProperties = []string{
	"AssumeRolePolicyDocument", "AutoPublishAlias", "AutoPublishAliasAllProperties", "AutoPublishCodeSha256",
	"CodeUri", "DeadLetterQueue", "DeploymentPreference", "EventInvokeConfig", "Events", "FunctionUrlConfig",
	"ImageUri", "InlineCode", "PermissionsBoundary", "Policies", "PropagateTags",
	"ProvisionedConcurrencyConfig", "RolePath", "SourceKMSKeyArn", "Tracing", "VersionDeletionPolicy", "VersionDescription",
}

// lambdaProperties are those that CloudFormation's type has besides.
var lambdaProperties = []string{"Code", "DeadLetterConfig", "TracingConfig"}

// functionProperties are the properties of a function type.
func functionProperties(typ string) []string {
	if typ == serverlessFunction {
		return slices.Concat(commonProperties, serverlessProperties)
	}
	return slices.Concat(commonProperties, lambdaProperties)
}
