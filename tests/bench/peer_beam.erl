%% SPDX-License-Identifier: BSD-2-Clause
%%
%% The BEAM beside kontor: the figures of bench_process.c and bench_registry.c, measured in the same
%% way on Erlang/OTP, with as many schedulers as it takes by itself. The registry is Elixir's, which
%% is what people use; servers are gen_servers under OTP's supervisor.
%%
%%     erl -noshell -pa FOLDER ELIXIR -run peer_beam main FIGURE …
-module(peer_beam).

-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(RUNS, 3).
-define(SPAWNS, 1000000).
-define(MESSAGES, 1000000).
-define(CRASHES_EACH, 50).
-define(CRASHERS, 400).
-define(CHILDREN, 100000).
-define(PARKED, 100000).
-define(SLEEPERS, 1000000).
-define(HOUR_MS, 3600000).
-define(KEYS, 100000).
-define(LOOKERS, 1000).
-define(LOOKUPS_EACH, 3000).
-define(REGISTRARS, 1000).
-define(KEYS_EACH, 200).

-define(REGISTRY, 'Elixir.Registry').
-define(NAMES, peer_beam_names).

%% Each figure has a process of its own, as ours have: nothing is left over from the one before.
main(Figures) ->
    %% No report of each child that is killed: neither do we write any.
    logger:set_primary_config(level, none),
    lists:foreach(
        fun(Figure) ->
            {_, Reference} = spawn_monitor(fun() -> figure(list_to_atom(Figure)) end),
            receive
                {'DOWN', Reference, process, _, normal} -> ok;
                {'DOWN', Reference, process, _, Reason} ->
                    io:format(standard_error, "~s: ~p~n", [Figure, Reason]),
                    halt(1)
            end
        end, Figures),
    halt(0).

figure(spawn_exit) -> rate(spawn_exit, fun spawn_exit/0, ?SPAWNS);
figure(round_trip) -> rate(round_trip, fun round_trip/0, ?MESSAGES);
figure(server_call) -> rate(server_call, fun server_call/0, ?MESSAGES);
figure(one_way) -> rate(one_way, fun one_way/0, ?MESSAGES);
figure(start_child) -> rate(start_child, fun() -> element(1, children()) end, ?CHILDREN);
figure(stop_100000) -> print(stop_100000, element(2, children()), "s");
figure(restart) -> print(restart, restart() * 1.0e6, "us");
figure(parked_bytes) -> memory(parked_bytes, ?PARKED, fun park/0);
figure(sleeper_bytes) -> memory(sleeper_bytes, ?SLEEPERS, fun sleep/0);
figure(registry_lookup) -> rate(registry_lookup, fun lookup/0, ?LOOKERS * ?LOOKUPS_EACH);
figure(registry_register) -> rate(registry_register, fun register/0, ?REGISTRARS * ?KEYS_EACH);
figure(registry_evict_100000) -> print(registry_evict_100000, evict() * 1000, "ms").

%% ---------------------------------------------------------------- measuring

print(Figure, Value, Unit) ->
    io:format("{\"figure\": \"~s\", \"value\": ~.4g, \"unit\": \"~s\"}~n",
              [Figure, float(Value), Unit]).

%% The best of several runs, as ours: noise only slows.
rate(Figure, Run, Operations) ->
    Best = lists:min([Run() || _ <- lists:seq(1, ?RUNS)]),
    print(Figure, Operations / Best / 1.0e6, "M/s").

now_seconds() -> erlang:monotonic_time(nanosecond) / 1.0e9.

seconds(Work) ->
    Start = now_seconds(),
    Work(),
    now_seconds() - Start.

times(0, _) -> ok;
times(Left, Work) ->
    Work(),
    times(Left - 1, Work).

%% Start so many processes with the same work, and return when all have ended.
crowd(Count, Work) ->
    References = [element(2, spawn_monitor(fun() -> Work(Number) end))
                  || Number <- lists:seq(1, Count)],
    [receive {'DOWN', Reference, _, _, normal} -> ok end || Reference <- References],
    ok.

%% Look every millisecond until it is true.
until(Condition) ->
    case Condition() of
        true -> ok;
        false -> timer:sleep(1), until(Condition)
    end.

kill(Pid) ->
    Reference = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Reference, _, _, _} -> ok end.

%% ---------------------------------------------------------------- processes and messages

spawn_exit() ->
    Before = erlang:system_info(process_count),
    seconds(fun() ->
        times(?SPAWNS, fun() -> spawn(fun() -> ok end) end),
        until(fun() -> erlang:system_info(process_count) =< Before end)
    end).

round_trip() ->
    Peer = spawn(fun echo/0),
    Elapsed = seconds(fun() ->
        times(?MESSAGES, fun() ->
            Peer ! {self(), 1},
            receive {Peer, 1} -> ok end
        end)
    end),
    kill(Peer),
    Elapsed.

echo() ->
    receive {From, Message} -> From ! {self(), Message} end,
    echo().

server_call() ->
    {ok, Server} = gen_server:start(?MODULE, answer, []),
    Elapsed = seconds(fun() -> times(?MESSAGES, fun() -> gen_server:call(Server, 1) end) end),
    kill(Server),
    Elapsed.

one_way() ->
    Parent = self(),
    seconds(fun() ->
        Sink = spawn(fun() ->
            times(?MESSAGES, fun() -> receive _ -> ok end end),
            Parent ! is_done
        end),
        times(?MESSAGES, fun() -> Sink ! 1 end),
        receive is_done -> ok end
    end).

%% ---------------------------------------------------------------- supervisors

