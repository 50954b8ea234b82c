package cfn

// intrinsic resolves one call of a function.
type intrinsic func(call) value

// intrinsicTable names the functions that templates may call. It is made for
// each load because the functions call each other through it.
func intrinsicTable() map[string]intrinsic {
	return map[string]intrinsic{
		"Ref":              ref,
		"Condition":        conditionValue,
		"Fn::And":          conditionValue,
		"Fn::Base64":       base64Text,
		"Fn::Cidr":         cidr,
		"Fn::Equals":       conditionValue,
		"Fn::FindInMap":    findInMap,
		"Fn::GetAZs":       getAZs,
		"Fn::GetAtt":       getAtt,
		"Fn::If":           ifElse,
		"Fn::ImportValue":  importValue,
		"Fn::Join":         join,
		"Fn::Length":       length,
		"Fn::Not":          conditionValue,
		"Fn::Or":           conditionValue,
		"Fn::Select":       selectItem,
		"Fn::Split":        split,
		"Fn::Sub":          sub,
		"Fn::ToJsonString": toJSONString,
		"Fn::Transform":    transform,
	}
}
