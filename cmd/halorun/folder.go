package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/kernels"
	"halorun/launcher"
	"halorun/launcher/jobs"
	"halorun/launcher/jobs/watch"
	"halorun/ranks"
	"halorun/ranks/folder"
	"halorun/ranks/journal"
	"halorun/ranks/raster"
)

// folderFlags are the flags for many pictures.
func folderFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output-name", DefaultText: folder.DefaultPattern + ", or " + folder.DefaultPagePattern + " with --page all", Usage: "of many pictures: `NAME` of each in the folder OUTPUT, with {stem}, {ext}, {name}, {dir}, {n}, {page}"},
		&cli.BoolFlag{Name: "fail-fast", Usage: "of many pictures: end at the first that fails"},
		&cli.StringFlag{Name: "allow-failures", Value: "0", Usage: "of many pictures: exit status 0 if at most `N` fail, or N% of them"},
		&cli.StringFlag{Name: "pictures-log", Usage: "of many pictures: one line of JSON for each to `FILE`, as it ends"},
		&cli.BoolFlag{Name: "null", Aliases: []string{"0"}, Usage: "names in a list end with a zero byte"},
		&cli.StringFlag{Name: "list-dir", DefaultText: "the working folder", Usage: "names in a list count from `DIR`"},
		cmdline.Positive(&cli.Int64Flag{Name: "split-pixels", Value: folder.DefaultLarge, Usage: "of many pictures: those of more than `P` pixels are for all ranks together"}, "the number"),
	}
}

// isForMany tells whether a flag says nothing of one picture.
func isForMany(name string) bool {
	return name != "list-dir" && slices.ContainsFunc(folderFlags(), func(f cli.Flag) bool { return f.Names()[0] == name })
}

// folderOptions are the values of folderFlags. They are nil for one picture.
type folderOptions struct {
	list     string // "": no list; "-": stdin
	pattern  *folder.Pattern
	output   string // absolute
	failFast bool
	allowed  allowance
	log      string
	end      byte
	dir      string // that names of a list count from
	split    int64
	pages    bool // each is a picture
	file     bool // INPUT is one file, of which all pages are
}

// allowance is how many pictures may fail.
type allowance struct {
	number  int
	percent float64 // if it is not 0
}

func parseAllowance(text string) (a allowance, err error) {
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		if a.percent, err = strconv.ParseFloat(percent, 64); err != nil || !(a.percent >= 0 && a.percent <= 100) {
			err = usage("--allow-failures %q: the percentage is from 0%% to 100%%", text)
		}
		return a, err
	}
	if a.number, err = strconv.Atoi(text); err != nil || a.number < 0 {
		err = usage("--allow-failures %q: give a number of pictures, such as 3, or of percent, such as 1%%", text)
	}
	return a, err
}

func (a allowance) covers(failed, of int) bool {
	return failed <= a.number || float64(failed)*100 <= a.percent*float64(of)
}

// manyPictures tells whether INPUT stands for many pictures: a folder, a list, or a pattern of names that is not a file's name.
func manyPictures(input string) bool {
	if strings.HasPrefix(input, "@") {
		return true
	}
	st, err := os.Stat(input)
	return err == nil && st.IsDir() || err != nil && folder.IsGlob(input)
}

