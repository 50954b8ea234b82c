# frozen_string_literal: true

begin
  require 'socket.so' # all that is needed of it; socket.rb costs more
rescue LoadError
  require 'socket'
end

module Lambkin
  # The Runtime API 2018-06-01 over one kept connection, without an HTTP
  # library: there is one request at a time, and its answer always has a
  # Content-Length.
  #
  #   GET  /runtime/invocation/next            -> 200, the event
  #   POST /runtime/invocation/{id}/response   -> 202
  #   POST /runtime/invocation/{id}/error      -> 202
  #   POST /runtime/init/error                 -> 202
  class Client
    def initialize(address)
      @address = address
      @host, _, port = address.rpartition(':')
      @port = port.to_i
    end

    # Waits for an invocation; nil when the process is told to end instead.
    def next
      exchange(head('GET', 'invocation/next'))
    rescue SignalException
      nil
    end

    # Sends a text's bytes; returns when the platform has them. fields are more
    # headers, each with its line end.
    def post(path, body, content_type, fields = '')
      exchange(head('POST', path, "Content-Type: #{content_type}\r\nContent-Length: #{body.bytesize}\r\n#{fields}"), body.b)
    end

    private

    def head(method, path, fields = '')
      "#{method} /2018-06-01/runtime/#{path} HTTP/1.1\r\nHost: #{@address}\r\n#{fields}\r\n".b
    end

    # One request and its answer. A connection that was closed while nobody used
    # it is opened anew; without an answer on a fresh one the platform is gone,
    # and so is the reason to run.
    def exchange(head, body = '')
      used = !@socket.nil?
      begin
        connect unless @socket
        @socket.write(head, body)
        receive
      rescue SystemCallError, IOError, SocketError
        @socket = nil
        exit!(1) unless used
        used = false
        retry
      end
    end

    def connect
      @socket = TCPSocket.new(@host, @port)
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
    end

    def receive
      line # the status says nothing that matters here
      headers = {}
      until (text = line).empty?
        name, _, value = text.partition(':')
        headers[name.downcase] = value.strip
      end
      length = headers['content-length'].to_i
      body = length.zero? ? String.new : @socket.read(length)
      raise EOFError if body.nil? || body.bytesize < length

      Request.new(headers, body.force_encoding(Encoding::UTF_8))
    end

    def line
      text = @socket.gets("\r\n") or raise EOFError
      text.force_encoding(Encoding::UTF_8).chomp("\r\n")
    end
  end

  # What the platform hands out: an event with the headers of its invocation.
  class Request
    attr_reader :body

    def initialize(headers, body)
      @headers = headers
      @body = body
    end

    def [](name)
      @headers[name.downcase]
    end
  end
end
