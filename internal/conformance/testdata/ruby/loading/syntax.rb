def handler(event:, context:)