// parseFolder takes over the flags for many pictures.
func (o *runOptions) parseFolder(c *cli.Context) error {
	given, some := "", false
	for _, f := range folderFlags() {
		if name := f.Names()[0]; c.IsSet(name) && isForMany(name) {
			some = true
			if !fromVariable(c, name) {
				given = name
			}
		}
	}
	pages := c.String("page") == allPages
	many := manyPictures(o.input) || o.input == "" && some // it is named when what is printed now is run
	if !many && !pages {
		if given != "" {
			return usage("--%s is for many pictures, and INPUT %s is one", given, o.input)
		}
		return nil
	}
	m := &folderOptions{failFast: c.Bool("fail-fast"), log: c.String("pictures-log"), end: '\n', split: c.Int64("split-pixels"), pages: pages, file: !many}
	format := ""
	var err error
	if o.format != "" {
		if format, err = raster.FormatOf("x." + o.format); err != nil {
			return usage("--format: %w", err)
		}
	}
	name := c.String("output-name")
	if name == "" && pages {
		name = folder.DefaultPagePattern
	}
	if m.pattern, err = folder.ParsePattern(name, format); err != nil {
		return usage("--output-name %v", err)
	}
	if m.allowed, err = parseAllowance(c.String("allow-failures")); err != nil {
		return err
	}
	if c.Bool("null") {
		m.end = 0
	}
	if o.memory > 0 && o.pictureMemory() < folder.MinMemory {
		return usage("--memory: a process at many pictures needs %d MiB at least", (ranks.ProgramBytes+folder.MinMemory)>>20)
	}
	if m.list, _ = strings.CutPrefix(o.input, "@"); m.list == "" && o.input == "@" {
		return usage("INPUT @: the name of a list comes behind the @, or - for stdin")
	}
	if !strings.HasPrefix(o.input, "@") {
		m.list = ""
	}
	if m.dir, err = filepath.Abs(c.String("list-dir")); err == nil {
		m.output, err = filepath.Abs(o.output)
	}
	o.many = m
	return err
}

// checkFolders finds mistakes in the paths before anything is read or written.
func (o *runOptions) checkFolders() error {
	if err := o.checkNoStreams(); err != nil {
		return err
	}
	if strings.HasPrefix(o.input, "@") && o.many.list != "-" {
		if st, err := os.Stat(o.many.list); err != nil {
			return &raster.InputError{Name: o.many.list, Err: err}
		} else if st.IsDir() {
			return &raster.InputError{Name: o.many.list, Err: errors.New("it is a folder, not a list of pictures")}
		}
	}
	st, err := os.Stat(o.output)
	if o.many.file {
		if err := o.checkPagesOf(st); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(o.many.output)); errors.Is(err, fs.ErrNotExist) {
			return usage("the folder of OUTPUT %s does not exist", o.output)
		}
		return nil
	case err != nil:
		return &ranks.OutputError{Name: o.output, Err: err}
	case !st.IsDir():
		return usage("OUTPUT %s is a file; where INPUT is many pictures it is a folder", o.output)
	}
	if in, err := os.Stat(o.input); err == nil && os.SameFile(in, st) {
		return usage("OUTPUT %s is INPUT itself: the next run would take outputs for inputs; name another folder, which may be in it", o.output)
	}
	return nil
}

// checkNoStreams finds those mistakes that are in the names themselves.
func (o *runOptions) checkNoStreams() error {
	switch {
	case o.output == "-":
		return usage("OUTPUT is a folder where INPUT is many pictures, not stdout")
	case o.input == "-":
		return usage("--page all: INPUT is a file, a folder or a list, not stdin")
	}
	return nil
}

// checkPagesOf finds mistakes in the paths where INPUT is one file and --page is all. out is what there is of OUTPUT, or nil.
func (o *runOptions) checkPagesOf(out fs.FileInfo) error {
	switch st, err := os.Stat(o.input); {
	case err != nil:
		return &raster.InputError{Name: o.input, Err: err}
	case !st.Mode().IsRegular():
		return usage("--page all: INPUT %s is no regular file", o.input)
	}
	_, err := raster.FormatOf(o.output)
	if out != nil && !out.IsDir() || out == nil && err == nil && !strings.HasSuffix(o.output, "/") {
		return usage("--page all: OUTPUT %s would be one file, and each page is a picture of its own; name a folder, such as %s/",
			o.output, strings.TrimSuffix(o.output, filepath.Ext(o.output)))
	}
	return nil
}

// spec returns INPUT so that it means the same anywhere.
func (o *runOptions) inputSpec() (string, error) {
	if rest, ok := strings.CutPrefix(o.input, "@"); ok {
		if rest == "-" {
			return o.input, nil
		}
		abs, err := filepath.Abs(rest)
		return "@" + abs, err
	}
	return filepath.Abs(o.input)
}

