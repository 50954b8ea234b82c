# frozen_string_literal: true

# The handlers of the table that all languages share.

$calls = 0
LARGEST = 6_291_556

def echo(event:, context:)
  event
end

alias echo_null echo
alias echo_text echo
alias echo_number echo
alias echo_list echo
alias echo_unicode echo
alias echo_long echo

def returns_null(event:, context:)
  nil
end

def returns_true(event:, context:)
  true
end

def returns_integer(event:, context:)
  42
end

def returns_negative(event:, context:)
  -7
end

def returns_fraction(event:, context:)
  0.1
end

def returns_text(event:, context:)
  'text'
end

def returns_empty_text(event:, context:)
  ''
end

def returns_unicode(event:, context:)
  "ü 日 😀\n"
end

def returns_empty_list(event:, context:)
  []
end

def returns_list(event:, context:)
  [1, 'two', nil, true]
end

def returns_empty_object(event:, context:)
  {}
end

def returns_nested(event:, context:)
  { a: { b: { c: [{ d: 1 }] } } }
end

def returns_long(event:, context:)
  'x' * 1_000_000
end

def returns_largest(event:, context:)
  'x' * (LARGEST - 2)
end

def returns_too_much(event:, context:)
  'x' * (LARGEST - 1)
end

def counts(event:, context:)
  $calls += 1
end

def returns_big_integer(event:, context:)
  event['n']
end

def sleeps(event:, context:)
  sleep 0.05
  'slept'
end

def fails(event:, context:)
  raise 'boom'
end

class OwnError < StandardError; end

def fails_with_own_type(event:, context:)
  raise OwnError, 'own'
end

def fails_with_unicode(event:, context:)
  raise 'über 日本 😀'
end

def fails_with_lines(event:, context:)
  raise "first\nsecond"
end

def fails_with_cause(event:, context:)
  raise KeyError, 'inner'
rescue KeyError
  raise 'outer'
end

def fails_with_long_message(event:, context:)
  raise 'm' * 100_000
end

def fails_deep(event:, context:)
  deep
end

def deep
  deeper
end

def deeper
  deepest
end

def deepest
  raise IndexError, 'deep down'
end

def fails_once(event:, context:)
  raise 'once' if event['fail']

  'fine'
end

def fails_after_output(event:, context:)
  puts 'before'
  raise 'after'
end

def prints(event:, context:)
  puts 'a line'
end

def prints_to_stderr(event:, context:)
  warn 'an error line'
end

def prints_lines(event:, context:)
  puts "one\ntwo", 'three'
end

def prints_unicode(event:, context:)
  puts 'grüß 日本 😀'
end

def prints_without_end(event:, context:)
  print 'open end'
end

def prints_wide(event:, context:)
  puts 'w' * 100_000
end

def prints_much(event:, context:)
  100.times { |i| puts ('l' * 1000) + ('a'.ord + (i % 26)).chr }
  nil
end

def prints_in_turn(event:, context:)
  %w[1 2].each do |i|
    puts "out #{i}"
    warn "err #{i}"
  end
  nil
end

def prints_before_timeout(event:, context:)
  puts 'early'
  sleep 5
  puts 'never'
end

def exits(event:, context:)
  exit! 0
end

def exits_with_3(event:, context:)
  exit! 3
end

def exits_with_255(event:, context:)
  exit! 255
end

def killed(event:, context:)
  Process.kill :KILL, Process.pid
  sleep 5
end

def terminated(event:, context:)
  trap :TERM, 'SYSTEM_DEFAULT'
  Process.kill :TERM, Process.pid
  sleep 5
end

def exits_after_output(event:, context:)
  puts 'last words'
  exit! 5
end

def exits_once(event:, context:)
  exit! 6 if event['exit']
  'fine'
end

def times_out(event:, context:)
  sleep 5
end

def times_out_busy(event:, context:)
  last = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 5
  nil while Process.clock_gettime(Process::CLOCK_MONOTONIC) < last
end

def request_id(event:, context:)
  context.aws_request_id
end

def function_name(event:, context:)
  context.function_name
end

def function_version(event:, context:)
  context.function_version
end

def memory_limit(event:, context:)
  context.memory_limit_in_mb.to_i
end

def log_group(event:, context:)
  context.log_group_name
end

def arn(event:, context:)
  context.invoked_function_arn
end

alias arn_with_qualifier arn

def remaining_time(event:, context:)
  context.get_remaining_time_in_millis.between?(10_000, 20_000)
end

def client_context(event:, context:)
  context.client_context['custom']['key']
end

def client_context_parts(event:, context:)
  [context.client_context['client']['app_title'], context.client_context['env']['locale']]
end

def without_client_context(event:, context:)
  context.client_context
end

def cognito_identity(event:, context:)
  context.identity.values_at('cognitoIdentityId', 'cognitoIdentityPoolId')
end

def trace_id(event:, context:)
  ENV.fetch('_X_AMZN_TRACE_ID')
end

def tenant_id(event:, context:)
  context.tenant_id
end

alias without_tenant_id tenant_id

def variable(event:, context:)
  ENV.fetch('OWN')
end

def working_folder(event:, context:)
  Dir.pwd
end

def region(event:, context:)
  ENV.fetch('AWS_REGION')
end
