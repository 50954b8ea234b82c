# frozen_string_literal: true

module Lambkin
  # Runs a function until the platform or the function ends the process.
  class Runner
    # Exit statuses of AWS's runtime.
    STOPPED = 0
    CRITICAL = 255
    NOT_STARTED = 252

    # vocabulary is the module [AWS] or [Serverless].
    def initialize(vocabulary, client)
      @vocabulary = vocabulary
      @client = client
    end

    # Returns the process's exit status.
    def run(name)
      @handler = @vocabulary.load(name)
      while (request = @client.next)
        return CRITICAL unless answer(request)
      end
      STOPPED
    rescue Exception => error # a program that cannot be loaded may raise anything, and so may an exit
      fault = Fault.new(error, 'Init')
      @vocabulary.log('Init error when loading handler ', fault)
      @client.post('init/error', fault.json, 'application/json', fault.header)
      NOT_STARTED
    end

    private

    # Answers one invocation; false when it was the last.
    def answer(request)
      id = $_global_aws_request_id = request['Lambda-Runtime-Aws-Request-Id']
      @vocabulary.trace(request)
      event = @vocabulary.event(request)
      context = @vocabulary.context(request)
      begin
        body, type = @vocabulary.result(@handler.call(event, context))
      rescue Exception => error
        return failed(id, Fault.new(error, 'Function'))
      end
      @client.post("invocation/#{id}/response", body, type || 'application/json')
      true
    end

    def failed(id, fault)
      @vocabulary.log(fault.critical? ? 'Critical exception from handler' : 'Error raised from handler method', fault)
      @client.post("invocation/#{id}/error", fault.json, 'application/json', fault.header)
      !fault.critical?
    end
  end
end
