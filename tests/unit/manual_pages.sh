#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# If this failed: an operator would look for an option in the manual in vain, find one that is not
# there, or a page that no reader of manuals shows well. Runs in the build folder; $srcdir is the
# source's.
set -eu

docs=${srcdir:-.}/docs
status=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The options that a page has.
in_page() {
    sed -n 's/^\.It Ic \([a-z_]*\) No = .*/\1/p' "$1"
}

# compare PAGE: it has the options on standard input, and no others.
compare() {
    sort >"$folder/told"
    in_page "$1" | sort >"$folder/written"
    [ -s "$folder/told" ] || { echo "kontord lists no options for $1"; status=1; }
    for option in $(comm -23 "$folder/told" "$folder/written"); do
        echo "$1 lacks $option"
        status=1
    done
    for option in $(comm -13 "$folder/told" "$folder/written"); do
        echo "$1 has $option, which is not there"
        status=1
    done
}

./kontord -h | sed -n 's/^  \([a-z_]*\) = .*/\1/p' | compare "$docs/kontor.conf.5"

for plugin in calendar evaluation microservers observer; do
    cp "plugins/$plugin/.libs/$plugin.so" "$folder/"
    printf '[kontor]\nplugin_dir = %s\n' "$folder" >"$folder/kontor.conf"
    ./kontord -c "$folder/kontor.conf" -h "$plugin" >"$folder/help" || status=1
    sed -n 's/^  \([a-z_]*\) = .*/\1/p' "$folder/help" | compare "$docs/kontor-$plugin.7"
done

# Where there is a strict reader; it has no date for pages but those that it knows.
if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "$docs"/*.[1-8] || status=1
fi
exit $status
