package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/hostfiles"
	"halorun/kernels"
	"halorun/launcher"
	"halorun/launcher/jobs/watch"
	"halorun/ranks"
	"halorun/ranks/raster"
)

// maxRanks keeps a slip of the finger from filling the machine with processes.
const maxRanks = 4096

// absolute is the form of folders that are the same on all hosts.
const absolute = "an absolute path, since it is one on every host"

var errTimeout = errors.New("--timeout is over")

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run a chain of operations on a picture",
		ArgsUsage: "INPUT OUTPUT OP [OP...]",
		Description: "INPUT and OUTPUT are files, or - for stdin and stdout. OP is name or name:key=value,key=value; 'halorun ops'\n" +
			"lists them. Operations are applied left to right. OUTPUT appears under its name only when it is\n" +
			"complete; only stdout and other streams cannot promise that.\n\n" +
			"INPUT may also be a folder, a quoted pattern such as 'photos/*.jpg', @FILE for a list of names or @- for one on stdin.\n" +
			"OUTPUT is then a folder, in which each picture appears when it is complete. Those that fail are in its failed.tsv.",
		Flags: slices.Concat(jobFileFlags(), hostFlags(), []cli.Flag{
			cmdline.Within(&cli.IntFlag{Name: "threads", Value: 1, Usage: "`T` threads a rank"}, "the number of threads of a rank", 1, maxRanks),
			cmdline.Within(&cli.IntFlag{Name: "tile-rows", DefaultText: "chosen to suit the picture", Usage: "`R` rows a tile"}, "the number of rows of a tile", 1, cmdline.NoLimit),
			cmdline.AnyOf(&cli.StringFlag{Name: "format", DefaultText: "by its name", Usage: "`FORMAT` of OUTPUT: png, jpg, tif, ppm, pgm, pnm, pam, npy, raw, rgb, gray"},
				"png", "jpg", "tif", "ppm", "pgm", "pnm", "pam", "npy", "raw", "rgb", "gray"),
			cmdline.Within(&cli.IntFlag{Name: "quality", Value: 95, Usage: "`Q` of a JPEG, 1 to 100"}, "the quality of a JPEG", 1, 100),
			cmdline.AnyOf(&cli.StringFlag{Name: "compression", DefaultText: "fast for a PNG, none for a TIFF", Usage: "of OUTPUT: `C` is 0 to 9 for a PNG; none, lzw, packbits, deflate[:LEVEL], zstd[:LEVEL] for a TIFF"},
				"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "none", "lzw", "packbits", "deflate", "zstd"),
			&cli.BoolFlag{Name: "fsync", Usage: "bring OUTPUT to the disk before the job counts as done"},
			&cli.StringFlag{Name: "report", Usage: "write a report to `FILE`, as JSON, also when the job fails"},
			cmdline.AtLeast(&cli.DurationFlag{Name: "timeout", DefaultText: "none", Usage: "end the job after `D`, such as 90s or 10m"}, 1),
			&cli.BoolFlag{Name: "dry-run", Usage: "only say which rank would run where and compute which rows"},
			&cli.BoolFlag{Name: "json", Usage: "the answer of --dry-run as JSON"},
			progressFlag(),
			metricsFlag(),
		}, logFlags(), readFlags(), memoryFlags(), folderFlags(), checkpointFlags(), historyFlags(), connectFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "skip-unreachable", Usage: "go on without hosts that cannot be reached, with the ranks of the others"},
			cmdline.AtLeast(&cli.DurationFlag{Name: "heartbeat-timeout", Value: 5 * time.Second, Usage: "take a host or rank for lost that is silent for `D`, at least 300ms"}, 300*time.Millisecond),
			cmdline.Within(&cli.IntFlag{Name: "max-restarts", Value: 3, Usage: "replace each rank at most `N` times; 0 ends the job at the first loss"}, "the number", 0, cmdline.NoLimit),
			cmdline.OneOf(&cli.StringFlag{Name: "on-failure", Value: "replace", Usage: "`replace` a lost rank, or shrink: the others take over its rows"}, "replace", "shrink"),
			&cli.StringFlag{Name: "spare", Usage: "hosts of `LIST`, as of --host, get ranks only when others are lost"},
			&cli.StringSliceFlag{Name: "inject", Hidden: true},
			&cli.StringFlag{Name: "resume-job", Hidden: true},
			cmdline.OneOf(&cli.StringFlag{Name: "bind-to", Value: "none", Usage: "`core` gives each rank cores of its own, none leaves that to the kernel"}, "core", "none"),
			&cli.StringSliceFlag{Name: "x", Usage: "set `NAME[=VALUE]` in the ranks' environment; can be repeated"},
			cmdline.Matching(&cli.StringFlag{Name: "wdir", Usage: "`DIR` is the ranks' working folder"}, absolute, `^/`),
			&cli.BoolFlag{Name: "tag-output", Usage: "put [rank@host] before each line that a rank prints"},
			&cli.StringFlag{Name: "output-dir", Usage: "write what ranks print to one file a rank in `DIR`"},
		}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			o := parseRun(c)
			if c.Bool("print-job") {
				return o.printJob(c)
			}
			return o.run(c.Context)
		},
	}
}

