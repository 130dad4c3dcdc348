# Completion of limn for bash: what the program's own help lists, so that it is never out of date. Files otherwise.
_limn() {
    local word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = help ]; }; then
        mapfile -t COMPREPLY < <(compgen -W "help --version $("$program" help 2>/dev/null |
            sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p')" -- "$word")
    elif [ "${word:0:1}" = - ]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" help "${COMP_WORDS[1]}" 2>/dev/null |
            grep -oE '^  (-[a-z], )?--[a-z-]+' | grep -oE '\-\-[a-z-]+')" -- "$word")
    fi
}
complete -o default -F _limn limn
