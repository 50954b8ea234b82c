# frozen_string_literal: true

# The first file of lambkin's Ruby runtime. It loads the function's handler and
# answers invocations over the Lambda Runtime API, as AWS's runtime does; with
# the Serverless Framework's vocabulary, as the framework's local wrapper does.
# It keeps to what Ruby 2.5 understands.
#
# Starting fast is half of its job. Ruby is started without RubyGems, which take
# several times as long as Ruby itself, and of what AWS's runtime has loaded
# only JSON is here before it is used: gems.rb brings the rest.

# What is printed is seen, also when the function is killed.
$stdout.flush.sync = true

require_relative 'client'
require 'json'
require_relative 'gems'
require_relative 'fault'
require_relative 'handler'
require_relative 'runner'

serverless = ENV.delete('_LAMBKIN_DIALECT') == 'serverless'
Lambkin::Gems.install
if serverless
  require_relative 'serverless'
  vocabulary = Lambkin::Serverless
else
  require_relative 'aws'
  vocabulary = Lambkin::AWS
end
root = ENV['LAMBDA_TASK_ROOT'] || Dir.pwd
$LOAD_PATH.unshift(root) unless $LOAD_PATH.include?(root)
api = ENV.fetch('AWS_LAMBDA_RUNTIME_API')
handler = ENV['_HANDLER'].to_s
vocabulary.prepare
runner = Lambkin::Runner.new(vocabulary, Lambkin::Client.new(api))
exit(runner.run(handler))
