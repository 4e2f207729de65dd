#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Writes the version script of libkontor.so: src/libkontor.map.sh HEADER …
# What the headers of include/kontor declare as KT_PUBLIC is the interface, KONTOR_0. What other
# headers declare so is for kontord, kontorctl and kontor-job of the very same build; it is
# KONTOR_PRIVATE, and nobody shall link with it.
set -e

echo 'KONTOR_0 {'
echo '    global:'
cat "$@" | tr '\n' ' ' | grep -o 'KT_PUBLIC [^;({=]*[(;[]' |
    sed -n 's/.*[ *]\(kt_[a-z0-9_]*\) *[(;[]$/        \1;/p' |
    grep -v ' kt_plugin_descriptor;' | LC_ALL=C sort -u
echo '};'
echo 'KONTOR_PRIVATE {'
echo '    global:'
echo '        kt_*;'
echo '    local:'
echo '        *;'
echo '};'
