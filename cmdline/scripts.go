package cmdline

import (
	"embed"
	"fmt"
)

//go:embed scripts/halorun.bash scripts/halorun.zsh scripts/halorun.fish
var scripts embed.FS

// Shells are those for which there are completions.
var Shells = [...]string{"bash", "zsh", "fish"}

// Script returns the text that makes a shell complete command lines of halorun. It asks halorun each time, by the hidden command complete.
func Script(shell string) ([]byte, error) {
	b, err := scripts.ReadFile("scripts/halorun." + shell)
	if err != nil {
		return nil, fmt.Errorf("there are completions for bash, zsh and fish, not for %q", shell)
	}
	return b, nil
}
