# frozen_string_literal: true

module Lambkin
  # Where the bootstrap lies, as Ruby names it in traces.
  FOLDERS = [File.dirname(__FILE__), __dir__].uniq.map { |folder| "#{folder}/" }.freeze

  # An exception, told as AWS's runtime tells it.
  class Fault
    # The frames that AWS's runtime looks at.
    DEPTH = 100

    # The classes that AWS's runtime names to the platform.
    NAMED = %w[ArgumentError NoMethodError Exception StandardError NameError LoadError SystemExit SystemStackError].freeze

    attr_reader :object

    # phase is "Function", or "Init" before the first event.
    def initialize(error, phase)
      @error = error
      @object = { errorMessage: utf8(error.message), errorType: "#{phase}<#{error.class}>", stackTrace: trace }
    end

    def json
      JSON.generate(@object)
    end

    # The type for the platform's own records.
    def header
      "Lambda-Runtime-Function-Error-Type: #{NAMED.include?(@error.class.to_s) ? @object[:errorType] : 'Function<UserException>'}\r\n"
    end

    # Tells whether the process ends after this one: AWS takes an unknown name
    # for a broken program, other than a failure that the program may expect.
    def critical?
      @error.is_a?(NameError) || !@error.is_a?(StandardError)
    end

    # What Ruby itself would print of it.
    def traceback
      first, *rest = utf8(@error.full_message(highlight: false, order: :top)).lines
      [first, *rest.reject { |line| FOLDERS.any? { |folder| line.start_with?("\tfrom #{folder}") } }].join
    end

    private

    def trace
      (@error.backtrace_locations || []).first(DEPTH).reject { |frame| frame.path.to_s.start_with?(*FOLDERS) }.map { |frame| utf8(frame.to_s) }
    end

    def utf8(text)
      text = text.dup.force_encoding(Encoding::UTF_8) if [Encoding::BINARY, Encoding::US_ASCII].include?(text.encoding)
      text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub
    end
  end
end