// folderJob runs a job on many pictures.
func (o *runOptions) folderJob(ctx context.Context, signals *signals, report *report) (err error) {
	ops, err := kernels.Parse(o.ops)
	if err != nil {
		return usageError{err}
	}
	f := &folderRun{runOptions: o, report: report}
	for _, op := range ops {
		f.ops = append(f.ops, op.String())
	}
	report.Ops = f.ops
	if f.format, f.compression, f.level, err = o.folderFormat(); err != nil {
		return err
	}
	if o.dryRun {
		return f.printFolder(ctx)
	}
	if err := f.keep(); err != nil {
		return err
	}
	o.board.Describe(report.Job, watch.Picture{}, f.ops)
	defer func() {
		if f.kept.end(err) {
			o.log.Warn(fmt.Sprintf("'halorun resume %s' goes on from here, without what is done", f.kept.job.ID))
		}
	}()
	if err := f.open(ctx); err != nil {
		return err
	}
	defer f.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := f.list(ctx, cancel); err != nil {
		return err
	}
	if err := os.Mkdir(o.many.output, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return &ranks.OutputError{Name: o.output, Err: err}
	}
	if f.streams || f.queue.Len() > 0 {
		err = f.runRanks(ctx, signals)
	}
	return f.finish(ctx, err)
}

// folderFormat returns the format of all pictures, or "" if each has its own, and how they are compressed.
func (o *runOptions) folderFormat() (format, compression string, level int, err error) {
	if o.format != "" {
		format, _ = raster.FormatOf("x." + o.format) // it was checked
		if o.compression != "" {
			if compression, level, err = raster.ParseCompression(format, o.compression); err != nil {
				err = usageError{err}
			}
		}
	} else if o.compression != "" {
		err = usage("--compression: which formats are written their names decide; give --format, too")
	}
	return format, compression, level, err
}

// folderRun is a job on many pictures while it runs.
type folderRun struct {
	*runOptions
	report      *report
	ops         []string // normalised
	format      string   // of all outputs; "": by their names
	compression string
	level       int
	id          journal.ID
	temp        string // folder
	kept        *kept
	journal     *os.File
	queue       *folder.Queue
	earlier     folder.Earlier
	streams     bool // the list comes while ranks work
	*tally
}

// keep finds the job that is to be resumed, or makes a new one.
func (f *folderRun) keep() error {
	o := f.runOptions
	input, err := o.inputSpec()
	if err != nil {
		return err
	}
	identity, err := json.Marshal(struct {
		Version       string // which may compute other bytes
		Input, Output string
		Ops           []string
		Format, Name  string
		Quality       int
		Read          raster.Options
		Compression   string
		Pages         bool
	}{
		version, input, o.many.output, f.ops, f.format, fmt.Sprint(o.checkpoint.flags["output-name"]), o.quality, o.read.Samples(), o.compression, o.many.pages,
	})
	if err != nil {
		return err
	}
	f.id = sha256.Sum256(identity)
	if o.checkpoint.mode == ranks.CheckpointOff {
		return nil
	}
	k := newKept(o)
	k.job = &jobs.Job{
		ID: f.report.Job, Begun: time.Now(), Version: version, Ops: f.ops, Input: input, Output: o.many.output, Ledger: f.id[:],
	}
	if o.checkpoint.resume {
		if err := k.find(o); err != nil {
			return err
		}
		f.report.Job = k.job.ID
	}
	k.job.Flags = o.checkpoint.flags
	k.job.Flags["list-dir"] = []string{o.many.dir}
	go jobs.Prune(k.root, k.job.ID, time.Now())
	if err := k.lock(); err != nil {
		return err
	}
	f.kept = k
	return nil
}

// journalName is that of the journal in a job's folder.
const journalName = "pictures.seg"

