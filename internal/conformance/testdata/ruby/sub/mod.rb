def handler(event:, context:)
  'in a folder'
end
