# The journey of a folder: in, back out by its CID, and kept when the garbage is collected.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
home="$work/home"

mkdir "$work/poems"
printf 'a line of verse\n' > "$work/poems/verse.txt"
printf 'rhymes with worse\n' > "$work/poems/rhyme.txt"

# With --json every item is one line, and the last line has the CID of the folder.
ipfs-kit --home "$home" add "$work/poems" --json > "$work/added"
cid=$(sed -n '$s/^{"cid":"\([^"]*\)".*/\1/p' "$work/added")

ipfs-kit --home "$home" cat "$cid/verse.txt" > "$work/verse.txt"
cmp "$work/poems/verse.txt" "$work/verse.txt"

ipfs-kit --home "$home" get "$cid" --output "$work/copy"
diff -r "$work/poems" "$work/copy"

# What was added is pinned, so that the garbage collection leaves it.
test "$(ipfs-kit --home "$home" pin ls)" = "$cid  recursive"
ipfs-kit --home "$home" gc
ipfs-kit --home "$home" get "$cid" --output "$work/later"
diff -r "$work/poems" "$work/later"