// open opens the journal and the queue, and begins an attempt.
func (f *folderRun) open(ctx context.Context) (err error) {
	f.temp = filepath.Join(f.many.output, folder.TempName(f.report.Job))
	jobs.RemoveTemporary(f.temp)
	if f.kept != nil {
		f.kept.job.Remove = []string{f.temp}
		f.kept.save()
		if !f.kept.gone {
			name := filepath.Join(f.kept.root, f.kept.job.ID, journalName)
			if f.journal, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
				f.kept.giveUp(err)
			}
		}
	}
	failed := func(err error) error {
		return fmt.Errorf("keep a list of pictures in %s (TMPDIR): %w", os.TempDir(), err)
	}
	if f.journal == nil { // it is for who takes the place of a lost rank
		if f.journal, err = os.CreateTemp("", "halorun-"); err == nil {
			err = os.Remove(f.journal.Name())
		}
		if err != nil {
			return failed(err)
		}
	}
	boot := folder.Boot()
	if f.earlier, err = folder.ReadEarlier(f.journal, f.id, boot); err != nil {
		return failed(err)
	}
	log, err := journal.Open(f.journal, f.id)
	if err == nil {
		begins := log.Bytes()
		err = folder.Begin(log, newJobID(), boot)
		if err == nil {
			f.tally, err = f.newTally(ctx, begins)
		}
	}
	if err == nil {
		f.queue, err = folder.NewQueue("", f.id)
	}
	if err != nil && !isA[*ranks.OutputError](err) {
		err = failed(err)
	}
	return err
}

func (f *folderRun) close() {
	jobs.RemoveTemporary(f.temp)
	f.queue.Close()
	f.journal.Close()
	f.tally.close()
}

// find calls found for each picture of INPUT.
func (f *folderRun) find(found folder.Find) error {
	wrong := func(err error) error {
		var path *fs.PathError
		if errors.As(err, &path) {
			return &raster.InputError{Name: path.Path, Err: err}
		}
		return err
	}
	m := f.many
	switch {
	case m.file:
		return found(f.input, filepath.Base(f.input))
	case m.list == "-":
		return wrong(folder.Read(os.Stdin, m.end, m.dir, found))
	case m.list != "":
		list, err := os.Open(m.list)
		if err != nil {
			return wrong(err)
		}
		defer list.Close()
		if err := folder.Read(list, m.end, m.dir, found); err != nil && !isA[*folder.Clash](err) {
			return &raster.InputError{Name: m.list, Err: err}
		} else if err != nil {
			return err
		}
		return nil
	case folder.IsGlob(f.input):
		if st, err := os.Stat(f.input); err != nil || !st.IsDir() {
			err := folder.Glob(f.input, m.output, found)
			if errors.Is(err, filepath.ErrBadPattern) {
				return usageError{err}
			}
			return err
		}
	}
	return wrong(folder.Walk(f.input, m.output, found))
}

