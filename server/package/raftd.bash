# Completion of raftd for bash. What there is to complete is asked of the program itself.
_raftd() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} help
    help=$("$program" --help 2>/dev/null) || return
    case $before in
    --data-dir | --token-file | --tls-cert | --tls-key | --tls-ca | --restore | --audit-log | --backup-dir)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W 'debug info warning error' -- "$word") && return ;;
    --log-format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$word") && return ;;
    --machine) mapfile -t COMPREPLY < <(compgen -W 'hashmap register' -f -- "$word") && return ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(grep -oE -- '--[a-z][a-z-]*' <<<"$help" | sort -u)" -- "$word")
    elif ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^  raftd \([a-z][a-z]*\) .*/\1/p' <<<"$help")" -- "$word")
    fi
}
complete -o filenames -F _raftd raftd
