# frozen_string_literal: true

module Lambkin
  # What the Serverless Framework's local wrapper does.
  module Serverless
    # What is false in the framework's own language is no event.
    NOTHING = [nil, false, 0, ''].freeze

    class << self
      attr_reader :function

      # Makes the environment the one that the framework would have. Where gems
      # are found stays: they may be looked for later.
      def prepare
        @function = JSON.parse(ENV.delete('_LAMBKIN_FUNCTION') || '{}')
        changes = JSON.parse(ENV.delete('_LAMBKIN_SHELL') || '{}')
        (changes['unset'] || []).each { |name| ENV.delete(name) unless name.start_with?('GEM_', 'RUBY') }
        (changes['set'] || []).each { |name, value| ENV[name] = value }
      end

      def trace(_request); end

      def load(name)
        Handler.new(name)
      end

      def event(request)
        event = JSON.parse(request.body)
        NOTHING.include?(event) ? {} : event
      end

      def context(request)
        Context.new(request)
      end

      def result(value)
        value.to_json
      end

      def log(_message, fault)
        $stderr.write(fault.traceback)
      end
    end

    # A method of the file before the first dot.
    class Handler
      def initialize(handler)
        file, name = handler.split('.', 2)
        raise ArgumentError, "the handler #{handler.inspect} has no method: write FILE.METHOD or FILE.CLASS.METHOD" if name.to_s.empty?

        @method, @owner = name.split('.').reverse
        require "./#{file}"
      end

      def call(event, context)
        Object.const_get(@owner || 'Kernel').send(@method, event: event, context: context)
      end
    end

    # The framework's context. Members of the custom context become variables of
    # it, before the framework sets its own; here they have a method, too.
    class Context
      attr_reader :function_name, :function_version, :aws_request_id, :log_stream_name, :memory_limit_in_mb,
                  :invoked_function_arn, :log_group_name, :deadline_ms

      def initialize(request)
        @created_time = Time.now
        @function_name = Serverless.function['name']
        @function_version = 'LATEST'
        @memory_limit_in_mb = (ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] || 1024).to_i
        @timeout = request['Lambda-Runtime-Deadline-Ms'].to_i / 1000.0 - @created_time.to_f
        adopt(request['Lambkin-Context'])
        @aws_request_id = request['Lambda-Runtime-Aws-Request-Id']
        @invoked_function_arn = "arn:aws:lambda:aws-region:acct-id:function:#{@function_name}"
        @log_group_name = "/aws/lambda/#{@function_name}"
        @log_stream_name = "#{@created_time.strftime('%Y/%m/%d')}/[$#{@function_version}]58419525dade4d17a495dceeeed44708"
        @deadline_ms = (@created_time + @timeout).to_i * 1000
      end

      def get_remaining_time_in_millis
        [((@timeout - (Time.now - @created_time)) * 1000).round, 0].max
      end

      def log(message)
        puts message
      end

      private

      def adopt(header)
        custom = header && JSON.parse(header)
        case custom
        when Hash then custom.each { |name, value| member(name, value) }
        when String, Array then warn "the custom context is left out: a Ruby function's is an object, this one is #{header}"
        end
      end

      def member(name, value)
        return @function_version = value if name == 'version' # the wrapper's own name for it
        return warn("#{name.inspect} of the custom context is left out: it cannot be a variable's name") unless name.match?(/\A[[:alpha:]_]\w*\z/)

        instance_variable_set("@#{name}", value)
        define_singleton_method(name) { instance_variable_get("@#{name}") } unless respond_to?(name, true)
      end
    end
  end
end