// list makes the list of pictures that are to be done. Of a stream of names it goes on with it while ranks work, and cancels them if it cannot be read.
func (f *folderRun) list(ctx context.Context, cancel context.CancelCauseFunc) error {
	lister := f.lister()
	var batch []*folder.Entry
	flush := func() error {
		err := f.queue.Add(batch...)
		batch = batch[:0]
		return err
	}
	add := func(path, name string) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		entries, err := lister.Add(path, name)
		f.listed.Add(int64(len(entries)))
		if err != nil {
			if !f.streams || len(entries) == 0 {
				return err
			}
			f.fail(entries[0], err.(*folder.Clash).Why)
			return nil
		}
		for _, e := range entries {
			if r := f.earlier.Of(e); r.Counts(e, f.many.output) {
				f.resume(r)
				continue
			}
			if batch = append(batch, e); len(batch) == folder.Window {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if f.streams {
			return flush()
		}
		return nil
	}
	if f.streams = f.many.list == "-"; f.streams {
		go func() {
			err := f.find(add)
			if err == nil && lister.Listed() == 0 {
				err = f.none()
			}
			if err == nil {
				f.complete.Store(true)
				err = f.queue.End()
			}
			if err != nil {
				cancel(err)
			}
		}()
		return nil
	}
	var clash *folder.Clash
	if err := f.find(add); errors.As(err, &clash) {
		return usageError{clash}
	} else if err != nil {
		return err
	}
	if lister.Listed() == 0 {
		return f.none()
	}
	if err := flush(); err != nil {
		return err
	}
	f.complete.Store(true)
	return f.queue.End()
}

// lister returns what makes a list of what is found.
func (f *folderRun) lister() *folder.Lister {
	l := folder.NewLister(f.many.output, f.many.pattern)
	if f.many.pages {
		l.Pages = func(path string) (int, error) {
			if f.read.Geometry != nil {
				return 1, nil
			}
			return folder.Pages(path)
		}
	}
	return l
}

// none says that INPUT has no pictures.
func (f *folderRun) none() error {
	err := errors.New("there are no pictures in it (files that end in .png, .jpg, .tif, .ppm, .pgm or .pnm, or begin as these do)")
	switch {
	case f.many.list != "":
		err = errors.New("there are no names in it")
	case folder.IsGlob(f.input):
		err = errors.New("there are no such files")
	}
	name := strings.TrimPrefix(f.input, "@")
	if name == "-" {
		name = "stdin"
	}
	return &raster.InputError{Name: name, Err: err}
}

// runRanks runs the ranks.
func (f *folderRun) runRanks(ctx context.Context, signals *signals) error {
	o := f.runOptions
	lines, err := newLineSink(o.outputDir, len(o.launch.Placement), o.tagOutput, o.speech, o.log)
	if err != nil {
		return err
	}
	defer lines.close()
	files := inherited{}
	job := &folder.Job{
		Output: o.many.output, Temp: f.temp, Read: o.read, Ops: f.ops, Format: f.format, Quality: o.quality, Compression: f.compression, Level: f.level, TileRows: o.tileRows,
		Threads: o.threads, Fsync: o.fsync, Large: o.many.split, Memory: o.pictureMemory(), Limit: o.memory, Scratch: o.scratch, FailFast: o.many.failFast, Patience: folder.DefaultPatience,
		ListFD: files.add(f.queue.List), WakeFD: files.add(f.queue.Wake), JournalFD: files.add(f.journal),
		ID: f.id, Mode: o.checkpoint.mode, Every: o.checkpoint.every,
	}
	if f.kept == nil || f.kept.gone {
		job.Mode = ranks.CheckpointOff
	}
	config, err := o.configure(f.report, lines, signals, rankSpec{Folder: job, Network: o.network, Inject: o.inject})
	if err != nil {
		return err
	}
	config.Remove, config.Files = []string{f.temp}, files.files
	config.Progress, config.Excused = f.progress, f.tally.Excused
	config.Events = func(e launcher.Event) {
		f.tally.event(e)
		o.event(e)
	}
	config.Commit = func() error {
		o.board.Commit()
		if o.injected("rename") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f.kept.pause()
		return nil
	}
	f.kept.begin()
	var result *launcher.Result
	signals.during(ctx, func() { result, err = launcher.Run(ctx, config) })
	if result != nil {
		f.report.launched(result)
	}
	return err
}

// pictureMemory returns how much of a process's memory is for pictures that lanes are at.
func (o *runOptions) pictureMemory() int64 {
	if o.memory == 0 {
		return folder.DefaultMemory
	}
	return o.memory - ranks.ProgramBytes
}

// progress takes note of what a rank says of itself.
func (f *folderRun) progress(rank int, member uint32, host string, result []byte) {
	f.board.Progress(rank, member, host, result)
	var r folder.Result
	if json.Unmarshal(result, &r) != nil {
		return
	}
	if f.follow() != nil {
		return // it is said in the end
	}
	f.board.CountPictures(f.counted())
	if f.kept != nil {
		f.kept.pictures(f.ended(), f.count())
		if r.Checkpoint != "" {
			f.kept.mu.Lock()
			f.kept.warn(errors.New(r.Checkpoint))
			f.kept.mu.Unlock()
		}
	}
}

// finish sums up how the pictures ended.
func (f *folderRun) finish(ctx context.Context, err error) error {
	if follow := f.follow(); follow != nil && err == nil {
		err = follow
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if f.kept != nil {
		f.kept.pictures(f.ended(), f.count())
	}
	f.tell()
	f.board.CountPictures(f.counted())
	f.report.Pictures = f.sum()
	list, listErr := f.writeFailed()
	if err == nil {
		err = listErr
	}
	failed, all := len(f.failures), f.count()
	if err == nil && failed > 0 && f.many.allowed.covers(failed, all) {
		f.log.Warn(fmt.Sprintf("%d of %d pictures failed, as many as --allow-failures allows; %s lists them", failed, all, list))
		return nil
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d pictures failed; %s lists them", failed, all, list)
	}
	if err == nil {
		f.log.Debug("done", "output", f.output, "pictures", all)
	} else {
		f.kept.last()
	}
	return err
}
