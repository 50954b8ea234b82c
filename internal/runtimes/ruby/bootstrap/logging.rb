# frozen_string_literal: true

module Lambkin
  # Loggers that write to the standard streams, as AWS's runtime makes them. A
  # formatter or a level of the function's own stays.
  module Logging
    def initialize(device, *rest, **options)
      unless device.nil? || device.equal?($stdout) || device.equal?($stderr)
        super
        return
      end
      level = ENV['AWS_LAMBDA_LOG_LEVEL'].to_s.downcase.sub('trace', 'debug')
      options[:level] = level if !options.key?(:level) && %w[debug info warn error fatal].include?(level)
      super(device || STDOUT, *rest, **options)
      @default_formatter = (ENV['AWS_LAMBDA_LOG_FORMAT'].to_s.casecmp?('JSON') ? JSONLines : Lines).new
      @default_formatter.datetime_format = options[:datetime_format]
    end

    # Ruby's own form, with the request's id.
    class Lines < ::Logger::Formatter
      def call(severity, time, progname, message)
        head = "#{severity[0]}, [#{format_datetime(time).rstrip} ##{Process.pid}] #{severity.rjust(5)}"
        "#{head} #{$_global_aws_request_id} -- #{progname}: #{msg2str(message)}\n"
      end
    end

    # One object a line.
    class JSONLines < ::Logger::Formatter
      def call(severity, time, progname, message)
        error = message if message.is_a?(Exception)
        record = {
          timestamp: time.getutc.strftime('%Y-%m-%dT%H:%M:%S.%6NZ'),
          level: severity,
          message: utf8(error ? error.message : msg2str(message)),
          requestId: $_global_aws_request_id,
          logger: (utf8(progname) unless progname.to_s.empty?)
        }
        record.update(describe(error)) if error
        "#{JSON.generate(record.compact)}\n"
      end

      private

      def describe(error)
        trace = (error.backtrace || []).map { |line| utf8(line) }
        place = /\A(?<file>.+):(?<line>\d+):in [`'](?<method>.+)'\z/.match(trace.first.to_s)
        {
          errorType: error.class.to_s,
          errorMessage: utf8(error.message),
          stackTrace: trace,
          location: place ? "#{place[:file]}:#{place[:method]}:#{place[:line]}" : trace.first
        }
      end

      def utf8(text)
        text.to_s.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub
      end
    end
  end
end

Logger.prepend(Lambkin::Logging)
