# frozen_string_literal: true

module AwsLambda
  # How events become objects and results become text. Functions that know what
  # they are doing put their own methods here, on AWS as well.
  class Marshaller
    class << self
      # request answers to [] with a header and to body.
      def marshall_request(request)
        request['Content-Type'] == 'application/json' ? JSON.parse(request.body) : request.body
      end

      # Returns text; or what is to be read and sent as it is, and its type.
      def marshall_response(response)
        case response
        when IO, *(defined?(::StringIO) ? [::StringIO] : []) then [response, 'application/unknown']
        else response.to_json
        end
      end
    end
  end
end

# The context that handlers get.
class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name, :memory_limit_in_mb,
              :function_version, :identity, :client_context, :deadline_ms, :tenant_id

  def initialize(request)
    # Clocks may be set while the function runs.
    @clock_diff = Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond) - monotonic
    @deadline_ms = request['Lambda-Runtime-Deadline-Ms'].to_i
    @aws_request_id = request['Lambda-Runtime-Aws-Request-Id']
    @invoked_function_arn = request['Lambda-Runtime-Invoked-Function-Arn']
    @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
    @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
    @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
    @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
    @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
    @identity = parse(request['Lambda-Runtime-Cognito-Identity'])
    @client_context = parse(request['Lambda-Runtime-Client-Context'])
    @tenant_id = request['Lambda-Runtime-Aws-Tenant-Id']
  end

  def get_remaining_time_in_millis
    [@deadline_ms - @clock_diff - monotonic, 0].max
  end

  private

  def monotonic
    Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
  end

  def parse(header)
    JSON.parse(header) if header
  end
end

module Lambkin
  # What AWS's runtime does.
  module AWS
    class << self
      def prepare
        if defined?(::Logger)
          require_relative 'logging'
        else
          $LOAD_PATH.unshift(File.join(__dir__, 'lib')) # its logger.rb comes before Ruby's
        end
      end

      # Tells libraries of the invocation's trace.
      def trace(request)
        header = request['Lambda-Runtime-Trace-Id']
        ENV['_X_AMZN_TRACE_ID'] = header if header
      end

      def load(name)
        LambdaHandler.new(name)
      end

      def event(request)
        AwsLambda::Marshaller.marshall_request(request)
      end

      def context(request)
        LambdaContext.new(request)
      end

      # Returns the text to send, and its type.
      def result(value)
        body, type = AwsLambda::Marshaller.marshall_response(value)
        type == 'application/unknown' ? [body.read.to_s, type] : [body.to_s, type]
      end

      def log(message, fault)
        STDOUT.write("#{message}\n#{JSON.pretty_generate(fault.object)}\n")
      end
    end
  end
end
