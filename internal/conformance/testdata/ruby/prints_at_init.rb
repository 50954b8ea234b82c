puts 'loading'

def handler(event:, context:)
  'loaded'
end
