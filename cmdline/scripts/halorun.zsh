#compdef halorun
# Completion of halorun for zsh: source <(halorun completion zsh), or this as the file _halorun in a folder of $fpath

_halorun() {
    local program=$words[1] before line word
    local -a answer candidates descriptions open
    answer=("${(@f)$("${(Q)program/#\~/$HOME}" complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null)}")
    case $answer[1] in
        :files* | :folders*)
            before=${answer[1]#*$'\t'}
            PREFIX=${PREFIX#$before}
            IPREFIX+=$before
            if [[ $answer[1] == :folders* ]]; then
                _files -/
            else
                _files
            fi
            return
            ;;
    esac
    local -a more moreshown shown
    for line in $answer; do
        word=${line%%$'\t'*}
        [[ -z $word ]] && continue
        if [[ $word == *= ]]; then
            more+=("$word")
            moreshown+=("$word  ${line#*$'\t'}")
        else
            candidates+=("$word")
            shown+=("$word  ${line#*$'\t'}")
        fi
    done
    local ret=1
    (( $#candidates )) && compadd -l -d shown -a candidates && ret=0
    (( $#more )) && compadd -S '' -l -d moreshown -a more && ret=0
    return ret
}

if [[ $funcstack[1] == _halorun ]]; then
    _halorun "$@"
elif (( $+functions[compdef] )); then
    compdef _halorun halorun
else
    autoload -Uz compinit && compinit && compdef _halorun halorun
fi