// runOptions is the command line of halorun run.
type runOptions struct {
	input, output string
	ops           []string
	args          int // how many of these three are given
	hostOptions
	threads      int
	tileRows     int
	format       string
	quality      int
	compression  string
	read         raster.Options
	memory       int64  // a process may take; 0: not said
	scratch      string // folder
	fsync        bool
	report       string
	timeout      time.Duration
	dryRun, json bool
	launch       launcher.Config // what the flags say of it
	network      networkSpec
	tagOutput    bool
	outputDir    string
	answer       io.Writer // of --dry-run
	log          *slog.Logger
	told         *slog.Logger // what the board has heard already
	speech       *speech
	metrics      string       // address; "": none
	board        *watch.Board // what is known of the job
	inject       []injection
	checkpoint   checkpointOptions
	history      historyOptions
	many         *folderOptions // nil for one picture
	mistake      error          // in the above
}

func parseRun(c *cli.Context) *runOptions {
	o := new(runOptions)
	mistake := o.readJob(c)
	*o = runOptions{
		input: o.input, output: o.output, ops: o.ops, args: o.args,
		threads: c.Int("threads"), tileRows: c.Int("tile-rows"), format: c.String("format"),
		quality: c.Int("quality"), fsync: c.Bool("fsync"), report: c.String("report"), timeout: c.Duration("timeout"), compression: c.String("compression"),
		dryRun: c.Bool("dry-run"), json: c.Bool("json"), tagOutput: c.Bool("tag-output"), outputDir: c.String("output-dir"),
		answer: c.App.Writer,
	}
	// Where reports and messages go comes first: they are written about every other mistake.
	untold := c.Bool("print-job")
	if !untold {
		if err := o.checkWritten(c); err != nil {
			o.mistake, untold = reportError{err}, true
		}
	}
	var wrong error
	o.speech, o.log, wrong = newSpeech(c, untold)
	if o.mistake == nil {
		o.mistake = cmp.Or(mistake, wrong)
	}
	if o.mistake == nil {
		o.mistake = o.check(c)
	}
	o.mistake = explain(c, o.mistake)
	return o
}

// check holds the values to their limits.
func (o *runOptions) check(c *cli.Context) error {
	printed := c.Bool("print-job") // for use elsewhere, and with more on the command line
	switch {
	case o.args < 3 && !printed:
		missing := []string{"INPUT", "OUTPUT", "OP"}[o.args]
		return usage("%s is missing: halorun run [flags] INPUT OUTPUT OP [OP...]", missing)
	case (o.input == "" || o.output == "") && !printed:
		return usage("INPUT and OUTPUT have names; an empty one was given")
	case !utf8.ValidString(o.input + "/" + o.output):
		return usage("INPUT and OUTPUT have names of UTF-8 text, as which they go to ranks; rename what has another")
	}
	if err := cmdline.CheckLimits(c); err != nil {
		return usageError{err}
	}
	if _, err := kernels.Parse(o.ops); err != nil && !(printed && len(o.ops) == 0) {
		return usageError{err}
	}
	var err error
	if o.read, err = parseRead(c); err != nil {
		return err
	}
	if c.IsSet("memory") {
		if o.memory, err = parseSize("memory", c.String("memory")); err != nil {
			return err
		}
	}
	o.scratch = c.String("scratch-dir")
	if err := o.checkLaunch(c); err != nil {
		return err
	}
	if err := o.parseMetrics(c); err != nil {
		return err
	}
	if err := o.checkpoint.parse(c); err != nil {
		return err
	}
	if err := o.history.parse(c); err != nil {
		return err
	}
	if err := o.parseFolder(c); err != nil {
		return err
	}
	if printed {
		return o.checkPrinted()
	}
	if o.many != nil {
		return o.checkFolders()
	}
	return o.checkPaths()
}

