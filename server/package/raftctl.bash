# Completion of raftctl for bash. What there is to complete is asked of the program itself.
_raftctl() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} help commands command='' i
    help=$("$program" --help 2>/dev/null) || return
    commands=$(sed -n 's/^  raftctl \([a-z][a-z]*\) .*/\1/p' <<<"$help" | sort -u)
    for ((i = 1; i < COMP_CWORD; i++)); do
        if grep -qxF -- "${COMP_WORDS[i]}" <<<"$commands"; then
            command=${COMP_WORDS[i]}
            help=$("$program" "$command" --help)
            break
        fi
    done
    case $before in
    --token-file | --tls-cert | --tls-key | --tls-ca | --file | save | restore)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --output) mapfile -t COMPREPLY < <(compgen -W 'table json' -- "$word") && return ;;
    --consistency) mapfile -t COMPREPLY < <(compgen -W 'linearizable lease stale' -- "$word") && return ;;
    --from) mapfile -t COMPREPLY < <(compgen -W 'now' -- "$word") && return ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^  \(--[a-z][a-z-]*\).*/\1/p' <<<"$help")" -- "$word")
    elif [ -z "$command" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
    elif ((COMP_CWORD == i + 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$(sed -n "s/^  raftctl $command \([a-z][a-z-]*\) .*/\1/p" <<<"$help")" -- "$word")
    fi
}
complete -o filenames -F _raftctl raftctl
