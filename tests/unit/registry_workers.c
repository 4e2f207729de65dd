/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this fails, two users who click in the same moment start one job twice, or a name stays taken
 * after its worker has died. Several workers, each an OS process, race for keys and are killed.
 */
#include "registry_house.h"

#define WORKERS 4
#define KEYS 500
#define RACERS 10 /* processes per key and worker */

/** What the board counts. */
enum { WON, LOST, WRONG, READY, STARTED, DONE };

static _Atomic bool *may_go;      /* shared */
static _Atomic uint64_t *winners; /* by key; shared */

static void race(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    char key[32], value[32];
    struct kt_registry_entry entry;
    snprintf(key, sizeof key, "race/%u", number);
    snprintf(value, sizeof value, "%llx", (unsigned long long)kt_self());
    const struct kt_registration what = {.key = key, .value = value, .value_bytes = strlen(value)};
    int result = kt_registry_register(&what, &entry);
    if (result == 0) {
        board->counts[WON]++;
        if (atomic_exchange(&winners[number], kt_self()) != 0)
            board->counts[WRONG]++;
    } else if (result == -EEXIST) {
        snprintf(value, sizeof value, "%llx", (unsigned long long)entry.owner);
        board->counts[LOST]++;
        if (strcmp(value, entry.value) != 0 || strcmp(key, entry.key) != 0 || entry.owner == 0)
            board->counts[WRONG]++;
        if (kt_registry_lookup(key, &entry) != 0)
            board->counts[WRONG]++;
    } else {
        fprintf(stderr, "registering %s: %s\n", key, strerror(-result));
        board->counts[WRONG]++;
    }
    board->counts[DONE]++;
    kt_sleep(1000000);
}

static void race_in_worker(void)
{
    for (unsigned i = 0; i < KEYS * RACERS; i++)
        CHECK(kt_spawn(NULL, race, (void *)(uintptr_t)((i * 7) % KEYS), NULL) == 0);
    board->counts[READY]++;
    while (!*may_go)
        ; /* the racers are runnable, and start together in all workers */
    AWAIT(board->counts[DONE] == (uint64_t)WORKERS * KEYS * RACERS);
}

/** Thousands of racing registrations over several workers: one winner each. */
static void one_winner_each(void **state)
{
    pid_t workers[WORKERS];
    (void)state;
    house_open();
    may_go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    winners = mmap(NULL, KEYS * sizeof *winners, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    for (uint32_t i = 0; i < WORKERS; i++)
        workers[i] = house_fork(i + 1, race_in_worker);
    while (board->counts[READY] < WORKERS)
        usleep(1000);
    *may_go = true;
    for (uint32_t i = 0; i < WORKERS; i++)
        house_join(workers[i]);
    assert_int_equal(board->counts[WON], KEYS);
    assert_int_equal(board->counts[LOST], KEYS * (WORKERS * RACERS - 1));
    assert_int_equal(board->counts[WRONG], 0);
    munmap(may_go, 4096);
    munmap(winners, KEYS * sizeof *winners);
    house_close();
}

/* ---------------------------------------------------------------- workers that die */

#define OWNERS 200
#define KILLS 12

/** Own a key that says who owns it, for a while; then end, and begin again under another name. */
static void own_for_a_while(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    char key[64];
    snprintf(key, sizeof key, "alive/%d/%u/%llx", (int)getpid(), number,
             (unsigned long long)kt_self());
    CHECK(kt_registry_register(&(struct kt_registration){.key = key}, NULL) == 0);
    if (number % 4 == 0) /* the others live as long as their worker */
        kt_sleep(number % 7);
    else
        kt_sleep(1000000);
    CHECK(kt_spawn(NULL, own_for_a_while, argument, NULL) == 0);
}

static void live(void)
{
    for (uintptr_t i = 0; i < OWNERS; i++)
        CHECK(kt_spawn(NULL, own_for_a_while, (void *)i, NULL) == 0);
    AWAIT(false); /* until it is killed */
}

static pid_t watched[WORKERS];

static bool is_watched(int pid)
{
    for (int i = 0; i < WORKERS; i++)
        if (watched[i] == pid)
            return true;
    return false;
}

/** Count what is registered, by worker. @return whether all owners that stay are there, and no dead
 * one's */
static bool is_true_now(void)
{
    unsigned lasting[WORKERS] = {0};
    char after[KT_REGISTRY_KEY_MAX + 1];
    struct kt_registry_page *page;
    bool has_dead = false;
    for (bool is_first = true;; is_first = false) {
        assert_int_equal(kt_registry_select("alive/", is_first ? NULL : after, 0, &page), 0);
        for (uint32_t i = 0; i < page->count; i++) {
            int pid;
            unsigned number;
            assert_int_equal(sscanf(page->entries[i]->key, "alive/%d/%u", &pid, &number), 2);
            has_dead |= !is_watched(pid);
            for (int j = 0; j < WORKERS; j++)
                if (watched[j] == pid && number % 4 != 0)
                    lasting[j]++;
        }
        if (!page->has_more)
            break;
        strcpy(after, page->entries[page->count - 1]->key);
        talloc_free(page);
    }
    talloc_free(page);
    bool is_complete = true;
    for (int j = 0; j < WORKERS; j++)
        is_complete = is_complete && lasting[j] == OWNERS - OWNERS / 4;
    return is_complete && !has_dead;
}

static void test_only_the_living(void)
{
    AWAIT(is_true_now());
    for (int i = 0; i < 20; i++) { /* none of a living one goes, however long one looks */
        assert_true(is_true_now());
        kt_sleep(1);
    }
    for (uint32_t i = 0; i < WORKERS; i++)
        house_kill(watched[i]);
    struct kt_registry_page *page = NULL;
    do {
        talloc_free(page);
        assert_int_equal(kt_registry_select("alive/", NULL, 0, &page), 0);
    } while (page->count > 0);
}

/** Random kills of workers: no entry of a dead owner stays, none of a living one goes. */
static void workers_are_killed(void **state)
{
    unsigned seed = 5;
    (void)state;
    house_open();
    for (uint32_t i = 0; i < WORKERS; i++)
        watched[i] = house_fork(i + 10, live);
    for (uint32_t number = 0; number < KILLS; number++) {
        seed = seed * 1103515245 + 12345;
        uint32_t victim = seed >> 16 & (WORKERS - 1);
        usleep(seed >> 12 & 0x7fff); /* anywhere between its start and its busiest time */
        house_kill(watched[victim]);
        watched[victim] = house_fork(20 + number, live);
    }
    house_run(1, test_only_the_living);
    house_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_winner_each),
        cmocka_unit_test(workers_are_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
