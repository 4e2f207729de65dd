%% SPDX-License-Identifier: BSD-2-Clause
%% The same table as the plugin microservers counts down, by gen_servers on the BEAM: a server for
%% each row under a supervisor, up to so many at a time, which subtracts one at each tick of the
%% same grid.
%% With Redis by Debian's client (eredis), one command an update. With SQLite by Debian's driver
%% (p1_sqlite3), where one process takes what waits and makes one transaction of it, as kontor does:
%% with a sync for each update it would not come to an end.
%% Prints a JSON object for each pass, from the second on; the first one warms up.
-module(peer_microservers).
-behaviour(gen_server).
-export([main/1, start_row/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(ROWS, 20000).
-define(AT_ONCE, 10000).
-define(VALUE, 3).
-define(INTERVAL_MS, 1000).
-define(STEP_MS, 5).
-define(PAUSE_MS, 2000).
-define(PASSES, 2).
%% So many updates of SQLite share a transaction at most.
-define(GROUP, 1024).
%% Buckets of the durations: a 32nd of a doubling each, as in kontor's meter.
-define(BUCKETS, 704).

main([Store, Address, Tick]) ->
    process_flag(trap_exit, true),
    process_flag(message_queue_data, off_heap),
    persistent_term:put(store, open(Store, Address)),
    persistent_term:put(meter, counters:new(?BUCKETS, [write_concurrency])),
    persistent_term:put(sums, counters:new(2, [])),
    persistent_term:put(monitor, self()),
    [pass(Number, Tick) || Number <- lists:seq(1, ?PASSES)],
    halt(0).

%% ---------------------------------------------------------------- a pass

pass(Number, Tick) ->
    fill(persistent_term:get(store)),
    [counters:put(persistent_term:get(meter), Bucket, 0) || Bucket <- lists:seq(1, ?BUCKETS)],
    [counters:put(persistent_term:get(sums), Sum, 0) || Sum <- [1, 2]],
    {ok, Supervisor} = supervisor:start_link(?MODULE, supervisor),
    Cpu = cpu_ms(),
    Begin = erlang:monotonic_time(millisecond),
    [start(Supervisor, Row, Begin, Tick) || Row <- lists:seq(0, ?AT_ONCE - 1)],
    count(Supervisor, ?AT_ONCE, ?ROWS, Begin, Tick),
    Duration = erlang:monotonic_time(millisecond) - Begin,
    Used = cpu_ms() - Cpu,
    exit(Supervisor, shutdown),
    receive {'EXIT', Supervisor, _} -> ok end,
    Number > 1 andalso print(Duration, Used),
    timer:sleep(?PAUSE_MS).

count(_, _, 0, _, _) -> ok;
count(Supervisor, Next, Left, Begin, Tick) ->
    receive {row_done, _} -> ok end,
    Next < ?ROWS andalso start(Supervisor, Next, Begin, Tick),
    count(Supervisor, Next + 1, Left - 1, Begin, Tick).

start(Supervisor, Row, Begin, Tick) ->
    {ok, _} = supervisor:start_child(Supervisor, [Row, Begin + phase(Tick, Row)]).

phase("together", _) -> ?INTERVAL_MS;
phase("spread", Row) ->
    Phase = (Row rem ?AT_ONCE) * ?INTERVAL_MS div ?AT_ONCE,
    Phase + ?STEP_MS - Phase rem ?STEP_MS.

print(Duration, Used) ->
    Sums = persistent_term:get(sums),
    Count = counters:get(Sums, 1),
    ?ROWS * ?VALUE = Count,
    io:format("{\"duration_ms\": ~b, \"mean_us\": ~b, \"p99_us\": ~b, \"cpu_percent\": ~.2f}~n",
              [Duration, counters:get(Sums, 2) div Count, quantile(Count * 99 div 100),
               100.0 * Used / Duration]).

%% ---------------------------------------------------------------- a row

start_row(Row, First) -> gen_server:start_link(?MODULE, {row, Row, First}, []).

init(supervisor) ->
    Child = #{id => row, start => {?MODULE, start_row, []}, restart => transient,
              shutdown => brutal_kill},
    {ok, {#{strategy => simple_one_for_one, intensity => 1000, period => 5}, [Child]}};
init({row, Row, First}) ->
    {ok, {Row, wait(First)}}.

%% The first tick of the grid that is still to come.
wait(Due) ->
    case erlang:monotonic_time(millisecond) of
        Now when Now >= Due -> wait(Due + ?INTERVAL_MS);
        _ -> erlang:send_after(Due, self(), tick, [{abs, true}]), Due
    end.

handle_info(tick, {Row, Due}) ->
    Left = subtract(persistent_term:get(store), Row),
    measure(erlang:monotonic_time(microsecond) - Due * 1000),
    case Left of
        0 ->
            persistent_term:get(monitor) ! {row_done, Row},
            {stop, normal, none};
        _ ->
            {noreply, {Row, wait(Due + ?INTERVAL_MS)}}
    end.

handle_call(_, _, State) -> {reply, ok, State}.
handle_cast(_, State) -> {noreply, State}.

%% ---------------------------------------------------------------- the store

open("redis", Path) ->
    {ok, Client} = eredis:start_link({local, Path}, 0),
    {redis, Client};
open("sqlite", Path) ->
    Self = self(),
    Writer = spawn_link(fun() -> write(Self, Path) end),
    receive {Writer, is_open} -> {sqlite, Writer} end.

fill({redis, Client}) ->
    Commands = [["SET", key(Row), integer_to_binary(?VALUE)] || Row <- lists:seq(0, ?ROWS - 1)],
    [{ok, <<"OK">>} = Reply || Reply <- eredis:qp(Client, Commands)];
fill({sqlite, Writer}) ->
    Writer ! {fill, self()},
    receive {Writer, is_full} -> ok end.

subtract({redis, Client}, Row) ->
    {ok, Left} = eredis:q(Client, ["DECR", key(Row)]),
    binary_to_integer(Left);
subtract({sqlite, Writer}, Row) ->
    Reference = make_ref(),
    Writer ! {subtract, self(), Reference, Row},
    receive {Reference, Left} -> Left end.

key(Row) -> <<"row:", (integer_to_binary(Row))/binary>>.

%% The process that writes to SQLite.
write(Opener, Path) ->
    process_flag(message_queue_data, off_heap),
    {ok, Db} = sqlite3:open(rows, [{file, Path}]),
    [sqlite3:sql_exec(Db, Sql) || Sql <- ["PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "CREATE TABLE counters (id INTEGER PRIMARY KEY, value INTEGER)"]],
    Opener ! {self(), is_open},
    write_loop(Db).

write_loop(Db) ->
    receive
        {fill, Asker} ->
            Values = lists:join(",", [io_lib:format("(~b,~b)", [Row, ?VALUE])
                                      || Row <- lists:seq(0, ?ROWS - 1)]),
            change(Db, ["INSERT OR REPLACE INTO counters VALUES ", Values]),
            Asker ! {self(), is_full};
        {subtract, Server, Reference, Row} ->
            subtract_all(Db, take([{Server, Reference, Row}], 1))
    end,
    write_loop(Db).

take(Taken, ?GROUP) -> Taken;
take(Taken, Count) ->
    receive
        {subtract, Server, Reference, Row} -> take([{Server, Reference, Row} | Taken], Count + 1)
    after 0 -> Taken
    end.

%% One statement is one transaction.
subtract_all(Db, Taken) ->
    Rows = lists:join(",", [integer_to_list(Row) || {_, _, Row} <- Taken]),
    [_, {rows, Pairs}] = sqlite3:sql_exec(Db, iolist_to_binary(
        ["UPDATE counters SET value = value - 1 WHERE id IN (", Rows, ") RETURNING id, value"])),
    Left = maps:from_list(Pairs),
    [Server ! {Reference, maps:get(Row, Left)} || {Server, Reference, Row} <- Taken].

change(Db, Sql) ->
    case sqlite3:sql_exec(Db, iolist_to_binary(Sql)) of
        {error, Code, Words} -> exit({Code, Words});
        _ -> ok
    end.

%% ---------------------------------------------------------------- measuring

measure(Duration) ->
    counters:add(persistent_term:get(meter), bucket(max(0, Duration), 0), 1),
    Sums = persistent_term:get(sums),
    counters:add(Sums, 1, 1),
    counters:add(Sums, 2, max(0, Duration)).

bucket(Duration, Doubling) when Duration >= 64 -> bucket(Duration bsr 1, Doubling + 1);
bucket(Duration, Doubling) -> min(?BUCKETS, Doubling * 32 + Duration + 1).

quantile(Wanted) -> quantile(Wanted, 1, 0).

quantile(Wanted, Bucket, Seen) ->
    case Seen + counters:get(persistent_term:get(meter), Bucket) of
        Now when Now >= Wanted -> upper(Bucket - 1);
        Now -> quantile(Wanted, Bucket + 1, Now)
    end.

upper(Bucket) ->
    Doubling = max(0, Bucket div 32 - 1),
    ((Bucket - Doubling * 32 + 1) bsl Doubling) - 1.

%% Processor time of the whole emulator; the kernel counts in hundredths of a second.
cpu_ms() ->
    {ok, Text} = file:read_file("/proc/self/stat"),
    [_, Rest] = binary:split(Text, <<") ">>),
    Fields = binary:split(Rest, <<" ">>, [global]),
    10 * lists:sum([binary_to_integer(lists:nth(Number, Fields)) || Number <- [12, 13]]).