// checkLaunch takes over the flags that say where and how ranks run.
func (o *runOptions) checkLaunch(c *cli.Context) error {
	var err error
	if o.hostOptions, err = parseHosts(c); err != nil {
		return err
	}
	if o.np == 0 && len(o.hosts) == 0 {
		o.np = cores()
	}
	if o.launch.Hosts, o.launch.Placement, err = o.place(); err != nil {
		return err
	}
	if len(o.hosts) == 0 && o.np > maxRanks {
		return usage("-n %d: the number of ranks is from 1 to %d", o.np, maxRanks)
	}
	if err := parseConnect(c, &o.launch, &o.network); err != nil {
		return err
	}
	if o.launch.Env, err = environment(c.StringSlice("x")); err != nil {
		return err
	}
	switch bind := c.String("bind-to"); bind {
	case "core":
		o.launch.Bind = true
	case "none":
	default:
		return usage("--bind-to %q: there are none and core", bind)
	}
	o.launch.Dir, o.launch.SkipUnreachable = c.String("wdir"), c.Bool("skip-unreachable")
	if o.inject, err = parseInjections(c.StringSlice("inject")); err != nil {
		return err
	}
	return o.checkFailure(c)
}

// checkFailure takes over the flags that say what happens when a rank is lost.
func (o *runOptions) checkFailure(c *cli.Context) error {
	l := &o.launch
	l.Heartbeat, l.MaxRestarts = c.Duration("heartbeat-timeout"), c.Int("max-restarts")
	switch on := c.String("on-failure"); on {
	case "shrink":
		l.Shrink = true
	case "replace":
	default:
		return usage("--on-failure %q: there are replace and shrink", on)
	}
	o.network.Heartbeat = l.Heartbeat
	if !c.IsSet("spare") {
		return nil
	}
	spares, err := hostfiles.ParseList(c.String("spare"))
	if err != nil {
		return usageError{fmt.Errorf("--spare: %w", err)}
	}
	for _, s := range spares {
		s.Origin = "--spare"
		i := slices.IndexFunc(l.Hosts, func(h hostfiles.Host) bool { return h.Name == s.Name })
		if i >= 0 {
			return usage("--spare %s: it is among the hosts of the job", s.Name)
		}
		l.Spares = append(l.Spares, len(l.Hosts))
		l.Hosts = append(l.Hosts, s)
	}
	return nil
}

// run does the job and writes the report about it.
func (o *runOptions) run(ctx context.Context) (err error) {
	outliveReaders()
	began := time.Now()
	report := newReport(newJobID(), len(o.launch.Placement))
	o.watch(report, began)
	defer func() { err = o.speech.end(o.board, report, err) }()
	recorder := o.record()
	ctx, signals, stop := watchSignals(ctx, o.timeout, o.log, o.speech.console)
	defer stop()

	report.Input.Path, report.Output.Path = o.input, o.output
	report.BindTo = "none"
	if o.launch.Bind {
		report.BindTo = "core"
	}
	err = o.mistake
	if err == nil && !o.dryRun {
		var stop func()
		if stop, err = o.serve(); err == nil {
			defer stop()
		}
	}
	if err == nil {
		do := o.job
		if o.many != nil {
			do = o.folderJob
		}
		err = do(ctx, signals, report)
	}
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = cause
	}
	report.conclude(began, err)
	if reportErr := o.writeReport(ctx, report, err); err == nil && reportErr != nil {
		err = reportErr
		report.conclude(began, err)
	} else if reportErr != nil {
		o.log.Error(reportErr.Error())
	}
	o.board.Finish(report.end())
	recorder.Close()
	return err
}

// writeReport writes the report about a job that ended with err, if one is wanted and can be had.
func (o *runOptions) writeReport(ctx context.Context, report *report, err error) error {
	if o.report == "" || errors.As(err, new(reportError)) {
		return nil
	}
	if err := report.write(ctx, o.report); err != nil {
		return &ranks.OutputError{Name: o.report, Err: err}
	}
	return nil
}

// job opens the files, runs the ranks and puts OUTPUT in place.
func (o *runOptions) job(ctx context.Context, signals *signals, report *report) error {
	job := ranks.Job{Ops: o.ops, Quality: o.quality, TileRows: o.tileRows, Threads: o.threads, Read: o.read, Fsync: o.fsync,
		Memory: o.memory, Scratch: o.scratch}
	// Ranks that all can open INPUT, and are not many more than there are processors for, read what they need of a JPEG themselves.
	n := len(o.launch.Placement)
	job.Read.Apart = len(o.hosts) == 0 && len(o.launch.Spares) == 0 && n > 1 && n <= 4*cores() && o.threads <= 4
	files := inherited{}
	defer files.close()
	var err error
	if err = o.outputFormat(&job); err != nil {
		return err
	}
	if job.Input, err = files.input(ctx, o.input); err != nil {
		return err
	}
	job.Output.Name = o.output
	if err := files.open(job.Input); err != nil {
		return err
	}
	picture, err := job.Inspect(files.source)
	if err != nil {
		return inspectError(err)
	}
	if err := job.FitMemory(picture, len(o.launch.Placement)); err != nil {
		return usageError{err}
	}
	job.Ops = picture.Ops // with what files held that ranks on other hosts lack
	if job.InputID, err = ranks.IdentifyInput(files.source); err != nil {
		return &raster.InputError{Name: o.input, Err: err}
	}
	report.describe(picture)
	for _, n := range picture.Input.Notices {
		o.log.Info(fmt.Sprintf("%s: %s", o.input, n))
	}
	if o.dryRun {
		job.Output = o.plannedOutput()
		return o.printPlan(job, picture, report)
	}
	kept, err := o.keep(report, job, files.source, picture)
	if err != nil {
		return err
	}
	in := picture.Input
	o.board.Describe(report.Job, watch.Picture{Width: in.Width, Height: in.Height, Channels: in.Channels}, picture.Ops)
	if err := kept.reserve(); err != nil {
		return err
	}
	attempt := newJobID()
	if job.Checkpoint = kept.checkpoint(attempt); kept != nil && kept.gone {
		job.Checkpoint.Mode = ranks.CheckpointOff
	}
	return o.work(ctx, signals, report, job, picture, &files, kept)
}

