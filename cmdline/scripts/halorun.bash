# Completion of halorun for bash: source <(halorun completion bash)

_halorun() {
    local IFS=$' \t\n' program=$1 rest=${COMP_LINE:0:COMP_POINT} words=() word trimmed i
    [[ $program == \~* ]] && program=$HOME${program:1}
    # bash cuts words at = : @ too; what stands together is one word here
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        trimmed=${rest#"${rest%%[![:space:]]*}"}
        ((i == COMP_CWORD)) && word=$trimmed
        if ((i > 0)) && [[ $trimmed == "$rest" && -n $rest ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        rest=${trimmed#"$word"}
    done
    local current=${words[${#words[@]} - 1]} answer=() line
    mapfile -t answer < <("$program" complete "${words[@]:1}" 2> /dev/null)
    # what readline keeps of the word: all up to the last character that cuts it
    local kept=
    if [[ $current == *["$COMP_WORDBREAKS"]* ]]; then
        kept=${current%"${current##*["$COMP_WORDBREAKS"]}"}
        kept=${kept%[@$]} # which stay with what is behind them
    fi
    COMPREPLY=()
    case ${answer[0]-} in
        :files* | :folders*)
            local action=-f before=${answer[0]#*$'\t'}
            [[ ${answer[0]} == :folders* ]] && action=-d
            if [[ -z $before && $action == -f ]]; then
                return # bash does it, with quotes and ~
            fi
            compopt +o default -o filenames 2> /dev/null
            mapfile -t COMPREPLY < <(compgen "$action" -- "${current#"$before"}")
            [[ $kept == "$before"* ]] || COMPREPLY=("${COMPREPLY[@]/#/"${before#"$kept"}"}")
            return
            ;;
    esac
    compopt +o default 2> /dev/null
    for line in "${answer[@]}"; do
        word=${line%%$'\t'*}
        COMPREPLY+=("${word#"$kept"}")
    done
    if ((${#COMPREPLY[@]} == 1)); then
        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2> /dev/null
    fi
    return 0
}
complete -o default -F _halorun halorun
