package bench

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"halorun/kernels"
)

// peerPrograms are what a user of Python would write.
//
//go:embed peers/*.py
var peerPrograms embed.FS

// pythonOp is an operation as the programs in peers are told of it.
type pythonOp struct {
	Name string         `json:"name"`
	Args map[string]any `json:"args"`
	Halo int            `json:"halo"` // rows above and below that it reads
}

// writePythonPeers puts the programs into the folder, and what they are to do into job.json.
func (j *peerJob) writePythonPeers(dir string) error {
	entries, err := peerPrograms.ReadDir("peers")
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := peerPrograms.ReadFile("peers/" + e.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), text, 0o644); err != nil {
			return err
		}
	}
	ops := make([]pythonOp, len(j.chain))
	for i, call := range j.chain {
		ops[i] = pythonOp{call.Def.Name, argumentsOf(call), j.halos[i]}
	}
	job, err := json.Marshal(map[string]any{"ops": ops, "threads": j.ranks, "channels": j.shape.Channels, "quality": peerQuality, "compression": peerCompression})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "job.json"), job, 0o644)
}

// argumentsOf returns a call's parameters as JSON has them.
func argumentsOf(call kernels.Call) map[string]any {
	args := map[string]any{}
	for _, p := range call.Def.Params {
		switch p.Kind {
		case kernels.KindInt:
			args[p.Name] = call.Args.Int(p.Name)
		case kernels.KindFloat:
			args[p.Name] = call.Args.Float(p.Name)
		case kernels.KindBool:
			args[p.Name] = call.Args.Bool(p.Name)
		default:
			args[p.Name] = call.Args.Text(p.Name)
		}
	}
	return args
}

// openCVHas returns what OpenCV lacks of the chain, if anything; the others are in peers/operations.py.
func openCVHas(chain kernels.Chain) error {
	for _, call := range chain {
		if call.Def.Name == "autocontrast" && call.Args.Float("cutoff") != 0 {
			return needs{"autocontrast with a cutoff"}
		}
	}
	return nil
}

func (j *peerJob) planOpenCV(python, output string) (plan, error) {
	return plan{commands: [][]string{{python, "opencv.py", "job.json", j.input, output}}, env: []string{imageLimit}}, openCVHas(j.chain)
}

// imageLimit lifts OpenCV's limit of 2^30 pixels.
const imageLimit = "OPENCV_IO_MAX_IMAGE_PIXELS=1099511627776"

func (j *peerJob) planMPI(python string, mpirun []string, output string) (plan, error) {
	notes := []string{}
	for _, call := range j.chain {
		switch {
		case call.Def.Name == "edges":
			if j.ranks > 1 {
				notes = append(notes, "mpi4py + OpenCV decides about edges band by band, so that an edge ends where a rank's rows do")
			}
		case call.Def.Global:
			return plan{}, fmt.Errorf("works band by band, and %s asks the whole picture", call.Def.Name)
		}
	}
	command := append(append([]string{}, mpirun...), python, "mpi4py_cv.py", "job.json", j.input, output, fmt.Sprint(j.ranks))
	return plan{commands: [][]string{command}, notes: notes, env: []string{imageLimit,
		"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"}}, openCVHas(j.chain)
}