// work runs the ranks and puts OUTPUT in place.
func (o *runOptions) work(ctx context.Context, signals *signals, report *report, job ranks.Job, picture *ranks.Picture, files *inherited, kept *kept) (err error) {
	out := new(output)
	defer func() {
		if kept.end(err) {
			when := ""
			if exitStatus(err) == exitInput {
				when = ", if INPUT can be read and is as it was"
			}
			o.log.Warn(fmt.Sprintf("'halorun resume %s' goes on from here%s", kept.job.ID, when))
		} else {
			out.abort()
		}
	}()
	lines, err := newLineSink(o.outputDir, len(o.launch.Placement), o.tagOutput, o.speech, o.log)
	if err != nil {
		return err
	}
	defer lines.close()
	if out, err = o.openOutput(ctx, files, picture, kept); err != nil {
		out = new(output)
		return err
	}
	job.Output = out.File
	config, err := o.configure(report, lines, signals, rankSpec{Job: job, Network: o.network, Inject: o.inject})
	if err != nil {
		return err
	}
	config.Remove, config.Files = out.temporary(), files.files
	config.Keep = kept.file()
	if kept != nil {
		kept.job.Remove = out.temporary()
	}
	config.Progress = func(rank int, member uint32, host string, result []byte) {
		o.board.Progress(rank, member, host, result)
		kept.progress(member, result)
	}
	config.Commit = func() error {
		o.board.Commit()
		if o.injected("rename") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := job.InputID.Check(files.source); err != nil {
			return &raster.InputError{Name: o.input, Err: err}
		}
		kept.pause() // the ranks are about to remove what it describes
		return out.commit(ctx, o.fsync)
	}
	config.HeadLost = out.pump.restart
	kept.begin()
	var result *launcher.Result
	signals.during(ctx, func() { result, err = launcher.Run(ctx, config) })
	if result != nil {
		report.launched(result)
	}
	if err != nil {
		return out.failure(err)
	}
	o.log.Debug("done", "output", o.output, "width", picture.Output.Width, "height", picture.Output.Height, "ranks", len(result.Ranks))
	return nil
}

// configure returns what the launcher needs to know of any job.
func (o *runOptions) configure(report *report, lines *lineSink, signals *signals, spec rankSpec) (config launcher.Config, err error) {
	config = o.launch
	if config.Spec, err = json.Marshal(spec); err != nil {
		return config, err
	}
	config.AgentArgs, config.RankArgs, config.Version = []string{agentName}, []string{rankName}, version
	config.Threads, config.Job = o.threads, report.Job
	config.Lines = func(rank int, host, stream, line string) {
		o.board.Line(rank, host, stream, line)
		lines.line(rank, host, stream, line)
	}
	config.Events = o.event
	config.Notices = func(text string) { o.log.Info(text) }
	config.Suspend = signals.suspend
	return config, nil
}

// injected tells whether a test asks for a failure of this process at a step.
func (o *runOptions) injected(step string) bool {
	return slices.ContainsFunc(o.inject, func(in injection) bool { return in.At == step })
}

// event says in one line what befell a rank and what is done about it.
func (o *runOptions) event(e launcher.Event) {
	o.board.Event(e)
	o.speech.event(e)
	if e.Action == "" || e.Action == jobEnds {
		return // the error says it
	}
	o.told.Warn(oneLine(e.String()))
}

// jobEnds is the action of the event that ends a job.
const jobEnds = "the job ends"

// cores returns how many ranks this machine takes at a time.
func cores() int { return runtime.NumCPU() }

func newJobID() string {
	b := make([]byte, 4)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
