# Ends the processes of a directory and removes it, once the process that made it is gone.
#
# Standard input is a pipe whose write end only that process holds, so its end of file is that process's end.
# $1 is the directory. Each program running in it has written its process id, which is its process group too, to a
# file `*.pid` there, and has looked for `closed` after that.
trap '' HUP INT TERM
dir=$1
while read -r _; do :; done

# A process id may have been given to a stranger since it was written down.
ours() {
    [ ! -d /proc/self ] || grep -qsF -- "$dir" "/proc/$1/cmdline"
}

running() {
    kill -s 0 -- "-$1" 2>/dev/null && ours "$1"
}

end() {
    running "$1" || return 0
    kill -s QUIT -- "-$1"
    kill -s CONT -- "-$1"
    left=100
    while running "$1" && [ "$left" -gt 0 ]; do
        sleep 0.1
        left=$((left - 1))
    done
    if running "$1"; then kill -s KILL -- "-$1"; fi
}

turns=50
while [ -d "$dir" ] && [ "$turns" -gt 0 ]; do
    : >"$dir/closed"
    for file in "$dir"/*.pid; do
        if [ -f "$file" ] && read -r pid <"$file"; then end "$pid"; fi
    done
    # A Postgres that was killed cannot return its System V segment, whose id ends line 7 of this file.
    segment=$(sed -n '7s/.* //p' "$dir/data/postmaster.pid" 2>/dev/null)
    if [ -n "$segment" ]; then ipcrm -m "$segment" 2>/dev/null; fi
    rm -rf "$dir" 2>/dev/null
    turns=$((turns - 1))
    if [ -d "$dir" ]; then sleep 0.1; fi
done
