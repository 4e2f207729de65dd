# SPDX-License-Identifier: BSD-2-Clause
#
# The endpoints of the plugin evaluation as one writes them for Rack, run by Puma in cluster mode: a
# process for each processor, threads in each. Net::HTTP keeps a connection to the upstream in each
# thread; documents come from a pool of connections to Redis. UPSTREAM_PORT, REDIS_SOCKET and
# THREADS are in the environment.

require "connection_pool"
require "json"
require "net/http"
require "redis"
require "uri"

class Evaluation
  PREFIX = "/api/evaluation/"
  KVS = "#{PREFIX}kvs/"
  CONSTANT = { service: "puma", status: "ok" }.freeze
  RPC_SECONDS = 0.05

  def initialize
    @store = ConnectionPool.new(size: Integer(ENV.fetch("THREADS"))) do
      Redis.new(path: ENV.fetch("REDIS_SOCKET"))
    end
  end

  def call(env)
    case env["PATH_INFO"]
    when "#{PREFIX}now" then respond(CONSTANT.to_json)
    when "#{PREFIX}echo" then pass(env["rack.input"].read, 400)
    when "#{PREFIX}rpc"
      sleep RPC_SECONDS
      respond(CONSTANT.to_json)
    when "#{PREFIX}slow" then slow
    when /\A#{KVS}(.+)/o then kvs(URI::DEFAULT_PARSER.unescape(Regexp.last_match(1)))
    else respond('{"error":"not found"}', 404)
    end
  end

  private

  def respond(text, status = 200)
    headers = { "Content-Type" => "application/json", "Content-Length" => text.bytesize.to_s }
    [status, headers, [text]]
  end

  # Parse what came and write it again; `failure` is the status when it is no JSON.
  def pass(text, failure)
    respond(JSON.parse(text).to_json)
  rescue JSON::ParserError
    respond('{"error":"no JSON"}', failure)
  end

  # The thread's own connection, which is kept.
  def upstream
    thread = Thread.current
    thread.thread_variable_get(:upstream) || begin
      port = Integer(ENV.fetch("UPSTREAM_PORT"))
      http = Net::HTTP.start("127.0.0.1", port, read_timeout: 10)
      thread.thread_variable_set(:upstream, http)
      http
    end
  end

  def slow
    answer = upstream.get("/")
    answer.code == "200" ? pass(answer.body, 502) : respond('{"error":"upstream"}', 502)
  rescue SystemCallError, IOError, Timeout::Error
    Thread.current.thread_variable_set(:upstream, nil)
    respond('{"error":"upstream"}', 502)
  end

  def kvs(key)
    text = @store.with { |redis| redis.get("kvs:#{key}") }
    text ? respond(text) : respond('{"error":"not found"}', 404)
  rescue Redis::BaseError
    respond('{"error":"store"}', 503)
  end
end

run Evaluation.new
