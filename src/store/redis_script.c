/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripts. Each looks first and writes then: Redis refuses the first write, or none, when it is
 * full or read only, and it does not take back what a script has done before it fails. Numbers are
 * doubles in Lua: %.0f writes them whole up to 2^53.
 */
#include "store/redis_script.h"

/** The revision that a document begins with, "0" when there is none, nil when what is there is none
 * (it can be overwritten and deleted). The digits are 16 at most. */
#define REVISION_OF                                                                                \
    "local function revision_of(name)\n"                                                           \
    "  local head = redis.call('GETRANGE', name, 0, 16)\n"                                         \
    "  if head == '' and redis.call('EXISTS', name) == 0 then return '0' end\n"                    \
    "  return string.match(head, '^([1-9]%d*) ')\n"                                                \
    "end\n"

/* clang-format off */
const char *const kt_redis_scripts[KT_REDIS_SCRIPTS] = {
    /* KEYS: document, index, last revision; ARGV: key, value, revision or "*" */
    [KT_REDIS_PUT] =
        REVISION_OF
        "local before = revision_of(KEYS[1])\n"
        "if ARGV[3] ~= '*' then\n"
        "  if not before then return redis.error_reply('KONTOR no document') end\n"
        "  if ARGV[3] ~= before then return -1 end\n"
        "end\n"
        "local last = tonumber(redis.call('GET', KEYS[3]) or '0')\n"
        "if not last then return redis.error_reply('KONTOR no last revision') end\n"
        "local revision = math.max(last, tonumber(before or '0')) + 1\n"
        "if revision >= 2^53 then return redis.error_reply('KONTOR no more revisions') end\n"
        "local text = string.format('%.0f', revision)\n"
        "redis.call('SET', KEYS[3], text)\n"
        "if not before or before == '0' then redis.call('ZADD', KEYS[2], 0, ARGV[1]) end\n"
        "redis.call('SET', KEYS[1], text .. ' ' .. ARGV[2])\n"
        "return revision\n",

    /* KEYS: document, index; ARGV: key, revision or "*" */
    [KT_REDIS_DELETE] =
        REVISION_OF
        "local before = revision_of(KEYS[1])\n"
        "if before == '0' then return 0 end\n"
        "if ARGV[2] ~= '*' then\n"
        "  if not before then return redis.error_reply('KONTOR no document') end\n"
        "  if ARGV[2] ~= before then return -1 end\n"
        "end\n"
        "redis.call('ZREM', KEYS[2], ARGV[1])\n"
        "redis.call('DEL', KEYS[1])\n"
        "return 1\n",

    /* KEYS: index; ARGV: what all documents' names begin with, least, greatest, how many, bytes.
     * Returns whether there are more, then keys and documents in turn. A key without a document
     * (somebody has removed it by hand) is passed over. */
    [KT_REDIS_SCAN] =
        "local least, limit, room = ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])\n"
        "local page = {0}\n"
        "while true do\n"
        "  local keys = redis.call('ZRANGEBYLEX', KEYS[1], least, ARGV[3], 'LIMIT', 0, limit + 1)\n"
        "  for _, key in ipairs(keys) do\n"
        "    local document = redis.call('GET', ARGV[1] .. key)\n"
        "    if document then\n"
        "      room = room - #document\n"
        "      if #page > 1 and (room < 0 or #page > 2 * limit) then\n"
        "        page[1] = 1\n"
        "        return page\n"
        "      end\n"
        "      page[#page + 1] = key\n"
        "      page[#page + 1] = document\n"
        "    end\n"
        "    least = '(' .. key\n"
        "  end\n"
        "  if #keys <= limit then return page end\n"
        "end\n",

    /* KEYS: lease, last fence; ARGV: token, milliseconds */
    [KT_REDIS_CLAIM] = "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end\n"
                       "local fence = redis.call('INCR', KEYS[2])\n"
                       "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
                       "return fence\n",

    /* KEYS: lease; ARGV: token, milliseconds */
    [KT_REDIS_RENEW] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end\n"
                       "return redis.call('PEXPIRE', KEYS[1], ARGV[2])\n",

    /* KEYS: lease; ARGV: token */
    [KT_REDIS_RELEASE] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end\n"
                         "return redis.call('DEL', KEYS[1])\n",
};
/* clang-format on */
