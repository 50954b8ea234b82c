# The Runtime API over a socket, and nothing else: each event is its own answer.
require 'socket'

API = ENV['AWS_LAMBDA_RUNTIME_API']
CONNECTION = TCPSocket.new(*API.split(':'))
CONNECTION.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)

def exchange(request)
  CONNECTION.write(request)
  data = +''
  loop do
    data << CONNECTION.readpartial(65_536)
    stop = data.index("\r\n\r\n") or next
    length = data[/content-length: (\d+)/i, 1].to_i
    return data[0, stop], data[stop + 4..] if data.bytesize >= stop + 4 + length
  end
end

loop do
  head, body = exchange("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: #{API}\r\n\r\n")
  id = head[/lambda-runtime-aws-request-id: (\S+)/i, 1]
  exchange("POST /2018-06-01/runtime/invocation/#{id}/response HTTP/1.1\r\nHost: #{API}\r\nContent-Length: #{body.bytesize}\r\n\r\n#{body}")
end
