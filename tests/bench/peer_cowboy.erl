%% SPDX-License-Identifier: BSD-2-Clause
%%
%% The endpoints of the plugin evaluation as one writes them for Cowboy: plain handlers, jiffy for
%% JSON, OTP's httpc with kept connections for the upstream, eredis for the documents. The scheduler
%% is as it comes: a thread for each processor.
%%
%%     erl -noshell -pa FOLDER … -run peer_cowboy main SOCKET PORT UPSTREAM_PORT [REDIS_SOCKET]
-module(peer_cowboy).

%% The second one is that of a cowboy_handler.
-export([main/1, init/2]).

-define(RPC_MS, 50).
%% More connections than any run of the benchmark has.
-define(CONNECTIONS_MAX, 16384).
%% Connections to the upstream that are kept.
-define(SESSIONS_MAX, 1000).

main([Socket, Port, UpstreamPort | RedisSocket]) ->
    {ok, _} = application:ensure_all_started(cowboy),
    {ok, _} = application:ensure_all_started(inets),
    ok = httpc:set_options([{max_sessions, ?SESSIONS_MAX}]),
    Routes = [{"/api/evaluation/now", ?MODULE, now},
              {"/api/evaluation/echo", ?MODULE, 'echo'},
              {"/api/evaluation/rpc", ?MODULE, rpc},
              {"/api/evaluation/slow", ?MODULE, {slow, "http://127.0.0.1:" ++ UpstreamPort ++ "/"}}
              | kvs_routes(RedisSocket)],
    Options = #{env => #{dispatch => cowboy_router:compile([{'_', Routes}])},
                max_keepalive => infinity},
    listen(direct, [{ip, {127, 0, 0, 1}}, {port, list_to_integer(Port)}], Options),
    listen(behind, [{ip, {local, Socket}}, {port, 0}], Options).

listen(Name, Where, Options) ->
    {ok, _} = cowboy:start_clear(
        Name, #{max_connections => ?CONNECTIONS_MAX,
                socket_opts => [{backlog, 4096} | Where]}, Options).

%% eredis pipelines what many processes ask of one connection; one for each scheduler.
kvs_routes([]) -> [];
kvs_routes([Socket]) ->
    Clients = [element(2, {ok, _} = eredis:start_link({local, Socket}, 0))
               || _ <- lists:seq(1, erlang:system_info(schedulers))],
    [{"/api/evaluation/kvs/:key", ?MODULE, {kvs, list_to_tuple(Clients)}}].

init(Request, now) -> {ok, constant(Request), now};
init(Request, rpc) ->
    timer:sleep(?RPC_MS),
    {ok, constant(Request), rpc};
init(Request, 'echo') ->
    {ok, Body, Read} = cowboy_req:read_body(Request),
    {ok, pass(Read, Body, 400), 'echo'};
init(Request, {slow, Url} = State) ->
    case httpc:request(get, {Url, []}, [{timeout, 10000}], [{body_format, binary}]) of
        {ok, {{_, 200, _}, _, Body}} -> {ok, pass(Request, Body, 502), State};
        _ -> {ok, respond(Request, 502, <<"{\"error\":\"upstream\"}">>), State}
    end;
init(Request, {kvs, Clients} = State) ->
    Client = element(erlang:system_info(scheduler_id), Clients),
    case eredis:q(Client, ["GET", ["kvs:", cowboy_req:binding(key, Request)]]) of
        {ok, undefined} -> {ok, respond(Request, 404, <<"{\"error\":\"not found\"}">>), State};
        {ok, Document} -> {ok, respond(Request, 200, Document), State};
        {error, _} -> {ok, respond(Request, 503, <<"{\"error\":\"store\"}">>), State}
    end.

constant(Request) ->
    respond(Request, 200, jiffy:encode(#{service => <<"cowboy">>, status => <<"ok">>})).

%% Parse what came and write it again; Failure is the status when it is no JSON.
pass(Request, Text, Failure) ->
    try jiffy:encode(jiffy:decode(Text, [return_maps])) of
        Json -> respond(Request, 200, Json)
    catch
        _:_ -> respond(Request, Failure, <<"{\"error\":\"no JSON\"}">>)
    end.

respond(Request, Status, Text) ->
    cowboy_req:reply(Status, #{<<"content-type">> => <<"application/json">>}, Text, Request).
