package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/zeebo/xxh3"

	"halorun/cmdline"
	"halorun/launcher/jobs"
	"halorun/ranks"
	"halorun/ranks/raster"
	"halorun/ranks/raster/metadata"
)

// checkpointFlags are the flags that say what is kept of a job, and whether to go on with one.
func checkpointFlags() []cli.Flag {
	return []cli.Flag{
		cmdline.AnyOf(&cli.StringFlag{Name: "checkpoint", Value: "auto", Usage: "`MODE`: auto keeps what costs next to nothing, off nothing, all everything at once, SECONDS everything that often"}, "auto", "off", "all"),
		&cli.StringFlag{Name: "checkpoint-dir", DefaultText: "~/.local/state/halorun/jobs on each host", Usage: "keep it in `DIR`, on each host or shared by all"},
		&cli.BoolFlag{Name: "resume", Usage: "go on with what an earlier run of the same job has left"},
		cmdline.OneOf(&cli.StringFlag{Name: "verify-input", Value: "sample", Usage: "tell by a `sample` that INPUT has not changed, or by all of it: full"}, "sample", "full"),
	}
}

// checkpointOptions are the values of checkpointFlags.
type checkpointOptions struct {
	mode   string
	every  time.Duration
	root   string // of jobs
	shared bool   // root was given, and is the same on all hosts
	resume bool
	id     string // of the job to resume; "" finds it
	full   bool
	flags  map[string][]string
}

func (o *checkpointOptions) parse(c *cli.Context) error {
	switch mode := c.String("checkpoint"); mode {
	case "auto":
		o.mode = ranks.CheckpointAuto
	case "all":
		o.mode = ranks.CheckpointAll
	case "off":
		o.mode = ranks.CheckpointOff
	default:
		seconds, err := strconv.ParseFloat(strings.TrimSuffix(mode, "s"), 64)
		if err != nil || !(seconds > 0 && seconds < 1e6) {
			return usage("--checkpoint %q: there are auto, off, all and a number of seconds", mode)
		}
		o.mode, o.every = ranks.CheckpointEvery, time.Duration(seconds*float64(time.Second))
	}
	switch verify := c.String("verify-input"); verify {
	case "full":
		o.full = true
	case "sample":
	default:
		return usage("--verify-input %q: there are sample and full", verify)
	}
	o.resume, o.id, o.flags = c.Bool("resume"), c.String("resume-job"), flagsOf(c)
	maps.DeleteFunc(o.flags, isSecret) // they are written down
	if o.resume && o.mode == ranks.CheckpointOff {
		return usage("--resume with --checkpoint off: there would be nothing to resume")
	}
	if o.root = c.String("checkpoint-dir"); o.root != "" {
		o.shared = true
		abs, err := filepath.Abs(o.root)
		o.root = abs
		return err
	}
	root, err := jobs.Root()
	if err != nil && o.mode != ranks.CheckpointOff {
		o.mode = ranks.CheckpointOff // it is not asked for explicitly
		if c.IsSet("checkpoint") {
			return err
		}
	}
	o.root = root
	return nil
}

// describe returns the description of a new job.
func describe(id string, o *runOptions, in *os.File, input *ranks.InputID, p *ranks.Picture) (*jobs.Job, error) {
	j := &jobs.Job{
		ID: id, Begun: time.Now(), Version: version, Ops: p.Ops,
		Size: input.Size, ModTime: time.Unix(0, input.ModTime), Sample: input.Sample, Rows: int64(p.Output.Height),
	}
	var err error
	if j.Input, err = filepath.Abs(o.input); err != nil {
		return nil, err
	}
	if j.Output, err = filepath.Abs(o.output); err != nil {
		return nil, err
	}
	if o.checkpoint.full || j.Size <= smallInput {
		if j.Full, err = fullSum(in); err != nil {
			return nil, &raster.InputError{Name: o.input, Err: err}
		}
	}
	output := p.Output
	meta := output.Meta.Sum() // it may be long
	output.Meta = metadata.Metadata{}
	ledgerID, err := json.Marshal(struct {
		Version string // which may compute other bytes
		Size    int64
		Sample  []byte
		Read    raster.Options
		Ops     []string
		Output  raster.Output
		Meta    [32]byte
		Codec   string
	}{version, j.Size, j.Sample, o.read.Samples(), j.Ops, output, meta, output.Codec()})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(ledgerID)
	j.Ledger = sum[:]
	return j, nil
}

// smallInput is how large a file may be for its checksum to be taken without being asked for.
const smallInput = 64 << 20

func fullSum(f io.ReaderAt) (string, error) {
	h := xxh3.New128()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	sum := h.Sum128().Bytes()
	return hex.EncodeToString(sum[:]), nil
}

// localCheckpoint makes a Checkpoint that of this host.
func localCheckpoint(c ranks.Checkpoint) ranks.Checkpoint {
	if c.Mode == ranks.CheckpointOff || filepath.IsAbs(c.Dir) {
		return c
	}
	root, err := jobs.Root()
	if err != nil {
		root = filepath.Join(os.TempDir(), fmt.Sprintf("halorun-%d", os.Getuid()))
	}
	c.Dir = filepath.Join(root, c.Dir)
	return c
}
