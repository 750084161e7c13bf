# Completion of halorun for fish: halorun completion fish | source

function __halorun_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    set -l answer ($program complete $words[2..-1] "$current" 2>/dev/null)
    if string match -qr '^:(files|folders)' -- $answer[1]
        set -l before (string split -m 1 \t -- $answer[1])[2]
        set -l typed (string sub -s (math (string length -- $before) + 1) -- $current)
        set -l paths
        if string match -q ':folders*' -- $answer[1]
            set paths (__fish_complete_directories $typed)
        else
            set paths (__fish_complete_path $typed)
        end
        for path in $paths
            echo $before$path
        end
        return
    end
    for line in $answer
        echo $line
    end
end

complete -c halorun -f -a '(__halorun_complete)'