%% 100,000 children of one supervisor: seconds to start them, and to stop it.
children() ->
    process_flag(trap_exit, true),
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, simple_one_for_one, temporary}),
    Start = seconds(fun() ->
        times(?CHILDREN, fun() -> {ok, _} = supervisor:start_child(Supervisor, []) end)
    end),
    {Start, seconds(fun() -> stop(Supervisor) end)}.

stop(Supervisor) ->
    exit(Supervisor, shutdown),
    receive {'EXIT', Supervisor, _} -> ok end.

%% Seconds from crash to running again. Each supervisor sees a few crashes only: it goes through
%% all restarts of the last second at each, which nobody's supervisor has thousands of.
restart() ->
    process_flag(trap_exit, true),
    Elapsed = lists:sum([restarts_of_one() || _ <- lists:seq(1, ?CRASHERS)]),
    Elapsed / (?CRASHERS * ?CRASHES_EACH).

restarts_of_one() ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, one_for_one, permanent}),
    {ok, First} = supervisor:start_child(Supervisor, child(permanent)),
    Elapsed = seconds(fun() -> crash(Supervisor, First, ?CRASHES_EACH) end),
    stop(Supervisor),
    Elapsed.

crash(_, _, 0) -> ok;
crash(Supervisor, Child, Left) ->
    exit(Child, kill),
    crash(Supervisor, next_child(Supervisor, Child), Left - 1).

next_child(Supervisor, Child) ->
    case supervisor:which_children(Supervisor) of
        [{_, Next, _, _}] when is_pid(Next), Next =/= Child -> Next;
        _ -> next_child(Supervisor, Child)
    end.

child(Restart) ->
    #{id => child, restart => Restart,
      start => {gen_server, start_link, [?MODULE, answer, []]}}.

%% ---------------------------------------------------------------- memory

memory(Figure, Count, Start) ->
    erlang:garbage_collect(),
    Before = resident(),
    times(Count, Start),
    print(Figure, (resident() - Before) / Count, "bytes").

resident() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = binary:split(Text, <<" ">>, [global]),
    binary_to_integer(Pages) * 4096.

park() -> spawn(fun() -> receive _ -> ok end end).

sleep() -> {ok, _} = gen_server:start(?MODULE, sleeper, []).

%% ---------------------------------------------------------------- the registry

key(Number) -> <<"key:", (integer_to_binary(Number))/binary>>.

%% One partition for each scheduler, as its documentation advises for speed.
registry_start() ->
    process_flag(trap_exit, true),
    {ok, _} = application:ensure_all_started(elixir),
    {ok, Registry} = ?REGISTRY:start_link([{keys, unique}, {name, ?NAMES},
                                           {partitions, erlang:system_info(schedulers_online)}]),
    Registry.

%% Many processes look up keys of which each exists.
lookup() ->
    Registry = registry_start(),
    [{ok, _} = ?REGISTRY:register(?NAMES, key(Number), Number) || Number <- lists:seq(1, ?KEYS)],
    Elapsed = seconds(fun() ->
        crowd(?LOOKERS, fun(Number) -> look_up(Number, ?LOOKUPS_EACH) end)
    end),
    stop(Registry),
    Elapsed.

look_up(_, 0) -> ok;
look_up(Number, Left) ->
    [_] = ?REGISTRY:lookup(?NAMES, key(1 + (Number * ?LOOKUPS_EACH + Left) rem ?KEYS)),
    look_up(Number, Left - 1).

%% Many processes register keys of their own; the clock stops before they end.
register() ->
    Registry = registry_start(),
    Parent = self(),
    Start = now_seconds(),
    Registrars = [spawn(fun() -> registrar(Parent, Number) end)
                  || Number <- lists:seq(1, ?REGISTRARS)],
    [receive {is_done, Registrar} -> ok end || Registrar <- Registrars],
    Elapsed = now_seconds() - Start,
    lists:foreach(fun kill/1, Registrars),
    stop(Registry),
    Elapsed.

registrar(Parent, Number) ->
    First = Number * ?KEYS_EACH,
    [{ok, _} = ?REGISTRY:register(?NAMES, key(First + Next), Next)
     || Next <- lists:seq(1, ?KEYS_EACH)],
    Parent ! {is_done, self()},
    receive _ -> ok end.

%% 100,000 owners of one key each die together: seconds until the registry is empty.
evict() ->
    Registry = registry_start(),
    Parent = self(),
    Owners = [spawn(fun() ->
        {ok, _} = ?REGISTRY:register(?NAMES, key(Number), Number),
        Parent ! {is_done, self()},
        receive _ -> ok end
    end) || Number <- lists:seq(1, ?KEYS)],
    times(?KEYS, fun() -> receive {is_done, _} -> ok end end),
    Elapsed = seconds(fun() ->
        [exit(Owner, kill) || Owner <- Owners],
        until(fun() -> ?REGISTRY:count(?NAMES) =:= 0 end)
    end),
    stop(Registry),
    Elapsed.

%% ---------------------------------------------------------------- callbacks

init({supervisor, simple_one_for_one, Restart}) ->
    {ok, {#{strategy => simple_one_for_one}, [child(Restart)]}};
init({supervisor, Strategy, _}) ->
    {ok, {#{strategy => Strategy, intensity => 1000000, period => 1}, []}};
init(sleeper) ->
    erlang:send_after(?HOUR_MS, self(), wake),
    {ok, none, hibernate};
init(answer) ->
    {ok, none}.

handle_call(Message, _, State) -> {reply, Message, State}.
handle_cast(_, State) -> {noreply, State}.
handle_info(_, State) -> {noreply, State}.
