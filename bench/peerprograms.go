package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// programs finds out what is installed, and how each program does the job.
func (r *peersRun) programs(ctx context.Context) {
	j := r.job
	ops := []string{}
	for _, call := range j.chain {
		ops = append(ops, call.String())
	}
	if len(strings.Join(ops, " ")) > 64<<10 {
		ops = r.Ops // a kernel of many entries is longer than an argument may be; its file's name is not
	}
	output := func(program string) string { return "out-" + program + "." + j.extension() }
	here, _ := os.Getwd() // INPUT was found, so there is one; a kernel's file is named from there
	args := []string{"halorun", "run", "-n", strconv.Itoa(r.Ranks), "--quiet", "--quality", strconv.Itoa(peerQuality),
		filepath.Join(r.dir, j.input), filepath.Join(r.dir, output("halorun"))}
	r.peers = []*peer{{PeerResult: PeerResult{Program: "Halorun", Version: r.Version, State: Measured},
		plan: plan{commands: [][]string{append(args, ops...)}}, paths: []string{r.Halorun}, output: output("halorun"), cwd: here}}

	r.vips(ctx, output)
	gm := r.peer("GraphicsMagick", output("gm"))
	if path := gm.find("graphicsmagick", "gm"); path != "" {
		gm.Version = r.version(ctx, path, "version")
		p, err := j.planGM(gm.output)
		gm.take(p, err)
		gm.run(r, path)
	}
	r.python(ctx, output)
}

func (r *peersRun) peer(program, output string) *peer {
	p := &peer{PeerResult: PeerResult{Program: program, State: Measured}, output: output, cwd: r.dir}
	r.peers = append(r.peers, p)
	return p
}

func (r *peersRun) vips(ctx context.Context, output func(string) string) {
	one := func(name, file string, canny ...string) {
		p := r.peer(name, output(file))
		path := p.find("libvips-tools", "vips")
		if path == "" {
			return
		}
		p.Version = r.version(ctx, path, "--version")
		steps, err := forVips(r.job.chain, canny...)
		p.take(steps.plan(r.job, p.output), err)
		p.run(r, path)
	}
	one("libvips", "vips")
	for _, call := range r.job.chain {
		if call.Def.Name == "edges" {
			one("libvips, whole numbers", "vips2", "--precision", "integer")
			return
		}
	}
}

func (r *peersRun) python(ctx context.Context, output func(string) string) {
	cv := r.peer("OpenCV", output("opencv"))
	mpi := r.peer("mpi4py + OpenCV", output("mpi4py"))
	python, version, err := r.pythonWith(ctx, "cv2")
	if err != nil {
		cv.State, cv.Reason = Failed, err.Error()
		mpi.State, mpi.Reason = Failed, err.Error()
		return
	}
	if python == "" {
		cv.absent("python3-opencv")
		mpi.absent("python3-opencv python3-mpi4py openmpi-bin")
		return
	}
	cv.Version = version
	if err := r.job.writePythonPeers(r.dir); err != nil {
		for _, p := range []*peer{cv, mpi} {
			p.State, p.Reason = Failed, err.Error()
		}
		return
	}
	p, err := r.job.planOpenCV(python, cv.output)
	cv.take(p, err)
	cv.run(r, python)

	both, versions, err := r.pythonWith(ctx, "mpi4py", "cv2")
	if err != nil {
		mpi.State, mpi.Reason = Failed, err.Error()
		return
	}
	mpirun := ""
	for _, name := range []string{"mpirun.openmpi", "mpirun", "mpiexec"} {
		if mpirun == "" {
			mpirun, _ = exec.LookPath(name)
		}
	}
	switch {
	case both == "" && mpirun == "":
		mpi.absent("python3-mpi4py openmpi-bin")
		return
	case both == "":
		mpi.absent("python3-mpi4py")
		return
	case mpirun == "":
		mpi.absent("openmpi-bin")
		return
	}
	said, _ := r.ask(ctx, mpirun, "--version")
	which, command := "another MPI", []string{filepath.Base(mpirun), "-np", strconv.Itoa(r.Ranks)}
	if strings.Contains(said, "Open MPI") || strings.Contains(said, "OpenRTE") {
		which = "Open MPI " + firstVersion(said)
		command = append(command, "--oversubscribe")
	}
	mpi.Version = strings.Replace(versions, " ", ", OpenCV ", 1) + ", " + which
	p, err = r.job.planMPI(both, command, mpi.output)
	mpi.take(p, err)
	mpi.run(r, mpirun)
}

// find returns the path of a peer's program, or says that it is absent.
func (p *peer) find(pkg, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		p.absent(pkg)
		return ""
	}
	return path
}

func (p *peer) absent(packages string) {
	p.State, p.Reason = Absent, "not installed here: apt-get install "+packages
}

// take takes over how the peer does the job, or why it does not.
func (p *peer) take(how plan, err error) {
	p.plan = how
	if lacks := (needs{}); err != nil {
		p.State, p.Reason, p.plan = Unable, err.Error(), plan{}
		if errors.As(err, &lacks) {
			p.Reason = lacks.Error()
		}
	}
}

// run makes the commands those of the program at path, and writes the files that they read.
func (p *peer) run(r *peersRun, path string) {
	for range p.commands {
		p.paths = append(p.paths, path)
	}
	for name, text := range p.files {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil && p.State == Measured {
			p.State, p.Reason = Failed, err.Error()
		}
	}
}

// version asks a program for its version.
func (r *peersRun) version(ctx context.Context, path, how string) string {
	said, _ := r.ask(ctx, path, how)
	return firstVersion(said)
}

// firstVersion returns the first word of a text that is a number with a point in it, such as 8.14.1 in vips-8.14.1.
func firstVersion(text string) string {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }) {
		if word = strings.Trim(word, "."); strings.Contains(word, ".") {
			return word
		}
	}
	return "unknown"
}

// pythonWith returns the first python3 in PATH that has the modules, and their versions.
// The error is about one that does not say whether it has them.
func (r *peersRun) pythonWith(ctx context.Context, modules ...string) (path, versions string, err error) {
	program := "import " + strings.Join(modules, ", ") + "\nprint(" + strings.Join(modules, ".__version__, ") + ".__version__)"
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path, err := exec.LookPath(filepath.Join(dir, "python3"))
		if err != nil || !filepath.IsAbs(path) {
			continue
		}
		said, err := r.ask(ctx, path, "-c", program)
		if errors.Is(err, context.DeadlineExceeded) {
			return "", "", fmt.Errorf("%s has not said within %v which modules it has", path, askTime)
		}
		if err == nil {
			return path, strings.TrimSpace(said), nil
		}
	}
	return "", "", nil
}

// ask returns what a program writes. Nothing of it is left when that takes too long.
func (r *peersRun) ask(ctx context.Context, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = r.dir // whatever lies where the user is would be imported
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	return string(out), cmp.Or(ctx.Err(), err)
}

// askTime is how long a program may take to say who it is; Python reads much from a disk for that.
const askTime = time.Minute
