# frozen_string_literal: true

# Handlers that only Ruby has.

module Things
  class Inner
    def self.call(event:, context:)
      name
    end
  end
end

class Thing
  def self.call(event:, context:)
    "#{name} in #{method(:call).source_location.first.split('/').last}"
  end

  def instance(event:, context:)
    'never'
  end

  def self.hidden(event:, context:)
    'private'
  end
  private_class_method :hidden
end

def any_keywords(**all)
  all.keys
end

def any_arguments(*all)
  all.length
end

def without_context(event:)
  event
end

def without_event(context:)
  context
end

def without_arguments; end

def positional(event, context)
  [event, context]
end

def with_default(event:, context:, more: 1)
  more
end

def with_extra(event:, context:, more:)
  more
end

def exit_3(event:, context:)
  exit 3
end

def exit_true(event:, context:)
  exit
end

def aborts(event:, context:)
  abort 'aborted'
end

def raises_exception(event:, context:)
  raise Exception, 'an exception'
end

def raises_name_error(event:, context:)
  unknown_thing
end

def raises_no_method(event:, context:)
  nil.unknown_method
end

def raises_not_implemented(event:, context:)
  raise NotImplementedError, 'later'
end

def raises_interrupt(event:, context:)
  raise Interrupt, 'stop'
end

def raises_no_memory(event:, context:)
  raise NoMemoryError, 'full'
end

def raises_load_error(event:, context:)
  require 'no_such_feature'
end

def raises_syntax_error(event:, context:)
  eval '1 +'
end

def recursion(event:, context:)
  recursion(event: event, context: context)
end

def raises_class(event:, context:)
  raise ArgumentError
end

def raises_empty(event:, context:)
  raise ''
end

module Deep
  class Error < StandardError; end
end

def raises_nested(event:, context:)
  raise Deep::Error, 'nested'
end

def raises_anonymous(event:, context:)
  raise Class.new(StandardError), 'anonymous'
end

class OddMessage < StandardError
  def message
    'from a method'
  end
end

def raises_odd_message(event:, context:)
  raise OddMessage
end

def raises_binary(event:, context:)
  raise "bytes \xff".b
end

def raises_from_ensure(event:, context:)
  begin
    raise 'first'
  ensure
    raise 'in ensure'
  end
end

def raises_frozen(event:, context:)
  'text' << 'more'
end

def raises_key_error(event:, context:)
  event.fetch('missing')
end

def raises_zero_division(event:, context:)
  1 / 0
end

def raises_stop_iteration(event:, context:)
  [].each.next
end

def throws(event:, context:)
  throw :nowhere
end

def raises_in_thread(event:, context:)
  Thread.new { raise 'in a thread' }.join
end

def thread_fails_alone(event:, context:)
  thread = Thread.new { raise 'alone' }
  sleep 0.01 while thread.alive?
  'goes on'
end

def raises_in_block(event:, context:)
  [1].each { |n| raise "in a block #{n}" }
end

def symbols(event:, context:)
  { a: :b }
end

def odd_keys(event:, context:)
  { 1 => 2, nil => 3, 1.5 => 4, true => 5, [1] => 6 }
end

def times(event:, context:)
  [Time.at(0).utc, 1..3, 1r, 10**30]
end

def a_struct(event:, context:)
  Struct.new(:a).new(1).to_a
end

class WithJSON
  def to_json(*)
    '{"own":true}'
  end
end

def own_json(event:, context:)
  [WithJSON.new]
end

class WithText
  def to_s
    'as text'
  end
end

def own_text(event:, context:)
  WithText.new
end

def nan(event:, context:)
  Float::NAN
end

def infinity(event:, context:)
  [Float::INFINITY]
end

def invalid_text(event:, context:)
  "\xff"
end

def other_encoding(event:, context:)
  'grüß'.encode('ISO-8859-1')
end

def circular(event:, context:)
  list = []
  list << list
end

def layout(event:, context:)
  { a: [1, { b: nil }], 'c' => 1.0 }
end

def escapes(event:, context:)
  "\"\\/\b\f\n\r\t\u0000\u001fé😀</script>"
end

def a_stream(event:, context:)
  require 'stringio'
  StringIO.new("raw \x01 bytes")
end

def a_file(event:, context:)
  File.open(File.join(__dir__, 'sub', 'data.txt'))
end

def prints_in_many_ways(event:, context:)
  p 1, 'two'
  pp [:a]
  $stdout.write("written\n")
  STDOUT << "shifted\n"
  printf("%05.1f\n", 1.25)
  putc 'c'
  puts
  $stderr.puts 'to stderr'
  nil
end

def child_processes(event:, context:)
  puts '1 parent'
  system('echo 2 child; echo 3 child >&2')
  puts `echo 4 captured`
  puts '5 parent'
end

def logs(event:, context:)
  require 'logger'
  logger = Logger.new($stdout)
  logger.debug('a debug')
  logger.info('an info')
  logger.warn('a warning')
  logger.error('an error')
  logger.fatal('a fatal')
  logger.unknown('an unknown')
  nil
end

def logs_with_name(event:, context:)
  require 'logger'
  logger = Logger.new($stdout, progname: 'prog')
  logger.info('named')
  logger.info('other') { 'block' }
  nil
end

def logs_error(event:, context:)
  require 'logger'
  begin
    raise ArgumentError, 'grüß'
  rescue ArgumentError => error
    Logger.new($stdout).error(error)
  end
  nil
end

def logs_own_format(event:, context:)
  require 'logger'
  logger = Logger.new($stdout)
  logger.formatter = proc { |severity, _, _, message| "#{severity}/#{message}\n" }
  logger.info('formatted')
  nil
end

def reads_input(event:, context:)
  [$stdin.read, gets]
end

def at_exit_runs(event:, context:)
  at_exit { puts 'at exit' }
  exit 7
end

def forks(event:, context:)
  pid = fork { exit! 9 }
  Process.wait(pid)
  $?.exitstatus
end

def handles_signal(event:, context:)
  seen = false
  old = trap(:USR1) { seen = true }
  Process.kill(:USR1, Process.pid)
  sleep 0.01 until seen
  old
end

def changes_environment(event:, context:)
  ENV['OWN'] = "#{ENV.fetch('OWN', '')}x"
  ENV['AWS_LAMBDA_FUNCTION_NAME'] = 'changed'
  [ENV.fetch('OWN'), context.function_name]
end

def private_variables(event:, context:)
  ENV.keys.grep(/LAMBKIN/)
end

def encodings(event:, context:)
  [Encoding.default_external, Encoding.default_internal, __ENCODING__, event['text'].encoding, $stdout.external_encoding].map(&:to_s)
end

def load_path(event:, context:)
  $LOAD_PATH.include?(Dir.pwd)
end

def relative_require(event:, context:)
  require_relative 'sub/mod'
  require 'sub/mod'
end

def members(event:, context:)
  (context.public_methods(false) - [:initialize]).sort
end

def types(event:, context:)
  [context.deadline_ms.class, context.memory_limit_in_mb.class, context.identity.class, context.class].map(&:to_s)
end

def without_identity(event:, context:)
  context.identity
end

def sets_thread_variable(event:, context:)
  Thread.current[:seen] = Thread.current[:seen].to_i + 1
end

def same_object(event:, context:)
  @kept = @kept.to_i + 1
end

def warns(event:, context:)
  Warning[:deprecated] = true if Warning.respond_to?(:[]=)
  warn 'careful', 'twice'
  Warning.warn("directly\n")
end
