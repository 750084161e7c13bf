package kernels

import "os"

//go:generate sh -c "cd _asm && go run . -out ../weigh_amd64.s -stubs ../weigh_amd64.go -pkg kernels"

// path is the instruction set that the fast paths use: what the processor has, or "go" if the environment says
// HALORUN_KERNELS=go.
var path = func() string {
	if os.Getenv("HALORUN_KERNELS") == "go" {
		return "go"
	}
	return bestPath()
}()

// Path names the instruction set that the fast paths use.
func Path() string { return path }
